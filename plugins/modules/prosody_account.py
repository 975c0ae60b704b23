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
  - allthingslinux.xmpp.attributes
  - allthingslinux.xmpp.connection
attributes:
  check_mode:
    support: full
    details:
      - On a machine where Prosody does not run yet, or does not serve the host yet, check mode predicts that the
        account would be created.
  diff_mode:
    support: full
    details:
      - Shows what changes, never a secret.
  idempotent:
    support: full
options:
  jid:
    description:
      - The account as C(local@host).
      - Normalised as Prosody does; C(Romeo@example.org) and C(romeo@example.org) are one account.
    type: str
    required: true
    aliases: [name]
  state:
    description:
      - V(present) means the account exists and can sign in, V(disabled) that it exists and cannot,
        V(absent) that it does not exist, nor anything it ever stored.
    type: str
    choices: [present, disabled, absent]
    default: present
  password:
    description:
      - Its password. Tested against the stored keys; a password that is already right is not set again.
      - A new password ends the sessions of the account.
    type: str
  verifier:
    description:
      - Instead of a password, what the server keeps of it, so that the password itself is nowhere needed.
      - In the form C(SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey) of RFC 5803, as made by the filter
        P(allthingslinux.xmpp.scram_verifier#filter).
    type: str
  update_password:
    description:
      - V(always) makes the password or verifier the declared one, V(on_create) leaves that of an existing account
        alone.
    type: str
    choices: [always, on_create]
    default: always
  role:
    description:
      - Its primary role, such as V(prosody:registered), V(prosody:member) or V(prosody:admin). The host must know it.
      - When not given, a new account has the default role of the host, and an existing one keeps its role.
      - A new role ends the sessions of the account.
    type: str
  secondary_roles:
    description: Exactly these secondary roles; when not given they stay as they are.
    type: list
    elements: str
  flags:
    description:
      - Exactly these flags, each with a note, which may be empty; when not given they stay as they are.
      - Needs Prosody's module C(flags) on the host.
    type: dict
  contact:
    description:
      - Contact data, stored where registration forms store it, as in C(email) or C(name).
      - An empty value removes a field; fields that are not given stay as they are.
    type: dict
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
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts import planner, reconcile, results
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.model import AccountError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.store import AccountStore
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import jid

OPTIONS = ("state", "password", "verifier", "role", "secondary_roles", "flags", "contact")


def run(module: AnsibleModule) -> None:
    """Read, plan, apply; end the module."""
    params = module.params
    address = jid.parse(params["jid"], strict=params["state"] != "absent")
    if not address.local or address.resource:
        raise AccountError(f'"{params["jid"]}" is not an account; one is written local@host.')
    declared = [{"name": str(address), **{option: params[option] for option in OPTIONS}}]
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
            "state": {"type": "str", "choices": ["present", "disabled", "absent"], "default": "present"},
            "password": {"type": "str", "no_log": True},
            "verifier": {"type": "str", "no_log": True},
            "update_password": {
                "type": "str",
                "choices": ["always", "on_create"],
                "default": "always",
                "no_log": False,
            },
            "role": {"type": "str"},
            "secondary_roles": {"type": "list", "elements": "str"},
            "flags": {"type": "dict"},
            "contact": {"type": "dict"},
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
