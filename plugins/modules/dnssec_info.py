#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Say whether DNS of a host can be trusted, as DANE needs it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dnssec_info
short_description: Say whether DNS of a host can be trusted, as DANE needs it
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Asks the resolver of the host whether it proves what it says (DNSSEC), and whether the zones of some domains are
    signed. Two questions tell which part is missing, for the root is signed.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
options:
  domains:
    description: The domains whose zones have to be signed.
    type: list
    elements: str
    required: true
  resolvers:
    description: Addresses of resolvers; those of C(/etc/resolv.conf) by default.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that one question may take.
    type: float
    default: 3
"""

EXAMPLES = r"""
- name: See whether DANE is possible
  allthingslinux.xmpp.dnssec_info:
    domains: [example.org]
"""

RETURN = r"""
objections:
  description: What is missing, a sentence for each part.
  returned: always
  type: list
  elements: str
checks:
  description: Whether the resolver proves what it says.
  returned: when one answers
  type: bool
signed:
  description: The domains whose zone is signed.
  returned: when a resolver answers
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns import secured


def main() -> None:
    """Ask, and say what is missing."""
    module = AnsibleModule(
        argument_spec={
            "domains": {"type": "list", "elements": "str", "required": True},
            "resolvers": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float", "default": 3.0},
        },
        supports_check_mode=True,
    )
    domains, given = module.params["domains"], module.params["resolvers"]
    try:
        servers = given or secured.resolvers(secured.RESOLV_CONF.read_text(encoding="utf-8", errors="replace"))
        seen = secured.look(domains, servers, module.params["timeout"])
    except (OSError, secured.NoAnswerError) as error:
        module.exit_json(
            changed=False, objections=[f"whether signatures of DNS are checked here is not known: {error}"]
        )
    module.exit_json(
        changed=False,
        objections=secured.objections(domains, seen),
        checks=seen.checks,
        signed=list(seen.signed),
    )


if __name__ == "__main__":
    main()
