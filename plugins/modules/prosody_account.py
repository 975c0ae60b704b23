#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: prosody_account
short_description: Manage one account of an XMPP host
version_added: 0.1.0
author:
  - allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Creates, changes, disables or removes one account of a running Prosody.
  - Compares before it writes. The same password or the same role again is no change, so no session is cut for
    nothing.
  - For more than a handful of accounts use M(allthingslinux.xmpp.prosody_accounts).
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.full
  - allthingslinux.xmpp.account
  - allthingslinux.xmpp.connection
attributes:
  check_mode:
    details:
      - On a machine where Prosody does not run yet, or does not serve the host yet, check mode predicts that the
        account would be created.
  diff_mode:
    details:
      - Shows what changes, never a secret.
options:
  jid:
    description:
      - The account as C(local@host).
      - Normalised as Prosody does; C(Romeo@example.org) and C(romeo@example.org) are one account.
    type: str
    required: true
    aliases: [name]
  update_password:
    description:
      - V(always) makes the password or verifier the declared one, V(on_create) leaves that of an existing account
        alone.
    type: str
    choices: [always, on_create]
    default: always
seealso:
  - module: allthingslinux.xmpp.prosody_accounts
  - module: allthingslinux.xmpp.prosody_account_info
  - plugin: allthingslinux.xmpp.scram_verifier
    plugin_type: filter
"""

EXAMPLES = r"""
- name: An administrator
  allthingslinux.xmpp.prosody_account:
    jid: juliet@example.org
    password: "{{ vault_juliet_password }}"
    role: prosody:admin

- name: A first password that the user will change
  allthingslinux.xmpp.prosody_account:
    jid: romeo@example.org
    password: "{{ vault_romeo_first_password }}"
    update_password: on_create

- name: Nobody signs in as Tybalt any more
  allthingslinux.xmpp.prosody_account:
    jid: tybalt@example.org
    state: disabled

- name: Paris and all his data are gone
  allthingslinux.xmpp.prosody_account:
    jid: paris@example.org
    state: absent
"""

RETURN = r"""
jid:
  description: The account, normalised.
  returned: always
  type: str
  sample: juliet@example.org
action:
  description: What was (in check mode, would be) done, one of V(created), V(updated), V(removed), V(none).
  returned: always
  type: str
  sample: updated
changes:
  description: The options that differed.
  returned: always
  type: list
  elements: str
  sample: [role]
predicted:
  description: Whether this is a prediction of check mode, made without a running server.
  returned: always
  type: bool
  sample: false
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts import planner, reconcile, results, spec
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.model import AccountError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.store import AccountStore
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import jid


def run(module: AnsibleModule) -> None:
    """Read, plan, apply; end the module."""
    params = module.params
    address = jid.parse(params["jid"], strict=params["state"] != "absent")
    if not address.local or address.resource:
        raise AccountError(f'"{params["jid"]}" is not an account; one is written local@host.')
    declared = [{"name": str(address), **{option: params[option] for option in spec.FIELDS}}]
    outcome = reconcile.Outcome()
    predicted = False
    try:
        with connection.connect(params) as admin:
            store = AccountStore(admin, address.domain)
            plan = reconcile.make_plan(store, declared, params["update_password"])
            about = store.host
            if not module.check_mode:
                reconcile.apply(store, plan, outcome)
    except XmppError as error:
        if not (module.check_mode and results.may_come_later(error)):
            raise
        module.warn(f"{error} Predicting what this task would do once it runs.")
        plan, about = results.prediction(declared, address.domain)
        predicted = True
    if module.check_mode:
        reconcile.foresee(plan, outcome)
    for warning in results.warnings(plan, about):
        module.warn(warning)
    if outcome.failed:
        raise AccountError(next(iter(outcome.failed.values())))
    result = {
        "changed": outcome.changed,
        "jid": str(address),
        "action": results.action(outcome),
        "changes": next(iter(outcome.updated.values()), []),
        "predicted": predicted,
    }
    if module._diff:
        result["diff"] = planner.diff(plan, about)
    module.exit_json(**result)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "jid": {"type": "str", "required": True, "aliases": ["name"]},
            **spec.FIELDS,
            "update_password": {**spec.UPDATE_PASSWORD, "default": "always"},
            **connection.argument_spec(),
        },
        mutually_exclusive=[["password", "verifier"]],
        supports_check_mode=True,
    )
    try:
        run(module)
    except XmppError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
