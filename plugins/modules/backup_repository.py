#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The repository of a host's backups, made where there is none."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_repository
short_description: Have a repository for the backups of a host
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Makes the repository that role C(backup) has told the host of, where there is none. One in which the backups
    of another database lie is refused.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes
attributes:
  check_mode:
    support: full
    details:
      - Where the host is not told of a repository yet, a check says that one would be made.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  part:
    description: Which part of it.
    type: str
    choices: [database, files]
    required: true
seealso:
  - module: allthingslinux.xmpp.backup_info
"""

EXAMPLES = r"""
- name: Have a repository for the files
  allthingslinux.xmpp.backup_repository:
    part: files
"""

RETURN = r"""
part:
  description: The part that has a repository.
  returned: success
  type: str
  sample: files
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import prepare, settings
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Programs
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"part": {"type": "str", "choices": ["database", "files"], "required": True}},
        supports_check_mode=True,
    )
    needed = "pgbackrest" if module.params["part"] == "database" else "restic"
    if module.check_mode and not (settings.CONFIG.exists() and module.get_bin_path(needed)):
        module.exit_json(changed=True, part=module.params["part"])
    try:
        told = settings.load()
        programs = Programs(told)
        prepare.refuse_another(programs, told)
        made = False if module.check_mode else prepare.make_directories(told)
        if module.params["part"] == "database":
            made = prepare.database(programs, told, module.check_mode) or made
        else:
            made = prepare.files(programs, module.check_mode) or made
    except XmppError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=made, part=module.params["part"])


if __name__ == "__main__":
    main()
