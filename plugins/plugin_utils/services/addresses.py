# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The addresses of a host for DNS. Pure: what Ansible knows of the host goes in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import reach


def public(host: Mapping[str, Any]) -> list[str]:
    """Return the addresses for DNS: as told (xmpp_dns_addresses), else those of the interfaces.

    What runs in containers has interfaces of their network alone: there it is where clients reach the Docker host.
    """
    given = host.get("xmpp_dns_addresses")
    if given:
        return [str(given)] if isinstance(given, str) else [str(one) for one in given]
    return reach.of_engine(host) or reach.own_addresses(host)
