#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring a backup back on a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_restore
short_description: Bring a backup back on a host
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Brings back the database or the files of a host from its repository. What it replaces is kept beside it, under
    a name that ends in C(.before-) and O(stamp).
  - It can be ended at any place, and repeated. Prosody has to be stopped, except for uploads alone.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes
attributes:
  check_mode:
    support: full
    details:
      - Says what M(allthingslinux.xmpp.backup_info) objects to, and restores nothing.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Each run restores.
options:
  part:
    description: What is brought back.
    type: str
    choices: [database, files, uploads]
    required: true
  moment:
    description: The moment, in seconds since 1970. The newest if not given.
    type: float
  files:
    description: Of the uploads only these, as patterns of restic. All of them if not given.
    type: list
    elements: str
    default: []
  stamp:
    description: What names of replaced files and directories end in.
    type: str
    required: true
seealso:
  - module: allthingslinux.xmpp.backup_info
"""

EXAMPLES = r"""
- name: Bring the database back as it was
  allthingslinux.xmpp.backup_restore:
    part: database
    moment: 1795666200
    stamp: 20261126-094500
"""

RETURN = r"""
kept:
  description: What was replaced, and where it is now; empty where there was nothing.
  returned: success
  type: dict
  sample: {/var/lib/prosody: /var/lib/prosody.before-20261126-094500}
"""

import grp
import pwd
import shutil

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import planner, repository, restore, settings
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Programs, alone
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

PATIENCE = 600  # seconds for a backup that runs


def _do(part: str, moment: float | None, stamp: str, look: bool, only: list[str]) -> dict[str, str]:
    told = settings.load()
    programs = Programs(told)
    with alone(settings.LOCK, PATIENCE):
        seen = repository.seen(programs, told, moment)
        wanted = planner.Wanted(moment, "database" if part == "database" else "uploads")
        free = shutil.disk_usage("/var/lib").free if part != "database" else shutil.disk_usage(told.data.parent).free
        found = planner.objections(told, wanted, seen, free, told.cluster if part == "database" else "")
        if found:
            raise settings.BackupError(" ".join(found))
        if look:
            return {}
        if part == "database":
            return restore.database(programs, told, moment, stamp)
        chosen = planner.files_for(seen.snapshots, moment)
        if chosen is None or seen.made is None:
            raise settings.BackupError("There are no files to bring back.")
        here = (
            {one.pw_name: one.pw_uid for one in pwd.getpwall()},
            {one.gr_name: one.gr_gid for one in grp.getgrall()},
        )
        if part == "uploads":
            restore.uploads(programs, chosen, seen.made, here, only)
            return {}
        return restore.files(programs, chosen, seen.made, here, stamp)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "part": {"type": "str", "choices": ["database", "files", "uploads"], "required": True},
            "moment": {"type": "float"},
            "files": {"type": "list", "elements": "str", "default": []},
            "stamp": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        given = module.params
        kept = _do(given["part"], given["moment"], given["stamp"], module.check_mode, given["files"])
    except XmppError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"The restore stopped: {error}. Mend that, and repeat it.")
    module.exit_json(changed=True, kept=kept)


if __name__ == "__main__":
    main()
