# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Does the running server really do what its configuration says? Through the admin socket and the network.

Each probe has a name (kind:what) by which an operator can leave it out, and by which what failed before a change can be
told from what the change broke.
"""

from __future__ import annotations

import fnmatch
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host.listeners import read_listeners
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.listening import (
    Held,
    Listening,
    Port,
    superfluous,
    wanted,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_json import readable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import (
    CertificateError,
    check_pair,
    covers,
    read_chain,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import (
    Served,
    TlsProbeError,
    read_served,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.difference import compare
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.live import (
    Certified,
    Host,
    Live,
    State,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import GLOBAL, Model
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import InvalidJid, domain_to_ascii

_SASL = "{urn:ietf:params:xml:ns:xmpp-sasl}mechanisms"
_SASL2 = "{urn:xmpp:sasl:2}authentication"
_REGISTER = "{http://jabber.org/features/iq-register}register"
_STARTTLS = {"c2s": "xmpp-client", "s2s": "xmpp-server"}
# the loggers of single sessions (net/server, core/sessionmanager, mod_bosh, mod_component) and of the resolver
_FOREIGN = re.compile(r"^(?:(?:c2s|s2sin|s2sout|jcp|bosh|mod_bosh)[0-9a-f]{6,}|adns|unbound|dns)\b")
_DIRECT = {"c2s_direct_tls": "xmpp-client", "s2s_direct_tls": "xmpp-server"}


@dataclass(frozen=True)
class Failure:
    """A probe that failed: its name and what was seen."""

    probe: str
    seen: str

    def __str__(self) -> str:
        return f"{self.probe}: {self.seen}"


@dataclass(frozen=True)
class Options:
    """address: where ports bound to every address are probed ("": loopback). ignore: patterns of names to leave out."""

    address: str = ""
    timeout: float = 5.0
    ignore: tuple[str, ...] = ()


def kept(failures: Iterable[Failure], ignore: Sequence[str]) -> list[Failure]:
    """The failures whose names no pattern leaves out."""
    return [item for item in failures if not any(fnmatch.fnmatchcase(item.probe, pattern) for pattern in ignore)]


def has_ipv6(table: str = "/proc/net/if_inet6") -> bool:
    """Does this machine have IPv6, at least on loopback?"""
    try:
        return bool(Path(table).read_text("ascii").strip())
    except OSError:
        return False


def address_of(interface: str, address: str = "") -> str:
    """Where a port bound to the interface can be reached from the machine itself."""
    if interface in ("*", "0.0.0.0"):
        return address if address and ":" not in address else "127.0.0.1"
    if interface == "::":
        return address if ":" in address else "::1"
    return interface


def dns_name(name: str) -> str:
    """A name as Lua's bytes gave it → as DNS, certificates and TLS have it."""
    try:
        return domain_to_ascii(readable(name))
    except InvalidJid:
        return name


def expected_ports(ports: Iterable[Port], ipv6: bool) -> list[Port]:
    """The ports that must be held: without IPv6 nobody can listen on its wildcard."""
    return [port for port in ports if ipv6 or ":" not in port.interface]


def host_failures(state: State, model: Model) -> list[Failure]:
    """Hosts and modules: configured against loaded; pure."""
    found = []
    active = {host.name for host in state.hosts}
    wanted = set(model.enabled())
    for name in sorted(wanted - active):
        found.append(Failure(f"host:{name}", "is configured but not active"))
    for name in sorted(active - wanted):
        found.append(Failure(f"host:{name}", "is active but not configured"))
    for host in state.hosts:
        for module in host.missing:
            found.append(Failure(f"module:{module}@{host.name}", "is configured but not loaded (the log says why)"))
        for module, text in sorted(host.troubled.items()):
            found.append(Failure(f"module:{module}@{host.name}", f"reports an error: {text}"))
    return found


def config_failures(running: Model, model: Model) -> list[Failure]:
    """What the server holds in memory against what the files say; pure. Names options, never values."""
    difference = compare(running, model)
    if not difference:
        return []
    parts = [str(change) for change in difference.changes] + [*difference.added, *difference.removed]
    return [Failure("config", "the running server holds another configuration: " + ", ".join(parts[:8]))]


