#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""See that a proxy in front of Prosody answers at every listener."""

from __future__ import annotations

DOCUMENTATION = r"""
module: proxy_probe
short_description: See that a proxy in front of Prosody answers at every listener
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Asks port 80 whether it leads to https, and port 443 for pages and, by ALPN, for clients and servers of XMPP. Names
    of certificates are verified, who signed them is not.
  - What does not answer is asked again until O(timeout) is over. The module fails if anything is left.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
options:
  address:
    description: Where the proxy listens.
    type: str
    required: true
  sites:
    description: The virtual hosts.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name.
        type: str
        required: true
      paths:
        description: The paths that must answer 200.
        type: list
        elements: str
        default: []
      c2s:
        description: Whether 443 takes clients.
        type: bool
        default: false
      s2s:
        description: Whether 443 takes servers.
        type: bool
        default: false
  timeout:
    description: For how many seconds what does not answer is asked again.
    type: float
    default: 20
"""

EXAMPLES = r"""
- name: See that the proxy answers
  allthingslinux.xmpp.proxy_probe:
    address: 192.0.2.1
    sites:
      - {name: example.org, paths: [/.well-known/host-meta], c2s: true, s2s: true}
"""

RETURN = r"""
problems:
  description: What does not answer as it should.
  returned: always
  type: list
  elements: str
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.front.probe import Site, problems

_ONE = 5.0


def main() -> None:
    """Ask until everything answers or the time is over."""
    site = {
        "name": {"type": "str", "required": True},
        "paths": {"type": "list", "elements": "str", "default": []},
        "c2s": {"type": "bool", "default": False},
        "s2s": {"type": "bool", "default": False},
    }
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "required": True},
            "sites": {"type": "list", "elements": "dict", "required": True, "options": site},
            "timeout": {"type": "float", "default": 20.0},
        },
        supports_check_mode=True,
    )
    sites = [Site(**entry) for entry in module.params["sites"]]
    end = time.monotonic() + module.params["timeout"]
    while True:
        found = [line for one in sites for line in problems(module.params["address"], one, _ONE)]
        if not found or time.monotonic() > end:
            break
        time.sleep(0.5)
    if found:
        module.fail_json(msg="; ".join(found), problems=found)
    module.exit_json(changed=False, problems=[])


if __name__ == "__main__":
    main()
