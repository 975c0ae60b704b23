#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host's repository has, and what a restore would do."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_info
short_description: What can be brought back on a host
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Reads the repository of a host's backups, and says what a restore to a moment would bring back, what would be
    lost, and what keeps it from being done.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
options:
  moment:
    description: The moment, in seconds since 1970. The newest if not given.
    type: float
  only:
    description: What of it. Everything if empty.
    type: str
    choices: ["", database, uploads]
    default: ""
  sealed:
    description: Whether to return what the newest backup has of the controller's secrets, too.
    type: bool
    default: false
seealso:
  - module: allthingslinux.xmpp.backup_restore
"""

EXAMPLES = r"""
- name: See what can be brought back
  allthingslinux.xmpp.backup_info:
  register: backup
"""

RETURN = r"""
lines:
  description: What a restore would bring back and what would be lost, for people.
  returned: always
  type: list
  elements: str
objections:
  description: Why it cannot be done, each with what to do.
  returned: always
  type: list
  elements: str
unfinished:
  description: Whether an earlier restore did not come to its end here.
  returned: always
  type: bool
sealed:
  description: The controller's secrets in the newest backup, encrypted; empty where it has none.
  returned: with O(sealed=true)
  type: str
"""

import shutil
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import planner, repository, restore, settings
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Programs
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "moment": {"type": "float"},
            "only": {"type": "str", "choices": ["", "database", "uploads"], "default": ""},
            "sealed": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    wanted = planner.Wanted(module.params["moment"], module.params["only"])
    try:
        told = settings.load()
        programs = Programs(told)
        seen = repository.seen(programs, told, wanted.moment)
        sealed = {"sealed": repository.sealed(programs, seen.snapshots)} if module.params["sealed"] else {}
        place = told.data.parent if told.data.parent.is_dir() else Path("/var/lib")
        # what was left half done makes way
        server = told.cluster if Path(f"/usr/lib/postgresql/{told.cluster}").is_dir() else ""
        objections = planner.objections(told, wanted, seen, shutil.disk_usage(place).free, server)
    except XmppError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False,
        lines=planner.loss(wanted, seen, time.time()),
        objections=objections,
        unfinished=bool(restore.Record().pending),
        **sealed,
    )


if __name__ == "__main__":
    main()