def certificate_failures(certified: Iterable[Certified], model: Model) -> list[Failure]:
    """The files each service is to serve: there, readable by Prosody, a pair, and covering the name."""
    found: list[Failure] = []
    for item in certified:
        probe = f"certificate:{item.service}:{readable(item.host)}"
        if item.error:
            found.append(Failure(probe, _why_no_context(item)))
            continue
        if not item.certificate:
            if model.get(item.host, f"{item.service}_require_encryption", True) is not False:
                found.append(Failure(probe, f"no certificate that covers {dns_name(item.name)} was found"))
            continue
        try:
            if not covers(read_chain(item.certificate)[0], dns_name(item.name)):
                found.append(Failure(probe, f"{item.certificate} does not cover the name {dns_name(item.name)}"))
            check_pair(item.certificate, item.key)
        except CertificateError as error:
            found.append(Failure(probe, str(error)))
    return found


def _why_no_context(item: Certified) -> str:
    detail = ""
    if item.certificate and item.key:
        try:
            check_pair(item.certificate, item.key)
        except CertificateError as error:
            detail = f" ({error})"
    files = f" with the certificate {item.certificate} and the key {item.key}" if item.certificate else ""
    return f"Prosody cannot make a TLS context{files}: {item.error}{detail}"


def served_failures(probe: str, item: Certified, served: Served) -> list[Failure]:
    """What came over the wire against the certificate's file."""
    if not item.certificate:
        return []
    try:
        expected = read_chain(item.certificate)[0]
    except CertificateError as error:
        return [Failure(probe, str(error))]
    if served.certificate.sha256 != expected.sha256:
        return [
            Failure(
                probe,
                f"serves the certificate of {', '.join(served.certificate.names[:3]) or served.certificate.subject} "
                f"(valid until {served.certificate.not_after:%Y-%m-%d}), not the one in {item.certificate}",
            )
        ]
    return []


def feature_failures(host: Host, model: Model, features: str) -> list[Failure]:
    """The stream features that a client sees after TLS, against what is configured; pure."""
    try:
        offered = {child.tag: child for child in ElementTree.fromstring(features)} if features else {}
    except ElementTree.ParseError as error:
        return [Failure(f"features:{host.name}", f"not XML: {error}")]
    found = []
    mechanisms = offered.get(_SASL)
    if "saslauth" in host.modules and (mechanisms is None or not len(mechanisms)):
        found.append(Failure(f"features:{host.name}", "no SASL mechanisms are offered after TLS: nobody can sign in"))
    if "sasl2" in host.modules and _SASL2 not in offered:
        found.append(Failure(f"features:{host.name}", "SASL2 is enabled but not offered after TLS"))
    if (
        "register_ibr" in host.modules
        and model.get(host.name, "allow_registration") is True
        and _REGISTER not in offered
    ):
        found.append(Failure(f"features:{host.name}", "registration is allowed but not offered after TLS"))
    return found


def _listener(port: int) -> str:
    holders = [item for item in read_listeners([port]) if item.protocol == "tcp" and item.process != ""]
    if not holders:
        return "no process holds it"
    named = {f"{item.process} (pid {item.pid}{', ' + item.unit if item.unit else ''})" for item in holders}
    return "it is held by " + ", ".join(sorted(named))


def configured_ports(model: Model, listening: Listening) -> list[Port]:
    """Every port that the configuration wants, whether or not the server holds it."""
    everywhere = model.hosts.get(GLOBAL, {})
    return wanted(everywhere.get, listening)


def port_failures(ports: Iterable[Port], options: Options, ipv6: bool, held: Iterable[Held] = ()) -> list[Failure]:
    """Each configured port is held by Prosody and answers a connection, and no other is open."""
    known = list(ports)
    found = []
    for port in expected_ports(known, ipv6):
        probe = f"port:{port.service}:{port.port}"
        where = f"[{port.interface}]:{port.port}"
        if port.problem:
            found.append(Failure(probe, port.problem))
            continue
        if not port.active:
            found.append(Failure(probe, f"Prosody does not listen on {where}; {_listener(port.port)}"))
            continue
        try:
            socket.create_connection((address_of(port.interface, options.address), port.port), options.timeout).close()
        except OSError as error:
            found.append(Failure(probe, f"no connection to {where}: {error.strerror or error}"))
    told = {item.probe for item in found}
    for other in superfluous(known, held):
        probe = f"port:{other.service}:{other.port}"
        seen = f"Prosody listens on [{other.interface}]:{other.port}, which the configuration does not want"
        found += [] if probe in told else [Failure(probe, seen)]
    return found


