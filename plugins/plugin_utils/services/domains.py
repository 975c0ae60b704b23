# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What users and other servers meet of a Prosody: each domain with ports, names, accounts and what is off on purpose.

The one place that checks, probes of monitoring and DNS read it from. Settings are variables of roles without prefix.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import hosts
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.declared_accounts import probe_accounts
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.hosts import host_name, hosts_of
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import Settings

# The variables of role prosody that are read here and for DNS: no secret, for looking one up would make it
SETTINGS = (
    "domain",
    "hosts",
    "standard_components",
    "component_settings",
    "components",
    "authentication",
    "registration",
    "federation",
    "probe_accounts",
    "modules_disabled",
    "c2s_ports",
    "c2s_direct_tls_ports",
    "s2s_ports",
    "s2s_direct_tls_ports",
    "http_ports",
    "http_interfaces",
    "https_ports",
    "https_interfaces",
    "http_external_url",
    "proxied",
    "proxied_https_port",
    "component_ports",
    "component_interfaces",
    "proxy65_address",
    "archive_policy",
    "stores",
    "muc_room_creation",
    "muc_announcers",
    "metrics",
    "turn_host",
    "turn_port",
    "turn_tls_port",
)
# and those of its database: they may name what is known on the host itself alone
DATABASE_SETTINGS = ("storage", "database_host", "database_port", "database_sslmode")
TURN_SETTINGS = ("server_name", "port", "tls_port")
# and where it is in the network of a Docker host, as facts tell
TURN_PLACES = ("listen_addresses", "external_address")
PROXY_SETTINGS = ("https_port", "direct_tls", "starttls")

# Prosody's console listens on loopback
_CONSOLE = 5582
_DIRECT = {"c2s_tls": "c2s_direct_tls_ports", "s2s_tls": "s2s_direct_tls_ports"}
_PORTS = {"c2s": "c2s_ports", "s2s": "s2s_ports", **_DIRECT}
# Of a proxy of ours
STARTTLS = {"c2s": 5222, "s2s": 5269}
# What the checks call the port of a service when there is none
_WITHOUT_PORT = {"c2s": "starttls", "c2s_tls": "direct_tls", "s2s": "s2s", "s2s_tls": "s2s_tls"}
_COMPONENTS = {"muc": "muc", "upload": "http_file_share", "proxy": "proxy65", "pubsub": "pubsub"}
_OVER_HTTP = ("websocket", "bosh", "upload", "invites_page")


@dataclass(frozen=True)
class Turn:
    """A host with coturn: where it is, and the settings of role coturn there."""

    address: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Proxy:
    """A host of group proxy: where it is, and the settings of role proxy there."""

    address: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Service:
    """One domain as it is met from outside.

    ports: of c2s, c2s_tls, s2s, s2s_tls, https, turn, turn_tls those that are there. accounts: two, or none.
    invitation_page: the path of it. without: what checks need not look for (names of features and modules).
    closed: ports that must not answer.
    address: of Prosody; http_address, tls_address (direct TLS), starttls_address, turn_address: of what is elsewhere,
    else the same.
    http_name: of HTTPS, the domain but behind a proxy that is not ours; then http_address is empty.
    """

    domain: str
    address: str
    http_name: str
    http_address: str
    tls_address: str
    starttls_address: str
    turn_name: str
    turn_address: str
    ports: Mapping[str, int]
    accounts: tuple[str, ...]
    archive: bool
    invitation_page: str
    without: tuple[str, ...]
    closed: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """The service as plain data."""
        plain = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}


