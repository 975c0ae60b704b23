#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One account out of a backup, and back into the live database."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_account
short_description: Bring one account back out of a backup
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Restores a backup of the database beside the live one and takes an account out of it; then, in a second run, puts
    that into the live database, in one transaction.
  - What the account has, such as its password, roster and PEP, is replaced. Of its archive and its uploads what is
    missing is added. Nobody else's data are touched.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes
attributes:
  check_mode:
    support: full
    details:
      - A check takes the account out of the backup, and writes nothing into the live database.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Each run restores.
options:
  step:
    description:
      - With V(read) the account is taken out of the backup, which takes as long as a restore. The service can run.
      - With V(written) it is put into the live database. Prosody has to be stopped, because it remembers what it read.
    type: str
    choices: [read, written]
    required: true
  jid:
    description: The address of the account.
    type: str
    required: true
  moment:
    description: The moment, in seconds since 1970. The newest if not given.
    type: float
  stamp:
    description: What the name of the file ends in that keeps what is replaced. Needed with O(step=written).
    type: str
    default: ""
seealso:
  - module: allthingslinux.xmpp.backup_restore
"""

EXAMPLES = r"""
- name: Take an account out of the newest backup
  allthingslinux.xmpp.backup_account:
    step: read
    jid: alice@example.org
  register: account
"""

RETURN = r"""
stores:
  description: How many rows of each of its stores are in the backup.
  returned: with O(step=read)
  type: dict
  sample: {accounts: 3, roster: 12}
archive:
  description: How many messages and uploads are in the backup.
  returned: with O(step=read)
  type: dict
  sample: {archive: 1204, uploads: 3}
uploads:
  description: The files of its uploads, for O(allthingslinux.xmpp.backup_restore#module:files).
  returned: with O(step=read)
  type: list
  elements: str
kept:
  description: Where the rows are that were replaced.
  returned: with O(step=written)
  type: str
  sample: /var/lib/xmpp-backup/alice%40example%2eorg.before-20261126-094500
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import account, settings
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Programs, alone
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

PATIENCE = 600  # seconds for a backup that runs


def _do(step: str, jid: str, moment: float | None, stamp: str, look: bool) -> dict[str, Any]:
    told = settings.load()
    programs, whose = Programs(told), account.jid_of(jid)
    with alone(settings.LOCK, PATIENCE):
        if step == "read":
            return account.read(programs, told, whose, moment)
        return {} if look else {"kept": account.write(programs, told, whose, stamp)}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "step": {"type": "str", "choices": ["read", "written"], "required": True},
            "jid": {"type": "str", "required": True},
            "moment": {"type": "float"},
            "stamp": {"type": "str", "default": ""},
        },
        required_if=[("step", "written", ["stamp"])],
        supports_check_mode=True,
    )
    given = module.params
    try:
        found = _do(given["step"], given["jid"], given["moment"], given["stamp"], module.check_mode)
    except XmppError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"The account was not brought back: {error}. Mend that, and repeat it.")
    module.exit_json(changed=given["step"] == "written", **found)


if __name__ == "__main__":
    main()
