#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks a deployed XMPP service with real clients."""

from __future__ import annotations

DOCUMENTATION = r"""
module: xmpp_check
short_description: Check an XMPP service from outside, with real clients
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - >-
    Signs two accounts in as clients do, and uses the service with them, with messages, the archive, a room,
    a file upload, TURN relays, WebSocket and BOSH.
  - >-
    TLS is always verified against a CA and the name of the service.
    The accounts sign in with SCRAM, never with C(PLAIN).
  - A check that fails does not keep the others from being tried. The module fails at the end when any did.
  - Runs where the service is used from, not where it runs, so delegate it to the controller or another vantage point.
  - >-
    The room is destroyed at the end. The messages and a file of 4 KiB stay till they expire,
    because no client can remove them.
requirements:
  - slixmpp >= 1.10
  - aioice >= 0.10
  - websockets >= 13
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes
attributes:
  check_mode:
    support: none
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - Nothing of the configuration is changed, and RV(ignore:changed) is always V(false).
options:
  domain:
    description: The XMPP domain.
    type: str
    required: true
  accounts:
    description: Exactly two accounts of the domain, used for nothing but such checks.
    type: list
    elements: dict
    required: true
    suboptions:
      jid:
        description: The bare JID.
        type: str
        required: true
      password:
        description: The password.
        type: str
        required: true
  address:
    description:
      - The address to connect to, for all that follows, while TLS still verifies the name of the service.
      - By default that is found by DNS, as clients do it (SRV records, then the domain itself).
    type: str
  http_address:
    description:
      - The address for HTTPS, when it is another one, as behind a proxy. O(address) by default.
      - When empty, the name in each URL says where, as it does for clients; O(address) where it does not resolve.
    type: str
  tls_address:
    description: The address for direct TLS, when it is another one, as behind a proxy. O(address) by default.
    type: str
  starttls_address:
    description:
      - The address for clients and servers that upgrade to TLS, when it is another one, as behind a proxy. O(address)
        by default.
    type: str
  turn_address:
    description: The address for TURN, when it is another one. O(address) by default.
    type: str
  ports:
    description: The ports of the service.
    type: dict
    default: {}
    suboptions:
      c2s:
        description: For STARTTLS. Without O(address) an SRV record comes first.
        type: int
        default: 5222
      c2s_tls:
        description: For direct TLS. Without O(address) an SRV record comes first.
        type: int
        default: 5223
      s2s:
        description: For other servers, with STARTTLS.
        type: int
        default: 5269
      s2s_tls:
        description: For other servers, with direct TLS.
        type: int
        default: 5270
      https:
        description: Where C(/.well-known/host-meta) is served.
        type: int
        default: 5281
  invitation_page:
    description: >-
      Where invitations lead, below the URL of the domain. That of Prosody by default, V(invite/) with role C(proxy).
    type: str
    default: invites_page
  ca:
    description: Path of a PEM bundle with the CAs to trust, where the module runs. Those of the system by default.
    type: path
  checks:
    description: The checks to run. They always run in the order of the default.
    type: list
    elements: str
    choices:
      - starttls
      - direct_tls
      - message
      - archive
      - features
      - room
      - upload
      - proxy
      - turn_credentials
      - turn_udp
      - turn_tcp
      - turn_tls
      - host_meta
      - websocket
      - bosh
      - invitations
      - s2s
      - s2s_tls
      - closed_ports
    default:
      - starttls
      - direct_tls
      - message
      - archive
      - features
      - room
      - upload
      - proxy
      - turn_credentials
      - turn_udp
      - turn_tcp
      - turn_tls
      - host_meta
      - websocket
      - bosh
      - invitations
      - s2s
      - s2s_tls
      - closed_ports
  without:
    description:
      - Modules of Prosody that the service goes without on purpose. What they offer is not checked.
      - >-
        Also understood are V(starttls), V(direct_tls), V(s2s) and V(s2s_tls) for the ports of clients and servers,
        V(room) where users may not create rooms, and V(turn), V(upload), V(proxy) and V(pubsub) for whatever
        offers these.
    type: list
    elements: str
    default: []
  closed_ports:
    description: TCP ports of O(address) that must not answer from here.
    type: list
    elements: int
    default: []
  timeout:
    description: How long to wait for any one answer, in seconds. A check takes four times that at most.
    type: float
    default: 15
seealso:
  - name: The check playbook
    description: Runs this module for every host of the group C(prosody) and looks into the database too.
    link: https://github.com/allthingslinux/xmpp/blob/main/docs/self-check.md
"""

EXAMPLES = r"""
- name: Check the service as its users meet it
  allthingslinux.xmpp.xmpp_check:
    domain: example.net
    accounts:
      - jid: xmpp-probe-1@example.net
        password: "{{ probe_passwords[0] }}"
      - jid: xmpp-probe-2@example.net
        password: "{{ probe_passwords[1] }}"
    closed_ports: [5280, 5347]
  delegate_to: localhost

- name: Only sign in, at a host that DNS does not know yet
  allthingslinux.xmpp.xmpp_check:
    domain: example.net
    address: 192.0.2.10
    ca: .secrets/ca/ca.pem
    checks: [starttls, direct_tls]
    accounts: "{{ probe_accounts }}"
  delegate_to: localhost
"""