def services(
    prosody: Mapping[str, Any], address: str, turns: Sequence[Turn] = (), proxy: Proxy | None = None
) -> list[Service]:
    """Return the virtual hosts of a Prosody at `address`, in their order. Raises ModelError naming a wrong setting.

    turns: the TURN servers of the deployment. proxy: the host that has https, and direct TLS if it is asked to.
    """
    settings = Settings(prosody)
    proxy = proxy if settings.flag("proxied", True) else None
    modules = {host.name: host.module for host in hosts_of(settings) if host.module is not None}
    accounts = probe_accounts(settings)
    turn_name, ours = settings.text("turn_host"), _ours(settings, turns)
    found = []
    for host in settings.entries("hosts"):
        domain = host_name(host)
        ports = _ports(settings, host, domain, proxy)
        # a proxy that is not ours is where its name says
        elsewhere = "" if proxy else urlsplit(external_url(settings, host, domain)).hostname or ""
        there = {module for name, module in modules.items() if name.endswith(f".{domain}")}
        found.append(
            Service(
                domain=domain,
                address=address,
                http_name=elsewhere or domain,
                http_address=proxy.address if proxy else "" if elsewhere else address,
                tls_address=proxy.address if proxy and has_direct_tls(proxy) else address,
                starttls_address=proxy.address if proxy and has_starttls(proxy) else address,
                turn_name=turn_name,
                turn_address=ours.address if ours else turn_name,
                ports=ports,
                accounts=tuple(jid for jid in accounts if jid.rpartition("@")[2] == domain),
                archive=_archives(settings, host),
                invitation_page=_invitation_page(settings),
                without=tuple(dict.fromkeys(_without(settings, host, ports, there))),
                closed=_closed(settings, ports, proxy),
            )
        )
    return found


def turn_problems(prosody: Mapping[str, Any], turns: Sequence[Turn]) -> list[str]:
    """Return where Prosody would send callers to another port than that of the TURN server, one line each."""
    settings = Settings(prosody)
    name, ours = settings.text("turn_host"), _ours(settings, turns)
    if ours is None:
        return []
    problems = []
    for mine, theirs in (("turn_port", "port"), ("turn_tls_port", "tls_port")):
        port, listens = settings.number(mine), ours.settings.get(theirs)
        # 0: not offered over TLS, whatever there is
        if port and listens is not None and not int(listens):
            problems.append(
                f"{settings.where(mine)} is {port} and coturn_{theirs} is 0, so that coturn has no such port: clients "
                f"would be sent there in vain. Set xmpp_{mine} to 0 alone, which both follow."
            )
        elif port and listens is not None and port != int(listens):
            problems.append(
                f"{settings.where(mine)} is {port} and coturn_{theirs} is {listens}: clients would look for {name} "
                f"at a port where nothing is. Set xmpp_{mine} alone, which both follow."
            )
    return problems


def database(prosody: Mapping[str, Any]) -> dict[str, Any]:
    """Return where Prosody finds its database over the network with TLS, and the domain that stores there; else {}."""
    settings = Settings(prosody)
    host = settings.text("database_host")
    if settings.text("storage") != "postgresql" or not host or host.startswith("/"):
        return {}
    if settings.text("database_sslmode") == "disable":
        return {}
    return {"domain": _main(settings), "host": host, "port": settings.number("database_port")}


def metrics(prosody: Mapping[str, Any]) -> dict[str, Any]:
    """Return where /metrics is served: http and https port (0: nowhere), and the name that the certificate is for.

    http_address: where the host itself finds the former.
    """
    settings = Settings(prosody)
    on = settings.flag("metrics", True)
    listens = [one for one in settings.texts("http_interfaces") if one not in ("*", "::", "127.0.0.1", "localhost")]
    return {
        "http": _first(settings.numbers("http_ports")) if on else 0,
        "http_address": listens[0]
        if listens and len(listens) == len(settings.texts("http_interfaces"))
        else "127.0.0.1",
        "https": _first(settings.numbers("https_ports")) if on and not _loopback_alone(settings) else 0,
        "name": _main(settings),
    }


def https_port(settings: Settings, host: Settings, domain: str, proxy: Proxy | None) -> int:
    """Return the port at which clients of a domain come by HTTPS; 0 where it has none."""
    if proxy is not None:
        return proxy_port(proxy)
    url = external_url(settings, host, domain)
    if url:
        return urlsplit(url).port or 443
    return 0 if _loopback_alone(settings) else _first(settings.numbers("https_ports"))


def proxy_port(proxy: Proxy) -> int:
    """Return the port of a proxy of ours for https, and for direct TLS where it has that."""
    return int(proxy.settings.get("https_port") or 443)


def has_direct_tls(proxy: Proxy) -> bool:
    """Whether direct TLS of clients and servers goes through a proxy of ours."""
    return proxy.settings.get("direct_tls", True) is not False


