# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The addresses of a host for DNS. Pure: what Ansible knows of the host goes in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import reach


def relay(place: Mapping[str, Any], usual: str, within: bool) -> str:
    """Return where a coturn is asked that has the network of a Docker host, which the other services of it have not.

    place: listen_addresses and external_address of role coturn; usual: where clients reach the host; within: whether
    it is asked from there. Behind a NAT clients know another address than that at which it listens.
    """
    listens = [str(one) for one in place.get("listen_addresses") or []]
    if not listens or usual in listens or (place.get("external_address") and not within):
        return usual
    return listens[0]


def public(host: Mapping[str, Any]) -> list[str]:
    """Return the addresses for DNS: as told (xmpp_dns_addresses), else those of the interfaces.

    What runs in containers has interfaces of their network alone: there it is where clients reach the Docker host.
    """
    given = host.get("xmpp_dns_addresses")
    if given:
        return [str(given)] if isinstance(given, str) else [str(one) for one in given]
    return reach.of_engine(host) or reach.own_addresses(host)
