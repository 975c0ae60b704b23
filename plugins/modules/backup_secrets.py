#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's own secrets out of a backup."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_secrets
short_description: Put the controller's secrets back out of a backup
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Puts the files that a deployment keeps beside the inventory back where they are missing, out of what role C(backup)
    kept of them. Files that are there stay as they are, and those that say something else are named.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  archive:
    description: What was kept, as the filter P(allthingslinux.xmpp.backup_unsealed#filter) returns it.
    type: str
    required: true
  directory:
    description: Where they belong.
    type: path
    required: true
seealso:
  - plugin: allthingslinux.xmpp.backup_unsealed
    plugin_type: filter
  - module: allthingslinux.xmpp.backup_info
"""

EXAMPLES = r"""
- name: Bring back what is missing
  allthingslinux.xmpp.backup_secrets:
    archive: "{{ backup.sealed | allthingslinux.xmpp.backup_unsealed(key) }}"
    directory: "{{ inventory_dir }}/.secrets"
  delegate_to: localhost
"""

RETURN = r"""
brought:
  description: The names of the files that were missing.
  returned: success
  type: list
  elements: str
  sample: [turn_secret]
different:
  description: The names of those that are there and say something else than the backup.
  returned: success
  type: list
  elements: str
  sample: []
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import secrets
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "archive": {"type": "str", "required": True, "no_log": True},
            "directory": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    act = secrets.compare if module.check_mode else secrets.bring
    try:
        brought, different = act(secrets.unpacked(module.params["archive"]), Path(module.params["directory"]))
    except XmppError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"The secrets were not brought back: {error}. Mend that, and repeat it.")
    module.exit_json(changed=bool(brought), brought=brought, different=different)


if __name__ == "__main__":
    main()
