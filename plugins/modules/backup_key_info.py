#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a key opens the backups that a host has."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_key_info
short_description: Whether a key opens the backups that are there
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Tries a key at the repository of a host, before it takes the place of the one that the host has. In another
    repository than the host was told of last it is tried where that is a directory.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
options:
  key:
    description: The key.
    type: str
    required: true
  told:
    description: What role C(backup) is going to tell the host, as in C(/etc/xmpp/backup/backup.json).
    type: dict
    required: true
  held:
    description: The directory on the controller from which the key is, for people.
    type: str
    required: true
seealso:
  - module: allthingslinux.xmpp.backup_repository
"""

EXAMPLES = r"""
- name: See whether the key is that of the backups
  allthingslinux.xmpp.backup_key_info:
    key: "{{ backup_key }}"
    told: "{{ __backup_settings }}"
    held: "{{ backup_secrets_dir }}"
"""

RETURN = r"""
problems:
  description: That there are backups which the key does not open, and what to do. Empty where there is nothing to say.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import prepare, settings
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Programs


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "key": {"type": "str", "required": True, "no_log": True},
            "told": {"type": "dict", "required": True},
            "held": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    told = settings.of(module.params["told"])
    problem = ""
    # who has no restic has made no backup, and reads none
    if module.get_bin_path("restic"):
        problem = prepare.other_key(Programs(told), told, module.params["key"], module.params["held"])
    module.exit_json(changed=False, problems=[problem] if problem else [])


if __name__ == "__main__":
    main()
