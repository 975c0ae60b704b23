# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: xmpp_zone
short_description: DNS records as text of a zone file
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Writes records as lines of a zone file (RFC 1035), grouped by purpose, with fully qualified names, so that they fit
    into a zone of any origin. SOA and NS records are the zone's own and not among them.
  - A text of a TXT record that is not in quotes is quoted, and split where it is longer than 255 bytes.
options:
  _input:
    description:
      - Records with C(name), C(type) and C(value), and maybe C(ttl) and C(purpose), as
        P(allthingslinux.xmpp.xmpp_dns_records#filter) returns them.
    type: list
    elements: dict
    required: true
  ttl:
    description: How long records without a C(ttl) of their own may be cached, in seconds.
    type: int
    default: 3600
seealso:
  - plugin: allthingslinux.xmpp.xmpp_dns_records
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Write a file to include in the zone
  ansible.builtin.copy:
    content: >-
      {{ {'hosts': [{'name': 'example.org'}]} | allthingslinux.xmpp.xmpp_dns_records(addresses=['192.0.2.1'])
      | allthingslinux.xmpp.xmpp_zone }}
    dest: /etc/bind/xmpp.example.org.zone
    mode: "0644"
"""

RETURN = r"""
_value:
  description: Lines of a zone file.
  type: str
  sample: |
    ; where the machines are
    xmpp.example.org. 3600 IN A 192.0.2.1
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.dns.records import zone


def xmpp_zone(records: Sequence[Mapping[str, Any]], ttl: int = 3600) -> str:
    """The records as text."""
    try:
        return zone(records, ttl)
    except XmppError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filter allthingslinux.xmpp.xmpp_zone."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"xmpp_zone": xmpp_zone}
