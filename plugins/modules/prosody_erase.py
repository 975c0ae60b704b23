#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove everything that a server keeps of one person."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prosody_erase
short_description: Remove everything that a server keeps of one person
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Deletes an account with all that is stored under its name (roster, archive, profile and everything else that it
    published), and what Prosody leaves when it deletes an account, which are uploaded files, rows in other people's
    rosters and memberships of rooms. Looks afterwards whether anything is left.
  - What an account that was deleted earlier left behind is removed as well.
  - What others received is theirs and stays, in their archives and in those of rooms; so does what is in backups.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes
  - allthingslinux.xmpp.connection
attributes:
  check_mode:
    support: full
    details:
      - Returns what there is, and removes nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  jid:
    description: The address of the account.
    type: str
    required: true
seealso:
  - module: allthingslinux.xmpp.prosody_export
  - module: allthingslinux.xmpp.prosody_account
"""

EXAMPLES = r"""
- name: See what is kept of Alice
  allthingslinux.xmpp.prosody_erase:
    jid: alice@example.org
  check_mode: true
  register: kept

- name: Remove it
  allthingslinux.xmpp.prosody_erase:
    jid: alice@example.org
"""

RETURN = r"""
erased:
  description: What there was.
  returned: success
  type: dict
  contains:
    account:
      description: Whether there was an account.
      type: bool
      returned: success
    stores:
      description: What was stored under its name.
      type: list
      elements: str
      returned: success
    messages:
      description: How many messages were in its archive.
      type: int
      returned: success
    uploads:
      description: How many files it had uploaded.
      type: int
      returned: success
    rooms:
      description: The rooms it was a member of.
      type: list
      elements: str
      returned: success
    contacts:
      description: The accounts of this server that had it on their roster.
      type: list
      elements: str
      returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.person import erase, server
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import jid


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={**connection.argument_spec(), "jid": {"type": "str", "required": True}},
        supports_check_mode=True,
    )
    try:
        whose = jid.account(module.params["jid"])
        with connection.connect(module.params) as socket:
            person = server.Person(socket, whose)
            kept = erase.look(person)
            if kept.anything and not module.check_mode:
                erase.erase(person, kept)
                erase.prove(erase.look(server.Person(socket, whose)))
    except XmppError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=kept.anything, erased=kept.told())


if __name__ == "__main__":
    main()
