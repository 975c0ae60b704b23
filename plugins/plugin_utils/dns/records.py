# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The DNS records that an XMPP service needs, as data and as text of a zone file. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import (
    CertificateError,
    a_label,
    parse_pem,
)

# Host names (RFC 1123) with the underscores of service names (RFC 8552)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\Z")
# RFC 8659 section 4.1
_CAA_TAG = re.compile(r"[a-z0-9]+\Z")
_NO_SERVICE = "."


class DnsError(XmppError):
    """Records that cannot be made of what was given; the text names it."""


@dataclass(frozen=True)
class Record:
    """One record. name: without the final dot. value: as in a zone file, names fully qualified. data: its parts."""

    name: str
    type: str
    ttl: int
    value: str
    purpose: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The record as plain data."""
        return {
            "name": self.name,
            "type": self.type,
            "ttl": self.ttl,
            "value": self.value,
            "purpose": self.purpose,
            "data": dict(self.data),
        }


@dataclass(frozen=True)
class Name:
    """A virtual host or component of the server. web: HTTPS clients come to this name. relay: file transfers do.

    proved: an authority asks port 80 of this name before it issues its certificate (RFC 8555 section 8.3).
    """

    name: str
    users: bool = False
    web: bool = False
    relay: bool = False
    proved: bool = False


@dataclass(frozen=True)
class Deployment:
    """A server as DNS sees it. target: the machine's own name, to which the SRV records point.

    Where a proxy on another machine has them: web_addresses, of HTTPS; direct_target and starttls_target, the names for
    direct TLS and for what upgrades to it.
    web_keys: whether the certificates are those of HTTPS as well.
    """

    names: tuple[Name, ...]
    target: str
    addresses: tuple[str, ...]
    c2s_ports: tuple[int, ...] = (5222,)
    c2s_direct_tls_ports: tuple[int, ...] = ()
    s2s_ports: tuple[int, ...] = (5269,)
    s2s_direct_tls_ports: tuple[int, ...] = ()
    https_ports: tuple[int, ...] = ()
    web_addresses: tuple[str, ...] = ()
    direct_target: str = ""
    starttls_target: str = ""
    web_keys: bool = True
    federation: bool = True
    turn_host: str = ""
    turn_addresses: tuple[str, ...] = ()
    turn_port: int = 3478
    turn_tls_port: int = 0
    certificates: tuple[str, ...] = ()
    turn_certificates: tuple[str, ...] = ()
    caa: tuple[Any, ...] = ()
    bosh_url: str = ""
    websocket_url: str = ""
    ttl: int = 3600


def records(deployment: Deployment) -> tuple[Record, ...]:
    """All records of a deployment, each once, in an order for readers; raises DnsError."""
    found = [
        *_addresses(deployment),
        *_clients(deployment),
        *_servers(deployment),
        *_calls(deployment),
        *_web(deployment),
        *_keys(deployment),
        *_authorities(deployment),
    ]
    return tuple({(one.name, one.type, one.value): one for one in found}.values())


def _addresses(deployment: Deployment) -> Iterable[Record]:
    if not (deployment.direct_target and deployment.starttls_target):
        yield from _address(deployment.target, deployment.addresses, deployment.ttl, "addresses")
    for name in deployment.names:
        if name.web or name.relay or name.proved:
            addresses = deployment.web_addresses if name.web else ()
            yield from _address(name.name, addresses or deployment.addresses, deployment.ttl, "addresses")
    if deployment.turn_host:
        yield from _address(deployment.turn_host, deployment.turn_addresses, deployment.ttl, "addresses")


def _clients(deployment: Deployment) -> Iterable[Record]:
    """RFC 6120 section 3.2.1 and XEP-0368; direct TLS first, since it needs a round trip less."""
    for name in (one.name for one in deployment.names if one.users):
        for port in deployment.c2s_direct_tls_ports:
            target = deployment.direct_target or deployment.target
            yield _service(f"_xmpps-client._tcp.{name}", 5, port, target, deployment, "clients")
        for port in deployment.c2s_ports:
            target = deployment.starttls_target or deployment.target
            yield _service(f"_xmpp-client._tcp.{name}", 10, port, target, deployment, "clients")


def _servers(deployment: Deployment) -> Iterable[Record]:
    """Other servers look every host and component up; without federation they are told at once (RFC 2782: ".")."""
    for name in (one.name for one in deployment.names):
        if not deployment.federation:
            yield _service(f"_xmpp-server._tcp.{name}", 0, 0, _NO_SERVICE, deployment, "servers")
            continue
        for port in deployment.s2s_direct_tls_ports:
            target = deployment.direct_target or deployment.target
            yield _service(f"_xmpps-server._tcp.{name}", 5, port, target, deployment, "servers")
        for port in deployment.s2s_ports:
            target = deployment.starttls_target or deployment.target
            yield _service(f"_xmpp-server._tcp.{name}", 10, port, target, deployment, "servers")


def _calls(deployment: Deployment) -> Iterable[Record]:
    """RFC 5389 section 9 and RFC 5766 section 6.1."""
    if not deployment.turn_host:
        return
    services = [("stun", "udp"), ("turn", "udp"), ("turn", "tcp")]
    for name in (one.name for one in deployment.names if one.users):
        for service, transport in services:
            owner = f"_{service}._{transport}.{name}"
            yield _service(owner, 10, deployment.turn_port, deployment.turn_host, deployment, "calls")
        if deployment.turn_tls_port:
            owner = f"_turns._tcp.{name}"
            yield _service(owner, 10, deployment.turn_tls_port, deployment.turn_host, deployment, "calls")


def _web(deployment: Deployment) -> Iterable[Record]:
    """XEP-0156 section 3, for clients that do not read host-meta."""
    links = [
        ("_xmpp-client-websocket", deployment.websocket_url, "wss"),
        ("_xmpp-client-xbosh", deployment.bosh_url, "https"),
    ]
    for name in (one.name for one in deployment.names if one.users):
        for attribute, url, scheme in links:
            if url:
                if urlsplit(url).scheme != scheme or not urlsplit(url).hostname:
                    raise DnsError(f"'{url}' is not a {scheme} URL; clients take no other for {attribute}.")
                text = f"{attribute}={url}"
                yield Record(f"_xmppconnect.{name}", "TXT", deployment.ttl, quoted(text), "web", {"text": text})


def _keys(deployment: Deployment) -> Iterable[Record]:
    """TLSA 3 1 1 (RFC 6698, RFC 7673): the key of the certificate, at the machine that SRV records point to."""
    federation = deployment.federation
    starttls = {*deployment.c2s_ports, *(deployment.s2s_ports if federation else ())}
    direct = {*deployment.c2s_direct_tls_ports, *(deployment.s2s_direct_tls_ports if federation else ())}
    owners = [(port, deployment.starttls_target or deployment.target) for port in starttls]
    owners += [(port, deployment.direct_target or deployment.target) for port in direct]
    owners.sort()
    if deployment.web_keys:
        owners += [(port, name.name) for name in deployment.names if name.web for port in deployment.https_ports]
    yield from _tlsa(owners, deployment.certificates, deployment.ttl)
    if deployment.turn_host and deployment.turn_tls_port:
        owners = [(deployment.turn_tls_port, deployment.turn_host)]
        yield from _tlsa(owners, deployment.turn_certificates, deployment.ttl)


def _tlsa(owners: Sequence[tuple[int, str]], certificates: Sequence[str], ttl: int) -> Iterable[Record]:
    for port, name in owners:
        for pem in certificates:
            try:
                leaf = parse_pem(pem.encode(), "certificate for TLSA records")[0]
            except CertificateError as error:
                raise DnsError(f"{error}.") from error
            digest = hashlib.sha256(leaf.public_key).hexdigest()
            data = {"usage": 3, "selector": 1, "matching_type": 1, "digest": digest, "port": port, "transport": "tcp"}
            yield Record(f"_{port}._tcp.{name}", "TLSA", ttl, f"3 1 1 {digest}", "keys", data)


def _authorities(deployment: Deployment) -> Iterable[Record]:
    """CAA (RFC 8659) for the hosts; what lies below one of them inherits it."""
    users = [one.name for one in deployment.names if one.users]
    others = [one.name for one in deployment.names if not any(one.name.endswith(f".{name}") for name in users)]
    for name in dict.fromkeys([*users, *others]):
        for given in deployment.caa:
            one = {"value": given} if isinstance(given, str) else dict(given)
            flags, tag, value = one.get("flags", 0), one.get("tag", "issue"), one.get("value")
            if not isinstance(value, str) or not _CAA_TAG.match(str(tag)) or flags not in (0, 128):
                raise DnsError(
                    f"CAA: {given!r} is neither an authority's name nor a mapping of flags (0 or 128), tag and value."
                )
            data = {"flags": flags, "tag": tag, "value": value}
            yield Record(name, "CAA", deployment.ttl, f"{flags} {tag} {quoted(value)}", "authorities", data)


def _service(owner: str, priority: int, port: int, target: str, deployment: Deployment, purpose: str) -> Record:
    weight = 0 if target == _NO_SERVICE else 5
    fqdn = target if target == _NO_SERVICE else f"{target}."
    data = {"priority": priority, "weight": weight, "port": port, "target": target}
    return Record(owner, "SRV", deployment.ttl, f"{priority} {weight} {port} {fqdn}", purpose, data)


def _address(name: str, addresses: Sequence[str], ttl: int, purpose: str) -> Iterable[Record]:
    for text in addresses:
        try:
            address = ipaddress.ip_address(text)
        except ValueError as error:
            raise DnsError(f"'{text}' is not an IP address, and {name} needs one.") from error
        kind = "AAAA" if address.version == 6 else "A"
        yield Record(name, kind, ttl, address.compressed, purpose, {"address": address.compressed})


def domain_name(text: str) -> str:
    """A name as DNS has it: A-labels, lower case, no final dot, maybe a wildcard; raises DnsError."""
    try:
        name = a_label(text)
    except CertificateError as error:
        raise DnsError(f"{error}.") from error
    if len(name) > 253 or not all(
        len(label) < 64 and _LABEL.match(label) for label in name.removeprefix("*.").split(".")
    ):
        raise DnsError(f"'{text}' is not a domain name.")
    return name


def quoted(text: str) -> str:
    """Text as character strings of a zone file (RFC 1035 sections 5.1 and 3.3), 255 bytes at most each."""
    data = text.encode()
    pieces = [data[start : start + 255] for start in range(0, len(data), 255)] or [b""]
    return " ".join('"' + "".join(map(_escaped, piece)) + '"' for piece in pieces)


def _escaped(byte: int) -> str:
    if byte in b'"\\':
        return f"\\{chr(byte)}"
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03d}"


_TITLES = {
    "addresses": "where the machines are",
    "clients": "where clients find the service",
    "servers": "where other servers find it",
    "calls": "STUN and TURN, for calls",
    "web": "where clients in a browser find it",
    "keys": "keys of the certificates; worth something only in a zone signed by DNSSEC",
    "authorities": "who may issue certificates",
}


def zone(found: Iterable[Mapping[str, Any]], ttl: int = 3600) -> str:
    """Records (name, type, value; ttl and purpose if given) as lines of a zone file; raises DnsError.

    Names are fully qualified, so the text fits a zone of any origin. It has no SOA and no NS record.
    """
    sections: dict[str, list[tuple[str, str, str, str]]] = {}
    for one in found:
        try:
            name, kind, value = str(one["name"]), str(one["type"]).upper(), str(one["value"])
        except KeyError as error:
            raise DnsError(f"A record needs name, type and value; {dict(one)!r} has no {error}.") from error
        if not re.fullmatch(r"[A-Z][A-Z0-9]*", kind):
            raise DnsError(f"'{kind}' is no type of DNS records.")
        if kind in ("TXT", "SPF") and not value.startswith('"'):
            value = quoted(value)
        if not value or any(ord(character) < 0x20 or ord(character) > 0x7E for character in value):
            raise DnsError(f"The value of {kind} for {name} cannot stand in a zone file: {value!r}.")
        if not balanced(value):
            raise DnsError(f"The value of {kind} for {name} has text outside of quotes that ends a record: {value!r}.")
        line = (f"{domain_name(name)}.", str(int(one.get("ttl") or ttl)), kind, value)
        lines = sections.setdefault(str(one.get("purpose") or ""), [])
        if line not in lines:
            lines.append(line)
    return "\n".join(_section(purpose, lines) for purpose, lines in sections.items())


def balanced(value: str) -> bool:
    """Whether quotes are closed, and nothing outside of them would be a comment or join lines."""
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", value)
    return not re.search(r'["();]', outside) and not outside.endswith("\\")


def _section(purpose: str, lines: Sequence[tuple[str, str, str, str]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    title = f"; {_TITLES.get(purpose, ' '.join(purpose.split()))}\n" if purpose else ""
    rows = (
        f"{name.ljust(widths[0])} {ttl.rjust(widths[1])} IN {kind.ljust(widths[2])} {value}\n"
        for name, ttl, kind, value in lines
    )
    return title + "".join(rows)
