#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: prosody_accounts
short_description: Manage all accounts of an XMPP host as desired state
version_added: 0.1.0
author:
  - allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Creates, changes, disables and removes accounts of one host of a running Prosody, thousands in one task.
  - Compares before it writes. The same password or the same role again is no change, so no session is cut for
    nothing.
  - Hashes passwords on all cores and stores them in batches while Prosody goes on serving. Works on internal,
    SQLite and PostgreSQL storage alike.
  - An account that cannot be had as declared does not stop the others. The task fails at the end and lists them.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.full
  - allthingslinux.xmpp.account.listed
  - allthingslinux.xmpp.connection
attributes:
  check_mode:
    details:
      - On a machine where Prosody does not run yet, or does not serve O(host) yet, check mode predicts that all
        accounts would be created.
  diff_mode:
    details:
      - Shows the accounts that change, never a secret.
options:
  host:
    description: The VirtualHost whose accounts these are.
    type: str
    required: true
  update_password:
    description:
      - V(always) makes every password and verifier the declared one, V(on_create) leaves those of existing accounts
        alone.
      - Testing a password costs as much as setting it (a few milliseconds of one core).
    type: str
    choices: [always, on_create]
    default: always
  purge:
    description:
      - Remove accounts that are not listed, with all their data.
      - Accounts in C(admins) of Prosody's configuration are never purged.
      - Nothing is purged when an entry of O(accounts) is invalid.
    type: bool
    default: false
  purge_limit:
    description: When more accounts than this would be purged, fail before anything is changed.
    type: int
    default: 10
  purge_exempt:
    description: Accounts that are never purged, as shell patterns of local parts.
    type: list
    elements: str
    default: []
  record:
    description:
      - A file on the host in which the module remembers who was declared, by name alone.
      - With it RV(undeclared) tells who is declared no more and can still sign in, which is said as a warning as well.
    type: path
seealso:
  - module: allthingslinux.xmpp.prosody_account
  - module: allthingslinux.xmpp.prosody_account_info
  - plugin: allthingslinux.xmpp.scram_verifier
    plugin_type: filter
"""

EXAMPLES = r"""
- name: The accounts of example.org
  allthingslinux.xmpp.prosody_accounts:
    host: example.org
    accounts:
      - name: juliet
        password: "{{ vault_juliet_password }}"
        role: prosody:admin
      - name: romeo
        password: "{{ vault_romeo_first_password }}"
        update_password: on_create
        contact:
          email: romeo@montague.example
      - name: tybalt
        state: disabled

- name: Nobody but these, services apart
  allthingslinux.xmpp.prosody_accounts:
    host: example.org
    accounts: "{{ people }}"
    purge: true
    purge_exempt: [bot-*, monitoring]

- name: Accounts whose passwords nobody knows here
  allthingslinux.xmpp.prosody_accounts:
    host: example.org
    accounts:
      - name: mercutio
        verifier: "{{ vault_mercutio_verifier }}"  # SCRAM-SHA-256$10000:…
"""

RETURN = r"""
host:
  description: The host, normalised.
  returned: always
  type: str
  sample: example.org
created:
  description: Accounts that were (in check mode, would be) created.
  returned: always
  type: list
  elements: str
  sample: [juliet]
updated:
  description: Accounts that were (would be) changed, each with the options that differed.
  returned: always
  type: dict
  sample: {romeo: [password, role]}
removed:
  description: Accounts that were (would be) removed.
  returned: always
  type: list
  elements: str
  sample: [paris]
unchanged:
  description: How many accounts were already as declared.
  returned: always
  type: int
  sample: 9998
kept:
  description: Accounts that are not declared, but that O(purge_exempt) or the configuration's C(admins) protect.
  returned: when O(purge=true)
  type: list
  elements: str
  sample: [monitoring]
undeclared:
  description: Accounts that were declared before, are not any more, exist and can sign in.
  returned: when O(record) is given
  type: list
  elements: str
  sample: [tybalt]
errors:
  description: Accounts that cannot be had as declared, each with the reason. The task fails if there are any.
  returned: always
  type: dict
  sample: {"bad name": "\"bad name\" is not a valid JID: its local part is not allowed: it holds a space."}
