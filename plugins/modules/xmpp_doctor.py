#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at an XMPP service from outside, and say what is wrong with it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: xmpp_doctor
short_description: Look at an XMPP service from outside, and say what is wrong with it
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - DNS and DNSSEC; every target of SRV records by IPv4 and IPv6; STARTTLS and direct TLS for clients and servers, with
    chain, names and dates as served, protocols and key exchange; host-meta, WebSocket and BOSH; STUN and TURN; how
    accounts are made. It works for any server.
  - With an account also its features, contact addresses, upload, relays, and the levels of XEP-0479.
  - Each finding says what was seen, what follows from it, and the record or command that mends it.
  - Nothing is changed. With an account, a file of 4 KiB stays until it expires.
requirements:
  - dnspython >= 2.4
  - slixmpp >= 1.10
  - websockets >= 13
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
options:
  domain:
    description: The XMPP domain.
    type: str
    required: true
  account:
    description: The bare JID of an account of the domain, to see what only accounts see.
    type: str
  password:
    description: Its password.
    type: str
  resolvers:
    description:
      - Resolvers to ask, by address, with C(#) and a port if need be; those of the machine by default.
      - With them, names in URLs are not looked up by the machine either.
    type: list
    elements: str
    default: []
  servers:
    description: Name servers of all the zones, in the place of those that DNS names. Written like O(resolvers).
    type: list
    elements: str
    default: []
  ca:
    description: Path of a PEM bundle with the authorities to trust; those of the system by default.
    type: path
  accept:
    description: Names of findings that are meant to be as they are, such as V(registration_open); they become notes.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that one step may take.
    type: float
    default: 10
"""

EXAMPLES = r"""
- name: See how it is
  allthingslinux.xmpp.xmpp_doctor:
    domain: example.org
  delegate_to: localhost
"""

RETURN = r"""
findings:
  description: What is wrong, weak or good to know, in this order; each as P(allthingslinux.xmpp.xmpp_dns_info#module).
  returned: always
  type: list
  elements: dict
seen:
  description: Addresses, ports with protocols and key exchange, registration, contacts, and the levels of XEP-0479.
  returned: always
  type: dict
lines:
  description: The findings as an operator reads them.
  returned: always
  type: list
  elements: str
"""

from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.allthingslinux.xmpp.plugins.module_utils import diagnosis
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import client, websocket
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns import answers, ask
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.doctor import gather, judge, session
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import a_label
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import domain_to_unicode

ARGUMENTS: dict[str, Any] = {
    "domain": {"type": "str", "required": True},
    "account": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "resolvers": {"type": "list", "elements": "str", "default": []},
    "servers": {"type": "list", "elements": "str", "default": []},
    "ca": {"type": "path"},
    "accept": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "float", "default": 10.0},
}
REQUIRED = {"dnspython": answers, "slixmpp": client, "websockets": websocket}


def looked(params: dict[str, Any]) -> dict[str, Any]:
    """Look and judge: the module's result. Raises XmppError."""
    domain, ca, timeout = a_label(params["domain"]), params["ca"], params["timeout"]
    client.verified_context(ca)
    asker = ask.asker(params["resolvers"], params["servers"], min(timeout, 3.0))
    facts = gather.look(domain, asker, ca, timeout)
    if params["account"]:
        account = client.Account(params["account"], params["password"] or "")
        good = next((port for port in facts.of("c2s", "c2s_tls") if port.good), None)
        found = facts.addresses.get(domain, ())
        web = found[0] if params["resolvers"] and found else ""
        seen = session.look(domain_to_unicode(domain), account, good, web, ca, timeout)
        relays = gather.handed_out(seen.relays, facts.relays, asker, timeout)
        facts = replace(facts, session=seen, relays=(*facts.relays, *relays))
    told = [one.as_dict() for one in judge.findings(facts, params["accept"])]
    return {"findings": told, "seen": judge.summary(facts), "lines": diagnosis.lines(told)}


def main() -> None:
    """Look, and say what was seen."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS, supports_check_mode=True, required_together=[("account", "password")]
    )
    for name, user in REQUIRED.items():
        if user.MISSING:
            module.fail_json(msg=missing_required_lib(name, reason="to look from outside"), exception=user.MISSING)
    try:
        result = looked(module.params)
    except XmppError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
