# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Docker host in whose network a container is: its addresses, and who has its ports. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

#: the label of containers of ours, and whose they are
LABEL = "org.allthingslinux.xmpp.host"
_ALL = ("", "0.0.0.0", "::")
_COTURN = ("turnserver", "3478")


def network(lines: Sequence[str], address: str = "", has_all: bool = True) -> dict[str, Any]:
    """Return what role containers asked of a Docker host, a line of JSON each, as facts of a host and what ports need.

    lines: `ip -json route get` to somewhere in IPv4 and in IPv6, `ip -json address`, the first port for everybody, the
    first and the last of those that programs get which name none. address: the one at which the host publishes, which
    then stands for those from which it goes out. has_all: whether it has all its addresses already.
    """
    routes, every, low, by_chance = map(json.loads, lines[:2]), *map(json.loads, lines[2:5])
    known = [str(one["local"]) for entry in every if has_all for one in entry.get("addr_info", []) if "local" in one]
    facts: dict[str, Any] = {
        "all_ipv4_addresses": [one for one in known if ":" not in one],
        "all_ipv6_addresses": [one for one in known if ":" in one],
    }
    for family, route in zip(("default_ipv4", "default_ipv6"), routes, strict=True):
        found = next((str(one["prefsrc"]) for one in route if "prefsrc" in one), "")
        if address not in _ALL:
            found = address if (":" in address) == (family == "default_ipv6") else ""
        facts[family] = {"address": found} if found else {}
    return {"facts": facts, "low": int(low), "by_chance": [int(port) for port in by_chance]}


def published(bindings: Mapping[str, Sequence[Mapping[str, Any]] | None]) -> list[str]:
    """Return what a container publishes as role containers writes it: ADDRESS:PORT:PORT, or ADDRESS:PORT:PORT/udp.

    bindings: HostConfig.PortBindings of the container, as the engine tells them.
    """
    return [
        f"{_in_url(one.get('HostIp') or '0.0.0.0')}:{one['HostPort']}:{port.removesuffix('/tcp')}"
        for port, places in bindings.items()
        for one in places or ()
    ]


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def taken(
    listeners: Iterable[Mapping[str, Any]],
    containers: Sequence[Mapping[str, Any]],
    ports: Collection[str],
    relays: Sequence[int],
    addresses: Collection[str],
    by_chance: Sequence[int],
    name: str,
    pid: int = 0,
    moves: bool = False,
) -> list[dict[str, Any]]:
    """Return who has ports of a Docker host that coturn is to have there: port, relay (whether it is for relays), who.

    listeners: as module listeners_info returns them; containers: what the engine runs, which publishes without a
    process where it was told so; ports: as 3478/udp; relays, by_chance: first and last port; addresses: where coturn
    listens; name: of the containers of this host, pid: the number of its coturn, which are in nobody's way, and where
    a service moves there, no coturn and no containers of ours are.

    A relay takes another port where one is taken, and would take that of somebody who starts again. So ports that were
    not got by chance are no relay's.
    """

    def has(port: str, number: int, kind: str, chosen: bool) -> bool:
        return port in ports or (chosen and kind == "udp" and relays[0] <= number <= relays[1])

    found: list[dict[str, Any]] = []
    published = dict(_published(containers, addresses))
    for (number, kind), holder in published.items():
        port, whose = f"{number}/{kind}", (holder.get("Labels") or {}).get(LABEL, "")
        ours = bool(whose) and (moves or whose == name)
        if not ours and has(port, number, kind, True):
            called = str((holder.get("Names") or ["?"])[0]).lstrip("/")
            found.append({"port": port, "relay": port not in ports, "who": f"container {called}, which publishes it"})
    for one in listeners:
        number, kind = int(one["port"]), str(one["protocol"])
        if str(one["address"]) not in (*addresses, *_ALL):
            continue
        # its user has the number that its image gave it, which is all there is to see where processes are not
        if pid and one["pid"] in (0, pid) and (one["pid"] or str(one["user"]) in _COTURN):
            continue
        if (number, kind) in published and one["process"] in ("docker-proxy", ""):
            continue
        if moves and "turnserver" in (one["process"], one["user"]):
            continue
        port, chosen = f"{number}/{kind}", not by_chance[0] <= number <= by_chance[1]
        if has(port, number, kind, chosen):
            unit = f" of {one['unit']}" if one["unit"] else ""
            unseen = f"a process of user {one['user']} that cannot be seen from here"
            who = f"{one['process']} (pid {one['pid']}{unit})" if one["pid"] else unseen
            found.append({"port": port, "relay": port not in ports, "who": who})
    return [one for index, one in enumerate(found) if one not in found[:index]]


def _published(
    containers: Iterable[Mapping[str, Any]], addresses: Collection[str]
) -> Iterator[tuple[tuple[int, str], Mapping[str, Any]]]:
    """What containers publish where coturn listens: port and protocol, and the container."""
    for one in containers:
        for port in one.get("Ports") or []:
            if port.get("PublicPort") and str(port.get("IP") or "") in (*addresses, *_ALL):
                yield (int(port["PublicPort"]), str(port.get("Type") or "tcp")), one
