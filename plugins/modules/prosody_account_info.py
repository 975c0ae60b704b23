#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: prosody_account_info
short_description: Read the accounts of an XMPP host
version_added: 0.1.0
author:
  - allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Returns all accounts of one host of a running Prosody, or the named ones, with roles, state, times and sessions.
  - Never returns a secret. Reads thousands of accounts in a second, in portions that do not hold up other users.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
  - allthingslinux.xmpp.connection
options:
  host:
    description: The VirtualHost whose accounts to read.
    type: str
    required: true
  names:
    description: Only these accounts, as local parts or JIDs. All accounts when not given.
    type: list
    elements: str
seealso:
  - module: allthingslinux.xmpp.prosody_accounts
  - module: allthingslinux.xmpp.prosody_account
"""

EXAMPLES = r"""
- name: Read all accounts
  allthingslinux.xmpp.prosody_account_info:
    host: example.org
  register: people

- name: Who can administer this host
  ansible.builtin.debug:
    msg: "{{ people.accounts | selectattr('role', 'eq', 'prosody:admin') | map(attribute='jid') }}"
"""

RETURN = r"""
host:
  description: The host, normalised.
  returned: success
  type: str
  sample: example.org
accounts:
  description: The accounts that exist, by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Local part.
      type: str
    jid:
      description: The whole JID.
      type: str
    enabled:
      description: Whether the account may sign in.
      type: bool
    role:
      description: Primary role, as it counts. C(admins) of the configuration outranks what is stored.
      type: str
    stored_role:
      description: Primary role as stored, or the host's default.
      type: str
    secondary_roles:
      description: Roles that its clients may take on besides.
      type: list
      elements: str
    password_hash:
      description: Hash of its SCRAM keys; none when it has no usable password. Differs from C(password_hash) of the
        result when the account cannot sign in.
      type: str
    iterations:
      description: Iterations of its SCRAM keys.
      type: int
    created:
      description: When it was created, in seconds since 1970, if known.
      type: int
    password_updated:
      description: When its password or state was last set, in seconds since 1970, if known.
      type: int
    last_active:
      description: When it was last used, in seconds since 1970, if Prosody's module C(account_activity) recorded it.
      type: int
    sessions:
      description: How many sessions it has now.
      type: int
    flags:
      description: Its flags, each with its note.
      type: dict
    contact:
      description: Its contact data.
      type: dict
  sample:
    - name: juliet
      jid: juliet@example.org
      enabled: true
      role: prosody:admin
      stored_role: prosody:admin
      secondary_roles: []
      password_hash: SHA-256
      iterations: 10000
      created: 1763800000
      password_updated: 1763800000
      last_active: 1763812345
      sessions: 2
      flags: {}
      contact: {email: juliet@capulet.example}
missing:
  description: Those of O(names) that do not exist.
  returned: success
  type: list
  elements: str
  sample: []
roles:
  description: The roles that the host knows.
  returned: success
  type: list
  elements: str
  sample: [prosody:admin, prosody:guest, prosody:member, prosody:operator, prosody:registered]
default_role:
  description: The role of accounts for which none is stored.
  returned: success
  type: str
  sample: prosody:registered
password_hash:
  description: The hash with which the host keeps passwords.
  returned: success
  type: str
  sample: SHA-256
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts import declaration, results
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.store import AccountStore
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import jid


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "names": {"type": "list", "elements": "str"},
            **connection.argument_spec(),
        },
        supports_check_mode=True,
    )
    try:
        host = jid.nameprep(module.params["host"])
        names = module.params["names"]
        if names is not None:
            names = [declaration.local_part(name, host) for name in names]
        with connection.connect(module.params) as admin:
            store = AccountStore(admin, host)
            if names is None:
                names = store.names()
            found = store.read(names, "kcfta")
    except XmppError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False,
        host=host,
        accounts=[results.account(account, store.host) for _name, account in sorted(found.items())],
        missing=sorted(set(names) - set(found)),
        roles=sorted(store.host.roles),
        default_role=store.host.default_role,
        password_hash=store.host.hash,
    )


if __name__ == "__main__":
    main()
