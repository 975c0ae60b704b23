# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a Prosody listens: what it holds, asked of the server, and what its configuration wants, reckoned here.

The server is asked for facts only (which services its modules offer, which ports are open). What a configuration wants
follows from its values as core/portmanager.lua of Prosody 13 takes them (function activate), so that a port that the
server dropped on the way, or wrapped to another number, cannot count as had.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

#: Lua: a function ``listening()`` → {services, held}; the one enumeration that every question to a server uses.
LISTENING = r"""
local function listening()
    local pm = require "prosody.core.portmanager"
    local out = { services = {}, held = {} }
    for name, infos in pairs(pm.get_registered_services()) do
        local info = infos[1]
        if info then
            local listener = info.listener or {}
            local ports = info.default_ports or { info.default_port or listener.default_port }
            out.services[#out.services+1] = { name = name, prefix = info.config_prefix or name, ports = ports,
                interface = listener.default_interface, private = info.private and true or false,
                encryption = info.encryption or "" }
        end
    end
    for name, interface, port, _, active in pm.get_active_services():iter(nil, nil, nil, nil) do
        local tls = active.tls_cfg
        out.held[#out.held+1] = { service = name, interface = interface, port = port,
            encryption = active.service.encryption or "", private = active.service.private and true or false,
            certificate = type(tls) == "table" and tls.certificate or nil }
    end
    return out
end
"""

Get = Callable[[str], Any]
"""Option of the global section → its value, None where it is not set."""


@dataclass(frozen=True)
class Service:
    """A service that a module offers.

    prefix: what the names of its options begin with; ports, interface: where it is when no option says;
    private: on loopback unless an option says otherwise; encryption: "ssl" (TLS at once), "starttls" or "".
    """

    name: str
    prefix: str
    ports: tuple[Any, ...] = ()
    interface: str = ""
    private: bool = False
    encryption: str = ""


@dataclass(frozen=True)
class Held:
    """A port that the server has open. certificate: file that is served to who sends no name, "" without TLS."""

    service: str
    interface: str
    port: int
    encryption: str = ""
    private: bool = False
    certificate: str = ""


@dataclass(frozen=True)
class Listening:
    """The answer to `listening()`."""

    services: tuple[Service, ...] = ()
    held: tuple[Held, ...] = ()


@dataclass(frozen=True)
class Port:
    """A place a service is to listen at. active: the server holds it. encryption: "ssl" for direct TLS, else "".

    problem: why it cannot be had whatever the server says; then `port` may be what is no port, and 0 for no number.
    """

    service: str
    interface: str
    port: int
    active: bool
    encryption: str
    problem: str = ""


def _items(value: Any) -> list[Any]:
    """What is iterated in a Lua value: a table's values, or the value alone. A table may come as a mapping."""
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, (list, tuple)) else [value]


def read(answer: Mapping[str, Any]) -> Listening:
    """The decoded answer to `listening()` → Listening."""
    services = [
        Service(
            one["name"],
            one["prefix"],
            tuple(_items(one.get("ports") or ())),
            one.get("interface") or "",
            one["private"],
            one["encryption"],
        )
        for one in _items(answer["services"] or ())
    ]
    held = [
        Held(
            one["service"],
            one["interface"],
            int(one["port"]),
            one["encryption"],
            one["private"],
            one.get("certificate") or "",
        )
        for one in _items(answer["held"] or ())
    ]
    return Listening(
        tuple(sorted(services, key=lambda one: one.name)),
        tuple(sorted(held, key=lambda one: (one.port, one.interface, one.service))),
    )


def _first(get: Get, *options: str) -> Any:
    """The first option that is set, as Lua's `or` chooses: false counts as not set."""
    return next((value for option in options if (value := get(option)) is not None and value is not False), None)


def interfaces(get: Get, service: Service) -> list[str]:
    """Addresses and wildcards that a service is to listen on."""
    ways = (("use_ipv4", "*", "127.0.0.1"), ("use_ipv6", "::", "::1"))
    used = [(everywhere, loopback) for option, everywhere, loopback in ways if get(option) is not False]
    start = f"{service.prefix}_" if service.prefix else ""
    found = _first(get, f"{start}interfaces", f"{start}interface")
    if found is None and service.private:
        found = _first(get, "local_interfaces")
        found = [loopback for _everywhere, loopback in used] if found is None else found
    if found is None:
        found = _first(get, "interfaces", "interface") or service.interface or [everywhere for everywhere, _one in used]
    return list(dict.fromkeys(str(item) for item in _items(found)))


def number(value: Any) -> int | None:
    """A port as Lua's tonumber() and the kernel take it, None for what is no port from 1 to 65535."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip().lower()
        try:
            value = int(text, 16) if text.startswith("0x") else float(text)
        except ValueError:
            return None
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return int(value) if value == int(value) and 0 < value < 65536 else None


def wanted(get: Get, listening: Listening) -> list[Port]:
    """The ports that a configuration wants of the services that are offered, in order of their numbers."""
    held = {(one.interface, one.port): one.service for one in listening.held}
    found: list[Port] = []
    taken: dict[tuple[str, int], str] = {}
    for service in listening.services:
        option = f"{service.prefix}_ports" if service.prefix else "ports"
        chosen = _first(get, option)
        values = list(dict.fromkeys(_items(service.ports if chosen is None else chosen)))
        for interface in interfaces(get, service):
            for value in values:
                if value is None:
                    continue
                port = number(value)
                problem = "" if port else f"{option} holds {value!r}, which is no port (1 to 65535)"
                if port:
                    other = taken.setdefault((interface, port), service.name)
                    if other != service.name:
                        problem = f"{other} is to listen on [{interface}]:{port}, too: only one of them can"
                active = port is not None and held.get((interface, port)) == service.name
                written = value if isinstance(value, int) and not isinstance(value, bool) else 0
                found.append(Port(service.name, interface, port or written, active, service.encryption, problem))
    return sorted(found, key=lambda one: (one.port, one.interface, one.service))


def superfluous(ports: Iterable[Port], held: Iterable[Held]) -> list[Held]:
    """What is open although no configuration asks for it."""
    known = {(one.service, one.interface, one.port) for one in ports if not one.problem}
    return [one for one in held if (one.service, one.interface, one.port) not in known]
