# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a firewall lets in: the ports that the roles of a host say they need, and those that an operator adds. Pure.

An opening, as roles and operators write it: `port` (a number) or `ports` ("49152-65535"), `protocol` (tcp without it),
`from` (addresses and networks; without it everybody), `service` (words), `address` (where it listens; one of loopback
needs no opening).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.listeners import is_of

_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
# Those of a DHCP client, of NTP, and where the kernel takes ports for what a host asks others (ip_local_port_range)
_UDP_OF_CLIENTS = {68, 123, 546}
_UDP_EPHEMERAL = 32768
_SSH = ("ssh.service", "sshd.service", "ssh.socket", "sshd.socket")


@dataclass(frozen=True, order=True)
class Opening:
    """Ports first to last of a protocol, for everybody or for some. service: words for a comment."""

    first: int
    last: int
    protocol: str
    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()
    service: str = ""

    @property
    def public(self) -> bool:
        """Whether it is for everybody."""
        return not (self.ipv4 or self.ipv6)

    def has(self, protocol: str, port: int) -> bool:
        """Whether it opens this port to anybody."""
        return self.protocol == protocol and self.first <= port <= self.last

    def shown(self) -> dict[str, Any]:
        """What the template of the rules reads."""
        ports = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return {
            "ports": ports,
            "protocol": self.protocol,
            "ipv4": list(self.ipv4),
            "ipv6": list(self.ipv6),
            "public": self.public,
            "service": self.service,
        }


class FirewallError(XmppError):
    """An opening that makes no sense."""


def is_loopback(address: str) -> bool:
    """Whether only the host itself reaches what listens there."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address == "localhost"
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def opening(entry: Mapping[str, Any], where: str) -> Opening | None:
    """Read one; None where it needs none. where: how messages call it. Raises FirewallError."""
    if is_loopback(str(entry.get("address") or "")):
        return None
    text = str(entry.get("ports") or entry.get("port") or "").strip()
    match = _RANGE.fullmatch(text)
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last <= 65535:
        raise FirewallError(f"{where}: '{text}' is no port and no range of ports such as 8000-8010.")
    protocol = str(entry.get("protocol") or "tcp")
    if protocol not in ("tcp", "udp"):
        raise FirewallError(f"{where}: the protocol '{protocol}' is neither tcp nor udp.")
    ipv4, ipv6 = sources(entry.get("from") or [], where)
    if "from" in entry and not (ipv4 or ipv6):
        return None  # for some, and there is nobody
    return Opening(first, last, protocol, ipv4, ipv6, re.sub(r'[^ -~]|"', "", str(entry.get("service") or "")))


def sources(given: Iterable[Any], where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sort addresses and networks: those of IPv4, those of IPv6. Raises FirewallError for what is neither."""
    found: dict[int, set[str]] = {4: set(), 6: set()}
    for text in given:
        try:
            network = ipaddress.ip_network(str(text), strict=False)
        except ValueError:
            raise FirewallError(f"{where}: '{text}' is no address and no network such as 192.0.2.0/24.") from None
        if not network.network_address.is_loopback:
            short = str(network.network_address) if network.num_addresses == 1 else str(network)
            found[network.version].add(short)
    return tuple(sorted(found[4])), tuple(sorted(found[6]))


def openings(wanted: Sequence[Mapping[str, Any]], label: str, known: bool = False) -> list[Opening]:
    """Read all, each once, in the order of their ports. Raises FirewallError.

    label: the variable they are in; known: leave out those that make no sense.
    """
    found = set()
    for index, entry in enumerate(wanted):
        try:
            found.add(opening(entry or {}, f"{label}[{index}]"))
        except FirewallError:
            if not known:
                raise
    return sorted(one for one in found if one is not None)


def opened(
    roles: Sequence[Mapping[str, Any]],
    extra: Sequence[Mapping[str, Any]] = (),
    ssh: Sequence[int] = (),
    administrators: Sequence[str] = (),
    known: bool = False,
) -> list[dict[str, Any]]:
    """Return what is opened, for the template. roles: what the roles of the host need; extra: what an operator adds.

    ssh: ports of SSH, for `administrators` (addresses and networks) alone where there are any; known: leave out what
    makes no sense. Raises FirewallError.
    """
    some = {"from": list(administrators)} if administrators else {}
    shell = [{"port": port, "service": "SSH", **some} for port in ssh]
    return [
        one.shown()
        for one in sorted(
            {
                *openings(shell, "firewall_admin_addresses", known),
                *openings(roles, "the ports of the host"),
                *openings(extra, "firewall_extra", known),
            }
        )
    ]


def ssh_ports(listeners: Iterable[Mapping[str, Any]]) -> list[int]:
    """Return where SSH listens. listeners: as module listeners_info returns them."""
    return sorted(
        {
            int(one["port"])
            for one in listeners
            if one["protocol"] == "tcp"
            and (one.get("process") == "sshd" or one.get("unit") in _SSH)
            and not is_loopback(one["address"])
        }
    )


# what a role runs, as processes and units are called; the ports of the first ones are ours alone, wherever they listen
_RUNS = {
    "prosody": ("prosody",),
    "coturn": ("coturn", "turnserver"),
    "proxy": ("nginx", "haproxy"),
    "postgresql": ("postgres", "postgresql"),
    "monitoring": ("prometheus", "prometheus-alertmanager", "prometheus-node-exporter", "prometheus-postgres-exporter"),
}
_OURS_ALONE = ("prosody", "coturn")


def foreign(
    listeners: Iterable[Mapping[str, Any]],
    let_in: Iterable[Mapping[str, Any]],
    closed: Iterable[str] = (),
    leaving: Iterable[str] = (),
) -> list[str]:
    """Return a line for each listener that the firewall would cut off and nobody said what is to become of.

    let_in: as `opened` returns it; closed: "8080/tcp", what an operator wants closed; leaving: roles that the host had,
    and whose services the run stops here.
    """
    ours = [name for role in (*_OURS_ALONE, *leaving) for name in _RUNS.get(role, ())]
    openings_there = [there for entry in let_in if (there := opening(entry, "")) is not None]
    accepted = {str(text).strip().lower() for text in closed}
    lines: dict[str, str] = {}
    for one in _reachable(listeners):
        if is_of(one, ours):
            continue  # at a port that it had, or will not have any more
        name = f"{one['port']}/{one['protocol']}"
        if name not in accepted and not any(each.has(one["protocol"], int(one["port"])) for each in openings_there):
            who = one.get("process") or one.get("unit") or f"a process of user {one.get('user') or 'unknown'}"
            lines[name] = (
                f"The firewall would close port {name}, at which {who} listens on {one['address']}, and nothing in the "
                f"inventory says what is to become of it: add {{port: {one['port']}, protocol: {one['protocol']}}} to "
                f"firewall_extra, with from: [addresses] where only some may reach it, or '{name}' to firewall_closed."
            )
    return list(lines.values())


def _reachable(listeners: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for one in listeners:
        if is_loopback(one["address"]):
            continue
        port = int(one["port"])
        if one["protocol"] == "udp" and (port in _UDP_OF_CLIENTS or port >= _UDP_EPHEMERAL):
            continue
        yield one