def http_status(address: str, port: int, name: str, tls: bool, timeout: float) -> str:
    """The status line that a GET of / brings; raises OSError."""
    with socket.create_connection((address, port), timeout) as plain:
        connection: socket.socket = plain
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            connection = context.wrap_socket(plain, server_hostname=name)
        connection.settimeout(timeout)
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        return connection.recv(200).partition(b"\r\n")[0].decode("ascii", "replace")


def tls_failures(
    certified: Iterable[Certified],
    state: State,
    ports: Iterable[Port],
    model: Model,
    options: Options,
    ipv6: bool,
    look: Callable[..., Served] = read_served,
) -> list[Failure]:
    """A handshake for each host and component at each TLS service: the right certificate, and features behind it."""
    found: list[Failure] = []
    hosts = {host.name: host for host in state.hosts}
    places: dict[str, Port] = {}
    for port in expected_ports(ports, ipv6):
        if port.active and (port.service not in places or ":" in places[port.service].interface):
            places[port.service] = port
    for item in certified:
        place = places.get(item.service)
        if place is None or item.error:
            continue
        probe = f"tls:{item.service}:{readable(item.host)}"
        address = address_of(place.interface, options.address)
        try:
            served = look(
                address,
                place.port,
                sni=dns_name(item.name),
                starttls=_STARTTLS.get(item.service),
                direct=_DIRECT.get(item.service),
                to=readable(item.host),
                timeout=options.timeout,
            )
        except TlsProbeError as error:
            found.append(Failure(probe, str(error)))
            continue
        found += served_failures(probe, item, served)
        if item.service == "c2s" and item.host in hosts:
            found += feature_failures(hosts[item.host], model, served.features)
        if item.service == "https":
            found += _http_failures(place, dns_name(item.name), True, options)
    return found


def _http_failures(place: Port, name: str, tls: bool, options: Options) -> list[Failure]:
    probe = f"{place.service}:{name}"
    try:
        status = http_status(address_of(place.interface, options.address), place.port, name, tls, options.timeout)
    except OSError as error:
        return [Failure(probe, f"no answer on port {place.port}: {error.strerror or error}")]
    if not status.startswith("HTTP/"):
        return [Failure(probe, f"port {place.port} does not speak HTTP: {status[:60]!r}")]
    return []


def log_failures(errors: Iterable[str], ipv6: bool) -> list[Failure]:
    """Errors logged since the change; pure. What is an error in the log and no fault is left out."""
    return [Failure("log", text.strip().partition("\n")[0][:600]) for text in errors if not _harmless(text, ipv6)]


def _harmless(text: str, ipv6: bool) -> bool:
    # about one peer or one name out there, not about the configuration; what matters of it other probes see
    if _FOREIGN.match(text):
        return True
    # said while mod_http is being reloaded and its ports are about to open; the probe of the ports knows better
    if "Not listening on any ports" in text:
        return True
    # without IPv6 the refusal to bind its wildcard is no news
    return not ipv6 and "Failed to open server port" in text and "::" in text


def probe_all(live: Live, model: Model, options: Options, ipv6: bool | None = None) -> list[Failure]:
    """Every probe but the log, on a running server; never raises for what the server does wrong."""
    six = has_ipv6() if ipv6 is None else ipv6
    state = live.state()
    certified = live.certificates()
    found = config_failures(live.config(), model)
    found += host_failures(state, model)
    ports = configured_ports(model, state.listening)
    found += port_failures(ports, options, six, state.listening.held)
    found += certificate_failures(certified, model)
    found += tls_failures(certified, state, ports, model, options, six)
    for port in expected_ports(ports, six):
        if port.active and port.service == "http":
            found += _http_failures(port, model.get(GLOBAL, "http_default_host") or "localhost", False, options)
    found += [
        Failure(f"storage:{host}", f"{driver}: {error.strip()}") for host, driver, error in live.storage() if error
    ]
    return kept(found, options.ignore)
