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
  addresses:
    description: Where the proxy listens; each is asked everything.
    type: list
    elements: str
    required: true
  generation:
    description:
      - What nginx on this host must say is its configuration. A reload that cannot have a port ends well, and nginx
        goes on as it was.
    type: str
    default: ""
  haproxy_port:
    description: The port of loopback at which haproxy must say the same. 0 where there is none.
    type: int
    default: 0
  certificate:
    description:
      - PEM file on the host with the certificate that https must show, first. Without it any certificate for the name
        does.
    type: path
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
      c2s_starttls:
        description: Whether 5222 takes clients.
        type: bool
        default: false
      s2s_starttls:
        description: Whether 5269 takes servers.
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
from collections.abc import Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.front.probe import Site, generation_problem, problems
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import Certificate, read_chain

_ONE = 5.0


def look(
    addresses: Sequence[str], sites: Sequence[Site], generation: str, haproxy: int, certificate: Certificate | None
) -> list[str]:
    """Everything that does not answer as it should now."""
    found = [generation_problem(sites[0].name, generation, _ONE)] if generation and sites else []
    if generation and sites and haproxy:
        found.append(generation_problem(sites[0].name, generation, _ONE, haproxy, "haproxy"))
    for address in addresses:
        found += [line for site in sites for line in problems(address, site, _ONE, wanted=certificate)]
    return [line for line in found if line]


def main() -> None:
    """Ask until everything answers or the time is over."""
    site = {
        "name": {"type": "str", "required": True},
        "paths": {"type": "list", "elements": "str", "default": []},
        "c2s": {"type": "bool", "default": False},
        "s2s": {"type": "bool", "default": False},
        "c2s_starttls": {"type": "bool", "default": False},
        "s2s_starttls": {"type": "bool", "default": False},
    }
    module = AnsibleModule(
        argument_spec={
            "addresses": {"type": "list", "elements": "str", "required": True},
            "generation": {"type": "str", "default": ""},
            "haproxy_port": {"type": "int", "default": 0},
            "certificate": {"type": "path"},
            "sites": {"type": "list", "elements": "dict", "required": True, "options": site},
            "timeout": {"type": "float", "default": 20.0},
        },
        supports_check_mode=True,
    )
    sites = [Site(**entry) for entry in module.params["sites"]]
    try:
        certificate = read_chain(module.params["certificate"])[0] if module.params["certificate"] else None
    except XmppError as error:
        module.fail_json(msg=str(error), problems=[str(error)])
    asked = module.params
    end = time.monotonic() + module.params["timeout"]
    while True:
        found = look(asked["addresses"], sites, asked["generation"], asked["haproxy_port"], certificate)
        if not found or time.monotonic() > end:
            break
        time.sleep(0.5)
    if found:
        module.fail_json(msg="; ".join(found), problems=found)
    module.exit_json(changed=False, problems=[])


if __name__ == "__main__":
    main()