predicted:
  description: Whether this is a prediction of check mode, made without a running server.
  returned: always
  type: bool
  sample: false
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts import (
    declaration,
    planner,
    reconcile,
    record,
    results,
    spec,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.store import AccountStore
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import jid


class AccountsModule(AnsibleModule):
    """AnsibleModule whose work does not grow with the square of the number of passwords.

    It compares every string of a result, and of the log entry of its own call, with every secret. Here neither can
    hold one: the list of accounts is left out of both.
    """

    def _log_invocation(self) -> None:
        self.log(f"Invoked for {len(self.params['accounts'])} accounts of {self.params['host']}")

    def finish(self, failed: str | None, **result: Any) -> None:
        """End the module with a result that holds no secret by construction."""
        self.no_log_values: set[str] = set()
        shown = {**self.params, "accounts": f"{len(self.params['accounts'])} accounts"}
        result["invocation"] = {"module_args": shown}
        if failed:
            self.fail_json(msg=failed, **result)
        self.exit_json(**result)


def _declared(params: dict[str, Any], host: str) -> tuple[set[str], set[str]]:
    """Who is declared, and who of them to be absent; what cannot be read is told elsewhere."""
    usable, _errors = declaration.wanted_all(params["accounts"], host, params["update_password"])
    return {entry.name for entry in usable}, {entry.name for entry in usable if entry.state == "absent"}


def _undeclared(params: dict[str, Any], store: AccountStore) -> list[str]:
    if not params["record"] or params["purge"]:
        return []
    before = record.read(Path(params["record"])).get(store.host.name, [])
    declared, _absent = _declared(params, store.host.name)
    left = sorted(set(before) - declared)
    return record.undeclared(before, declared, store.read(left) if left else {})


def _remember(params: dict[str, Any], store: AccountStore) -> None:
    if not params["record"]:
        return
    path, host = Path(params["record"]), store.host.name
    before = record.read(path).get(host, [])
    declared, absent = _declared(params, host)
    left = sorted(set(before) - declared)
    record.write(path, host, record.updated(before, declared, absent, store.read(left) if left else {}))


def run(module: AccountsModule) -> None:
    """Read, plan, apply; end the module."""
    params = module.params
    host = jid.nameprep(params["host"])
    purge = reconcile.Purge(params["purge_limit"], params["purge_exempt"]) if params["purge"] else None
    outcome = reconcile.Outcome()
    predicted = False
    try:
        with connection.connect(params) as admin:
            store = AccountStore(admin, host)
            plan = reconcile.make_plan(store, params["accounts"], params["update_password"], purge)
            about = store.host
            left = _undeclared(params, store)
            if not module.check_mode:
                reconcile.apply(store, plan, outcome)
                _remember(params, store)
    except XmppError as error:
        if not (module.check_mode and results.may_come_later(error)):
            module.finish(str(error), **results.of(outcome, host))
            return
        module.warn(f"{error} Predicting what this task would do once it runs.")
        plan, about = results.prediction(params["accounts"], host)
        predicted, left = True, []
    if module.check_mode:
        reconcile.foresee(plan, outcome)
    for warning in results.warnings(plan, about) + results.undeclared(left, host):
        module.warn(warning)
    result = results.of(outcome, host, plan, predicted)
    if params["purge"]:
        result["kept"] = list(plan.kept)
    if params["record"]:
        result["undeclared"] = left
    if module._diff:
        result["diff"] = planner.diff(plan, about)
    module.finish(results.failure(outcome, host), **result)


def main() -> None:
    module = AccountsModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "accounts": {"type": "list", "elements": "dict", "required": True, "options": spec.LISTED},
            "update_password": {**spec.UPDATE_PASSWORD, "default": "always"},
            "purge": {"type": "bool", "default": False},
            "purge_limit": {"type": "int", "default": 10},
            "purge_exempt": {"type": "list", "elements": "str", "default": []},
            "record": {"type": "path"},
            **connection.argument_spec(),
        },
        supports_check_mode=True,
    )
    try:
        run(module)
    except XmppError as error:
        module.finish(str(error), changed=False)


if __name__ == "__main__":
    main()
