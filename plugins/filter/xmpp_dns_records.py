# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: xmpp_dns_records
short_description: The DNS records that an XMPP service needs
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Addresses, also of the hosts themselves where invitations, WebSocket and BOSH are under their names.
  - SRV records by which clients and other servers find every host and component, for STARTTLS and direct TLS; SRV
    records of the TURN server; TLSA records for the keys of certificates; CAA records; and the TXT records of XEP-0156.
  - Where federation is off, an SRV record tells other servers that there is no service, so that they need not try.
  - The result is data, for a module that writes DNS, or for P(allthingslinux.xmpp.xmpp_zone#filter).
options:
  _input:
    description:
      - The variables of role prosody, without the prefix C(prosody_).
    type: dict
    required: true
  addresses:
    description: IPv4 and IPv6 addresses at which Prosody is reached.
    type: list
    elements: str
    required: true
  target:
    description:
      - The machine's own name, to which SRV records point.
      - By default C(xmpp.) and the first host, so that the host's own name may lead to a web site.
    type: str
  turn_addresses:
    description: Addresses of the TURN server; by default O(addresses).
    type: list
    elements: str
  certificates:
    description:
      - Certificates in PEM for which TLSA records are made, the one in use, and before a change of key the next too.
      - Leave it out unless the zone is signed by DNSSEC.
    type: list
    elements: str
  turn_certificates:
    description: The same for the TURN server, which has a certificate of its own.
    type: list
    elements: str
  caa:
    description:
      - Authorities that may issue certificates for the hosts, by name, with parameters if need be; or mappings of
        C(flags) (0 or 128), C(tag) (C(issue) by default) and C(value).
    type: list
    elements: raw
  bosh_url:
    description: Where BOSH is reached, an https URL.
    type: str
  websocket_url:
    description: Where XMPP over WebSocket is reached, a wss URL.
    type: str
  ttl:
    description: How long the records may be cached, in seconds.
    type: int
    default: 3600
  proxy:
    description:
      - The variables of role proxy, without the prefix C(proxy_), and its C(addresses), where one is in front of
        Prosody. Then HTTPS, and direct TLS if it has that, is at its port.
    type: dict
    default: {}
seealso:
  - plugin: allthingslinux.xmpp.xmpp_zone
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Write the records
  community.general.nsupdate:
    server: ns1.example.org
    key_name: xmpp
    key_secret: "{{ dns_key }}"
    record: "{{ item.name }}."
    type: "{{ item.type }}"
    ttl: "{{ item.ttl }}"
    value: "{{ item.value }}"
  loop: >-
    {{ {'hosts': [{'name': 'example.org'}], 'standard_components': ['muc', 'upload'], 'c2s_direct_tls_ports': [5223]}
    | allthingslinux.xmpp.xmpp_dns_records(addresses=['192.0.2.1', '2001:db8::1'], caa=['letsencrypt.org']) }}
  loop_control:
    label: "{{ item.name }} {{ item.type }}"
"""

RETURN = r"""
_value:
  description:
    - The records. C(name) has no final dot; C(value) is as in a zone file, with fully qualified names; C(data) has its
      parts; C(purpose) is V(addresses), V(clients), V(servers), V(calls), V(web), V(keys) or V(authorities).
  type: list
  elements: dict
  sample:
    - name: _xmpps-client._tcp.example.org
      type: SRV
      ttl: 3600
      value: 5 5 5223 xmpp.example.org.
      purpose: clients
      data: {priority: 5, weight: 5, port: 5223, target: xmpp.example.org}
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.dns.deployment import deployment
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.dns.records import records

_OPTIONS = frozenset(
    {
        "addresses",
        "target",
        "turn_addresses",
        "certificates",
        "turn_certificates",
        "caa",
        "bosh_url",
        "websocket_url",
        "ttl",
        "proxy",
    }
)


def xmpp_dns_records(settings: Mapping[str, Any], **options: Any) -> list[dict[str, Any]]:
    """The records as plain data."""
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise AnsibleFilterError(f"xmpp_dns_records has no option {', '.join(unknown)}; it has {sorted(_OPTIONS)}.")
    try:
        return [record.as_dict() for record in records(deployment(settings, options))]
    except XmppError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filter allthingslinux.xmpp.xmpp_dns_records."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"xmpp_dns_records": xmpp_dns_records}
