# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: reached_at
short_description: Where a host of the inventory is reached from here
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - An address, or a name that resolves, for each host. What the inventory says in C(ansible_host) may be a name that
    only the configuration of C(ssh) knows; here it is what C(ssh) makes of it.
  - C(xmpp_address) of the host comes first; then where C(ssh) connects to, if not through a proxy; then, as for a
    container, the address that the facts of the host name, IPv4 before IPv6; then what the inventory says.
options:
  _terms:
    description: Names of hosts of the inventory.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show where the servers are
  ansible.builtin.debug:
    msg: "{{ query('allthingslinux.xmpp.reached_at', *groups['prosody']) }}"
"""

RETURN = r"""
_raw:
  description: One address or name for each host.
  type: list
  elements: str
  sample: [203.0.113.10]
"""

import socket
import subprocess
from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import reach


def _configuration(name: str, host: Mapping[str, Any]) -> str:
    command = ["ssh", "-G", *reach.ssh_arguments(host), "--", reach.target(name, host)]
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _resolves(name: str) -> bool:
    try:
        return bool(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return False


class LookupModule(LookupBase):
    """Lookup allthingslinux.xmpp.reached_at."""

    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Ask ssh and the resolver about each host."""
        self.set_options(var_options=variables, direct=kwargs)
        hosts = (variables or {})["hostvars"]
        return [
            reach.reached_at(name, hosts[name], partial(_configuration, name, hosts[name]), _resolves) for name in terms
        ]
