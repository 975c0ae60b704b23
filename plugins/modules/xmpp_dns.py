#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write the DNS records of a deployment by dynamic update."""

from __future__ import annotations

DOCUMENTATION = r"""
module: xmpp_dns
short_description: Write the DNS records of a deployment by dynamic update
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Adds what is missing on the primary server of the zone (RFC 2136, RFC 8945), all or nothing for each zone, and reads
    it back.
  - Records that others wrote stay. One goes only if O(written) has it, or if it is a wanted SRV record with another
    priority or weight.
requirements:
  - dnspython >= 2.4
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.full
options:
  records:
    description: The records, as filter P(allthingslinux.xmpp.xmpp_dns_records#filter) makes them.
    type: list
    elements: dict
    required: true
  written:
    description: What RV(written) of the last run said.
    type: list
    elements: dict
    default: []
  server:
    description: The address of the server, with C(#) and a port if need be.
    type: str
    required: true
  key_name:
    description: The name of the TSIG key.
    type: str
    required: true
  key_secret:
    description: The TSIG key, in base64.
    type: str
    required: true
  key_algorithm:
    description: The algorithm of the TSIG key.
    type: str
    choices: [hmac-sha256, hmac-sha384, hmac-sha512]
    default: hmac-sha256
  timeout:
    description: Seconds that one question may take.
    type: float
    default: 5
"""

EXAMPLES = r"""
- name: Write the records
  allthingslinux.xmpp.xmpp_dns:
    records: "{{ settings | allthingslinux.xmpp.xmpp_dns_records(addresses=['192.0.2.1']) }}"
    server: 192.0.2.53
    key_name: xmpp
    key_secret: "{{ dns_key }}"
  delegate_to: localhost
"""

RETURN = r"""
changes:
  description: What was, or in check mode would be, changed, a line each.
  returned: always
  type: list
  elements: str
written:
  description: What this and earlier runs wrote and is still there; to be given to the next run as O(written).
  returned: always
  type: list
  elements: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns import answers, ask, update
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

ARGUMENTS: dict[str, Any] = {
    "records": {"type": "list", "elements": "dict", "required": True},
    "written": {"type": "list", "elements": "dict", "default": []},
    "server": {"type": "str", "required": True},
    "key_name": {"type": "str", "required": True},
    "key_secret": {"type": "str", "required": True, "no_log": True},
    "key_algorithm": {"type": "str", "choices": list(update.ALGORITHMS), "default": update.ALGORITHMS[0]},
    "timeout": {"type": "float", "default": 5.0},
}


class Writer:
    """The records of one run, and the server that gets them."""

    def __init__(self, params: dict[str, Any]) -> None:
        """Read the options; raises XmppError."""
        self.wanted = answers.wanted(params["records"])
        self.written = [(one["name"], one["type"], one["value"]) for one in params["written"]]
        (self.server,) = ask.servers([params["server"]])
        self.timeout = params["timeout"]
        self.key = update.Key(params["key_name"], params["key_secret"], params["key_algorithm"])

    def plan(self) -> list[update.Change]:
        """What is to be changed now; raises UpdateFailed where the server does not answer."""
        asker = ask.Asker((), (self.server,), self.timeout)
        questions = update.questions(self.wanted, self.written)
        there = {one: asker.at(self.server, *one) for one in questions}
        for said in there.values():
            if not said.came:
                raise update.UpdateFailed(f"Nothing was changed: {said.seen}")
        return update.plan(self.wanted, there, self.written)

    def zones(self, changes: list[update.Change]) -> dict[str, list[update.Change]]:
        """The changes of each zone; raises UpdateFailed."""
        asker = ask.Asker((), (self.server,), self.timeout)
        found = {asker.apex(one.name) for one in changes} - {""}
        return update.by_zone(changes, sorted(found))

    def send(self, zones: dict[str, list[update.Change]]) -> None:
        """Make the changes, and see that they are there; raises UpdateFailed."""
        for zone, changes in zones.items():
            update.send(zone, changes, self.server.address, self.server.port, self.key, self.timeout)
        left = self.plan()
        if left:
            raise update.UpdateFailed(f"{self.server} took the update, and does not have it: {left[0]}")

    def ours(self, changes: list[update.Change]) -> list[dict[str, str]]:
        """What earlier runs and this one wrote and is still wanted."""
        want = {(one.name, one.type, one.value) for one in self.wanted}
        added = [(one.name, one.type, one.value) for one in changes if one.add]
        kept = [one for one in dict.fromkeys([*self.written, *added]) if one in want]
        return [dict(zip(("name", "type", "value"), one)) for one in kept]


def main() -> None:
    """Write what is missing."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    if answers.MISSING:
        module.fail_json(msg=missing_required_lib("dnspython", reason="to ask DNS"), exception=answers.MISSING)
    try:
        writer = Writer(module.params)
        changes = writer.plan()
        zones = writer.zones(changes)
        if not module.check_mode:
            writer.send(zones)
    except XmppError as error:
        module.fail_json(msg=str(error))
    lines = [str(one) for one in changes]
    text = {
        sign: "".join(f"{line[2:]}\n" for line in lines if line[0] == mark)
        for sign, mark in (("before", "-"), ("after", "+"))
    }
    module.exit_json(changed=bool(changes), changes=lines, written=writer.ours(changes), diff=text)


if __name__ == "__main__":
    main()
