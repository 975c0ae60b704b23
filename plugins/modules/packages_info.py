#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Report which Debian packages are missing, and which are below a version with known holes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: packages_info
short_description: Report which Debian packages are missing, and which have known holes
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Compares the packages that are installed with those that are wanted, and their versions with the ones that they must
    not be below. Warns of those that the package archives of the host do not raise.
  - Asks C(dpkg) and C(apt-cache), so that it works in check mode on a host without C(python3-apt), and costs little.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
options:
  names:
    description: The packages that are wanted.
    type: list
    elements: str
    required: true
  floors:
    description: Versions that packages must not be below.
    type: list
    elements: dict
    default: []
    suboptions:
      package:
        description: The package. Nothing is said of one that is not among O(names).
        type: str
        required: true
      release:
        description: Major version of the Debian that this is about.
        type: str
        required: true
      version:
        description: The first version that is good enough.
        type: str
        required: true
      reason:
        description: What is wrong with those before, with the numbers of the vulnerabilities.
        type: str
        required: true
"""

EXAMPLES = r"""
- name: Look at Prosody
  allthingslinux.xmpp.packages_info:
    names: [prosody, prosody-modules]
    floors:
      - package: prosody
        release: "13"
        version: 13.0.1-1+deb131u
        reason: memory can be exhausted from outside (CVE-2026-43506)
  register: packages
"""

RETURN = r"""
missing:
  description: Wanted packages that are not installed.
  returned: always
  type: list
  elements: str
  sample: [prosody-modules]
installed:
  description: Versions of the wanted packages that are installed.
  returned: always
  type: dict
  sample: {prosody: 13.0.1-1}
below:
  description: Installed packages that are below their floor.
  returned: always
  type: list
  elements: dict
  sample:
    - package: prosody
      installed: 13.0.1-1
      candidate: 13.0.1-1+deb131u
      floor: 13.0.1-1+deb131u
      reason: memory can be exhausted from outside (CVE-2026-43506)
      raised_by_candidate: true
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host import packages

TEXT = {"type": "str", "required": True}
FLOOR = dict.fromkeys(("package", "release", "version", "reason"), TEXT)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "floors": {"type": "list", "elements": "dict", "options": FLOOR, "default": []},
        },
        supports_check_mode=True,
    )
    module.run_command_environ_update = {"LC_ALL": "C.UTF-8"}
    names, run = module.params["names"], module.run_command
    versions = packages.installed(names, run)
    floors = [packages.Floor(**floor) for floor in module.params["floors"] if floor["package"] in names]
    release = packages.release_of(Path("/etc/os-release").read_text(encoding="utf-8")) if floors else ""
    found = packages.below(versions, floors, release, run)
    for item in found:
        module.warn(str(item))
    module.exit_json(
        changed=False,
        missing=[name for name in names if name not in versions],
        installed=versions,
        below=[item.described() for item in found],
    )


if __name__ == "__main__":
    main()