def has_starttls(proxy: Proxy) -> bool:
    """Whether clients and servers that upgrade to TLS come to a proxy of ours as well."""
    return proxy.settings.get("starttls", False) is True


def external_url(settings: Settings, host: Settings, domain: str) -> str:
    """Return the URL of a proxy in front of a domain that the inventory does not have, "" without one."""
    given = host.mapping("options").get("http_external_url")
    if isinstance(given, str) and given:
        return given
    if settings.text("http_external_url"):
        return settings.text("http_external_url") if domain == _main(settings) else ""
    return hosts.external_url(settings, domain)


def _main(settings: Settings) -> str:
    return settings.text("domain") or next((host_name(host) for host in settings.entries("hosts")), "")


def _ports(settings: Settings, host: Settings, domain: str, proxy: Proxy | None) -> dict[str, int]:
    found = {name: _first(settings.numbers(variable)) for name, variable in _PORTS.items()}
    if proxy is not None and has_direct_tls(proxy):
        found.update({name: https_port(settings, host, domain, proxy) for name in _DIRECT if found[name]})
    if proxy is not None and has_starttls(proxy):
        found.update({name: port for name, port in STARTTLS.items() if found[name]})
    if not settings.flag("federation", True):
        found["s2s"] = found["s2s_tls"] = 0
    found["https"] = https_port(settings, host, domain, proxy)
    if settings.text("turn_host"):
        found["turn"] = settings.number("turn_port", 3478)
        found["turn_tls"] = settings.number("turn_tls_port")
    return {name: port for name, port in found.items() if port}


def _ours(settings: Settings, turns: Sequence[Turn]) -> Turn | None:
    """The host of the TURN server that Prosody names: by its name, else the first if it is below one of our domains."""
    name = settings.text("turn_host")
    for turn in turns:
        if name and turn.settings.get("server_name") == name:
            return turn
    below = any(name.endswith(f".{host_name(host)}") for host in settings.entries("hosts"))
    return turns[0] if turns and below else None


def _archives(settings: Settings, host: Settings) -> bool:
    return (
        settings.text("archive_policy", "always") == "always"
        and settings.mapping("stores").get("archive") != "none"
        and "mam" not in _disabled(settings, host)
    )


def _invitation_page(settings: Settings) -> str:
    """A proxy of ours has pages of its own."""
    ours = settings.flag("proxied") and not settings.text("http_external_url")
    return "invite/" if ours else "invites_page"


def _disabled(settings: Settings, host: Settings) -> list[str]:
    return [*settings.texts("modules_disabled"), *host.texts("modules_disabled")]


def _without(
    settings: Settings, host: Settings, ports: Mapping[str, int], modules: Container[str | None]
) -> Iterable[str]:
    yield from _disabled(settings, host)
    yield from (kind for kind, module in _COMPONENTS.items() if module not in modules)
    yield from (name for port, name in _WITHOUT_PORT.items() if port not in ports)
    if "https" not in ports:
        yield from _OVER_HTTP
    if "turn" not in ports:
        yield "turn"
    if not _archives(settings, host):
        yield "archive"
    if settings.text("muc_room_creation") == "admins":
        yield "room"
    if (host.text("registration") or settings.text("registration")) == "closed":
        yield "invites_page"


def _closed(settings: Settings, ports: Mapping[str, int], proxy: Proxy | None) -> tuple[int, ...]:
    """What is off, or listens on loopback only."""
    closed = [] if settings.texts("http_interfaces") else settings.numbers("http_ports")
    closed += [] if settings.texts("component_interfaces") else settings.numbers("component_ports")
    if not settings.flag("federation", True):
        closed += settings.numbers("s2s_ports") + settings.numbers("s2s_direct_tls_ports")
    if _loopback_alone(settings):
        closed += settings.numbers("https_ports")
    open_ports = {*ports.values(), *([80] if proxy is not None else [])}
    return tuple(port for port in dict.fromkeys([*closed, _CONSOLE]) if port not in open_ports)


def _loopback_alone(settings: Settings) -> bool:
    """Whether HTTPS of Prosody itself is for a proxy on the same host."""
    given = settings.texts("https_interfaces")
    return bool(given) and all(_is_loopback(address) for address in given)


def _is_loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return text == "localhost"


def _first(ports: Sequence[int]) -> int:
    return ports[0] if ports else 0
