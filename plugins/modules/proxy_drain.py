#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have the haproxy in front of several servers hand nobody new to one of them, or hand clients to it again."""

from __future__ import annotations

DOCUMENTATION = r"""
module: proxy_drain
short_description: Have the proxy hand nobody new to a server, or hand clients to it again
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Tells the haproxy that role C(proxy) has put in front of several servers that it shall hand nobody new to one of
    them, as before a maintenance. Who is connected stays so, and whoever comes is refused at once.
  - This is remembered, so that a haproxy that starts anew, as after a boot, still knows it.
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
  server:
    description: The host of Prosody, by its name in the inventory.
    type: str
    required: true
  state:
    description: Whether it is V(drained), or V(served) as all others.
    type: str
    choices: [drained, served]
    default: drained
seealso:
  - module: allthingslinux.xmpp.proxy_probe
"""

EXAMPLES = r"""
- name: Hand nobody new to the server that is going to be mended
  allthingslinux.xmpp.proxy_drain:
    server: chat1
  register: drained

- name: Wait until all have left, or for ten minutes
  allthingslinux.xmpp.proxy_drain:
    server: chat1
  register: drained
  until: drained.open == 0
  retries: 60
  delay: 10
"""

RETURN = r"""
open:
  description: How many connections through the proxy the server still has.
  returned: success
  type: int
  sample: 12
servers:
  description: Every server that haproxy has, with C(open) connections, and whether it is C(drained) and C(up).
  returned: success
  type: dict
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files import durable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.front import haproxy

REMEMBERED = Path("/var/lib/haproxy/xmpp-drained")


def look() -> tuple[str, list[haproxy.Place]]:
    """What haproxy says of its servers, as text and read. Raises XmppError."""
    states = haproxy.ask("show servers state")
    return states, haproxy.read_places(states, haproxy.ask("show stat"))


def remember(text: str) -> None:
    """Have haproxy find it at its next start; in: "" where there is nothing to know."""
    if text:
        durable.write_text(REMEMBERED, text, 0o644)
    else:
        REMEMBERED.unlink(missing_ok=True)


def run(module: AnsibleModule) -> None:
    """Look, tell haproxy what is left to do, remember it; end the module."""
    server = haproxy.name_of(module.params["server"])
    states, places = look()
    wanted = haproxy.commands(places, server, module.params["state"] == "drained")
    if wanted and not module.check_mode:
        for command in wanted:
            said = haproxy.ask(command).strip()
            if said:
                raise haproxy.HaproxyError(f"haproxy was told '{command}', and says: {said}")
        states, places = look()
    text = haproxy.drained_file(states, places)
    if not module.check_mode:
        remember(text)
    summary = haproxy.summary(places)
    module.exit_json(changed=bool(wanted), open=summary[server]["open"], servers=summary)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "server": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["drained", "served"], "default": "drained"},
        },
        supports_check_mode=True,
    )
    try:
        run(module)
    except XmppError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
