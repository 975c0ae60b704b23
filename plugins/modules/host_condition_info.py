#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a host is: its services, versions and file systems."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_condition_info
short_description: Services, versions and file systems of a host
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Reads the states of units of systemd, the versions of packages and whether the archives have newer ones, and how
    full file systems are.
  - What the archives have is read from the package lists as they were last fetched; nothing is fetched.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
options:
  units:
    description: Units, or patterns that find those that are loaded. Those that are not installed are left out.
    type: list
    elements: str
    default: []
  packages:
    description: Packages. Those that are not installed are left out. Without it, those of which the service is made.
    type: list
    elements: str
  paths:
    description: Directories whose file systems are looked at, each file system once.
    type: list
    elements: str
    default: [/]
seealso:
  - module: allthingslinux.xmpp.packages_info
"""

EXAMPLES = r"""
- name: Look at the host
  allthingslinux.xmpp.host_condition_info:
    units: [prosody, "postgresql@*"]
    packages: [prosody]
    paths: [/var/lib/prosody, /]
  register: host
"""

RETURN = r"""
units:
  description: State of each unit that is installed.
  returned: always
  type: dict
  sample: {prosody: active}
packages:
  description:
    - Each package that is installed. C(newer) is what the archives have, empty where that is nothing newer; C(security)
      says whether it mends holes.
  returned: always
  type: dict
  sample: {prosody: {installed: 13.0.1-1, newer: 13.0.1-1+deb131u, security: true}}
lists_age:
  description: Seconds since package lists were fetched; V(null) where there are none.
  returned: always
  type: int
  sample: 3600
installed_age:
  description:
    - Seconds since a package was installed, upgraded or removed last, which is the age of an image.
    - V(null) without dpkg.
  returned: always
  type: int
  sample: 86400
disks:
  description: File systems, with bytes in all and bytes that are free.
  returned: always
  type: list
  elements: dict
  sample: [{path: /, size: 42949672960, free: 21474836480}]
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host import condition

NAMES = {"type": "list", "elements": "str", "default": []}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "units": NAMES,
            "packages": {"type": "list", "elements": "str"},
            "paths": {**NAMES, "default": ["/"]},
        },
        supports_check_mode=True,
    )
    module.run_command_environ_update = {"LC_ALL": "C.UTF-8"}
    asked = condition.OF_THE_SERVICE if module.params["packages"] is None else module.params["packages"]
    module.exit_json(
        changed=False,
        units=condition.units(module.params["units"], module.run_command),
        packages=condition.versions(asked, module.run_command),
        lists_age=condition.lists_age(time.time()),
        installed_age=condition.installed_age(time.time()),
        disks=condition.disks(module.params["paths"]),
    )


if __name__ == "__main__":
    main()