RETURN = r"""
checks:
  description: Every check that was asked for, in order.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The name, as in O(checks).
      type: str
    title:
      description: What lines call it.
      type: str
    ok:
      description: Whether it passed. True too for something optional that the service does not offer.
      type: bool
    state:
      description: One of V(ok), V(failed), V(not_tried) (what it builds on failed) and V(not_offered).
      type: str
    seen:
      description: What was seen, and for a failed one what was attempted.
      type: str
    advice:
      description: What to look at, empty when it passed.
      type: str
    seconds:
      description: How long it took.
      type: float
lines:
  description: One readable line per check.
  returned: always
  type: list
  elements: str
  sample:
    - "ok      STARTTLS 5222: TLSv1.3, SCRAM-SHA-256, xmpp-probe-1 and xmpp-probe-2 signed in in 98 ms and 100 ms"
    - "ok      message: xmpp-probe-1 to xmpp-probe-2 in 13 ms, back in 3 ms"
archived:
  description: Where the message of this run lies in the archive, empty strings when none was delivered.
  returned: always
  type: dict
  contains:
    jid:
      description: The account whose archive it is in.
      type: str
    id:
      description: Its archive id (XEP-0359).
      type: str
    marker:
      description: A random string in its text.
      type: str
"""

import asyncio

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import client, relay, websocket
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.run import CHECKS, run
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import DEFAULT_PORTS, Target
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.unlogged import UnloggedParameters

#: the libraries, and who imports them
REQUIRED = {"slixmpp": client, "aioice": relay, "websockets": websocket}


class Module(UnloggedParameters, AnsibleModule):
    """An AnsibleModule that does not log its parameters."""


def argument_spec() -> dict:
    """The options; the names of the checks come from the one place that knows them."""
    return {
        "domain": {"type": "str", "required": True},
        "accounts": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "jid": {"type": "str", "required": True},
                "password": {"type": "str", "required": True, "no_log": True},
            },
        },
        "address": {"type": "str"},
        "http_address": {"type": "str"},
        "tls_address": {"type": "str"},
        "starttls_address": {"type": "str"},
        "turn_address": {"type": "str"},
        "ports": {
            "type": "dict",
            "default": {},
            "options": {name: {"type": "int", "default": port} for name, port in DEFAULT_PORTS.items()},
        },
        "invitation_page": {"type": "str", "default": "invites_page"},
        "ca": {"type": "path"},
        "checks": {"type": "list", "elements": "str", "choices": list(CHECKS), "default": list(CHECKS)},
        "without": {"type": "list", "elements": "str", "default": []},
        "closed_ports": {"type": "list", "elements": "int", "default": []},
        "timeout": {"type": "float", "default": 15.0},
    }


def target(params: dict) -> Target:
    """The options as the checks want them. Raises XmppError."""
    accounts = [client.Account(entry["jid"], entry["password"]) for entry in params["accounts"]]
    if len(accounts) != 2 or accounts[0].jid == accounts[1].jid:
        raise XmppError(f"accounts must name two different accounts, not {len(accounts)}")
    for account in accounts:
        if account.domain != params["domain"] or not account.name or "/" in account.jid:
            raise XmppError(f"{account.jid} is not a bare JID of {params['domain']}")
    return Target(
        domain=params["domain"],
        accounts=(accounts[0], accounts[1]),
        address=params["address"],
        http_address=params["http_address"],
        tls_address=params["tls_address"],
        starttls_address=params["starttls_address"],
        turn_address=params["turn_address"],
        ports={**DEFAULT_PORTS, **{name: port for name, port in params["ports"].items() if port is not None}},
        invitation_page=params["invitation_page"],
        ca=params["ca"],
        closed_ports=tuple(params["closed_ports"]),
        without=tuple(params["without"]),
        timeout=params["timeout"],
    )


def main() -> None:
    """Check, and say how it went."""
    module = Module(argument_spec=argument_spec(), supports_check_mode=False)
    for name, user in REQUIRED.items():
        if user.MISSING:
            module.fail_json(msg=missing_required_lib(name, reason="to check as a real client"), exception=user.MISSING)
    try:
        wanted = target(module.params)
        client.verified_context(wanted.ca)
        report = asyncio.run(run(wanted, module.params["checks"]))
    except XmppError as error:
        module.fail_json(msg=str(error))
    failed = [outcome.name for outcome in report.outcomes if not outcome.ok]
    result = {
        "checks": [outcome.as_dict() for outcome in report.outcomes],
        "lines": [outcome.line() for outcome in report.outcomes],
        "archived": {"jid": report.archived, "id": report.archive_id, "marker": report.marker},
    }
    if failed:
        module.fail_json(msg=f"{len(failed)} of {len(report.outcomes)} checks failed: {', '.join(failed)}", **result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
