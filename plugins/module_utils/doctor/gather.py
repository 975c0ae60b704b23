# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looking at a service from outside: names, ports, web, relays. All I/O but that of an account (session)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import run as checks
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import Account, verified_context
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.https import HttpFailed, endpoint, request
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import Outcome
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Target
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stanzas import NS_SASL, NS_TLS
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.web import NS_XRD, REL_BOSH, REL_WEBSOCKET
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns import ask, compare
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns.answers import Answer, View
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.doctor.facts import (
    SERVICES,
    Facts,
    Leaf,
    Port,
    Relay,
    Way,
    Web,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor import turn
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import hello
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import covers
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import Served, read_served
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import domain_to_unicode
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.stream import Stream, StreamError, at_tls

_AT_ONCE = 12
_REGISTER = "jabber:iq:register"
_REGISTERS = "http://jabber.org/features/iq-register"
_TOKENS = ("urn:xmpp:ibr-token:0", "urn:xmpp:invite")
_FORM = "jabber:x:data"
# what XEP-0077 asks of a person; all else tells people from programs, or those who may from those who may not
_NAMES = frozenset(
    [
        *("query", "instructions", "FORM_TYPE", "username", "password", "nick", "name", "first", "last", "email"),
        *("address", "city", "state", "zip", "phone", "url", "date"),
    ]
)
_OUT_OF_BAND = "jabber:x:oob"
_RELAYS = ("_stun._udp", "_turn._udp", "_turn._tcp", "_turns._tcp")


def look(domain: str, asker: ask.Asker, ca: str | None, timeout: float) -> Facts:
    """Return what is seen without an account; raises nothing for what the network or the server does.

    domain: in A-labels, as DNS, TLS and certificates have it; streams are opened to what it is in Unicode.
    """
    names = [f"{record}.{domain}" for record, *_more in SERVICES.values()]
    relays = [f"{name}.{domain}" for name in _RELAYS]
    asked = [(name, "SRV") for name in (*names, *relays)] + [(domain, "A"), (domain, "AAAA")]
    asked += [(name, "CAA") for name in compare.parents(domain)]
    view = asker.look(asked)
    srv = {name: best(view, (name, "SRV")) for name in (*names, *relays)}
    places = list(_places(domain, srv))
    targets = list(dict.fromkeys([domain, *(target for _service, target, *_rest in places), *_targets(srv, relays)]))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = dict(zip(targets, pool.map(lambda name: _addresses(asker, name), targets)))
        addresses = {name: one[0] for name, one in found.items()}
        owners = list(dict.fromkeys(f"_{port}._tcp.{target}" for _service, target, port, _by in places))
        tlsa = {
            owner: one.values for owner, one in zip(owners, pool.map(lambda name: asker.public(name, "TLSA"), owners))
        }
        here = has_ipv6()
        looks = [
            Port(service, target, port, address, by_record)
            for service, target, port, by_record in places
            for address in _one_each(addresses[target])
            if here or ":" not in address
        ]
        ports = tuple(pool.map(lambda one: look_at(one, domain, ca, timeout), looks))
        seen = tuple(pool.map(lambda one: _relay(one, timeout), _relay_places(srv, relays, addresses, here)))
    good = [port for port in ports if port.good and port.service in ("c2s", "c2s_tls")]
    return Facts(
        domain,
        ask.now(),
        view,
        srv,
        addresses,
        {name: alias for name, (_found, alias) in found.items() if alias},
        tlsa,
        next((values for name in compare.parents(domain) if (values := best(view, (name, "CAA")).values)), ()),
        ports,
        _web(domain, addresses[domain], ca, timeout),
        seen,
        _registration(good[0], domain, timeout) if good else "",
        ipv6_here=here,
    )


def best(view: View, question: tuple[str, str]) -> Answer:
    """What counts: the answer that others get, else that of the zone's own servers."""
    said = view.public[question]
    zone = view.zone_of(question[0])
    if not said.came and zone:
        return next((answers[question] for answers in zone.servers.values() if answers[question].came), said)
    return said


def _places(domain: str, srv: dict[str, Answer]) -> Iterable[tuple[str, str, int, bool]]:
    """(service, target, port, whether a record says so), as RFC 6120 section 3.2 finds them."""
    for service, (record, port, _content, starttls) in SERVICES.items():
        values = srv[f"{record}.{domain}"].values
        if not values and starttls:
            yield service, domain, port, False
        for value in sorted(values, key=lambda one: int(one.split()[0])):
            if target := compare.target_of(value):
                yield service, target, int(value.split()[2]), True


def _targets(srv: dict[str, Answer], names: Sequence[str]) -> list[str]:
    return [target for name in names for value in srv[name].values if (target := compare.target_of(value))]


def _addresses(asker: ask.Asker, name: str) -> tuple[tuple[str, ...], str]:
    """The addresses of a name, and what it is an alias of."""
    answers = [asker.public(name, kind) for kind in ("A", "AAAA")]
    return tuple(value for one in answers for value in one.values), next(
        (one.alias for one in answers if one.alias), ""
    )


def _one_each(addresses: Sequence[str]) -> list[str]:
    """The first of IPv4 and the first of IPv6."""
    four = [one for one in addresses if ":" not in one]
    return four[:1] + [one for one in addresses if ":" in one][:1]


def has_ipv6() -> bool:
    """Whether this machine has a way to the internet by IPv6; nothing is sent."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect(("2001:db8::1", 53))
    except OSError:
        return False
    return True


def look_at(port: Port, domain: str, ca: str | None, timeout: float) -> Port:
    """Return what is seen at one port."""
    _record, _port, content, starttls = SERVICES[port.service]
    to = domain_to_unicode(domain)
    how = {"starttls": content, "to": to} if starttls else {"direct": content, "to": to}
    in_clear: tuple[str, ...] = ()
    optional = False
    try:
        if starttls:
            with Stream(port.address, port.port, timeout) as stream:
                stream.connect()
                features = stream.open(content, to, "stream before TLS")
                in_clear = _mechanisms(features)
                offered = features.find(f"{{{NS_TLS}}}starttls")
                optional = offered is not None and offered.find(f"{{{NS_TLS}}}required") is None and bool(in_clear)
                if offered is None:
                    return replace(port, step="STARTTLS", seen="STARTTLS is not offered", in_clear=in_clear)
        served = read_served(port.address, port.port, sni=domain, timeout=timeout, **how)
    except StreamError as error:
        return replace(port, step=error.step, seen=error.seen, in_clear=in_clear)
    after = ET.fromstring(served.features) if served.features else ET.Element("none")
    answers = {
        version: hello.choice_at(port.address, port.port, domain, version, timeout=timeout, **how)
        for version in hello.VERSIONS
    }
    spoken = {hello.VERSIONS[number] for number, one in answers.items() if one.version == hello.VERSIONS[number]}
    return replace(
        port,
        leaf=_leaf(served, domain),
        trust=_trust(port, content, starttls, domain, ca, timeout),
        # what was spoken just now is spoken, whatever the server thinks of the bare question
        versions=tuple(sorted(spoken | {served.protocol})),
        group=answers[0x0304].group,
        in_clear=in_clear,
        tls_optional=optional,
        mechanisms=_mechanisms(after),
        registers=after.find(f"{{{_REGISTERS}}}register") is not None,
        by_invitation=any(after.find(f"{{{one}}}register") is not None for one in _TOKENS),
    )


def _mechanisms(features: ET.Element) -> tuple[str, ...]:
    return tuple(sorted({item.text or "" for item in features.iter(f"{{{NS_SASL}}}mechanism")}))


def _leaf(served: Served, domain: str) -> Leaf:
    one = served.certificate
    named = {domain, domain_to_unicode(domain)} & set(one.xmpp_addresses)
    xmpp = bool(named) or any(name.partition(".")[2] == domain for name in one.srv_names)
    return Leaf(
        one.subject,
        one.issuer,
        one.names,
        one.not_before.timestamp(),
        one.not_after.timestamp(),
        one.sha256,
        covers(one, domain) or xmpp,
        hashlib.sha256(one.public_key).hexdigest(),
        one.self_issued,
        len(served.chain),
        served.chain_known,
    )


def _trust(port: Port, content: str, starttls: bool, domain: str, ca: str | None, timeout: float) -> str:
    """Why OpenSSL refuses the chain, whatever its names are; "" where it does not."""
    context = verified_context(ca)
    context.check_hostname = False
    if not starttls:
        context.set_alpn_protocols([content])
    try:
        with at_tls(port.address, port.port, timeout, content if starttls else "", domain_to_unicode(domain)) as stream:
            stream.handshake(context, domain)
    except StreamError as error:
        return error.seen.removeprefix("the certificate is not valid: ")
    return ""


def _registration(port: Port, domain: str, timeout: float) -> str:
    """How accounts are made in a client (XEP-0077): open, form, invitation, closed."""
    if port.by_invitation:
        return "invitation"
    if not port.registers:
        return "closed"
    starttls, to = SERVICES[port.service][3], domain_to_unicode(domain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with at_tls(port.address, port.port, timeout, "xmpp-client" if starttls else "", to) as stream:
            stream.handshake(context, domain)
            stream.open("xmpp-client", to, "stream after TLS")
            stream.send(f"<iq type='get' id='r' to='{to}'><query xmlns='{_REGISTER}'/></iq>", "registration")
            answer = stream.next("registration")
    except StreamError:
        return ""
    return registration(answer)


def registration(answer: ET.Element) -> str:
    """What an answer to a question for the fields of a registration means."""
    if answer.get("type") == "error":
        return "closed"
    if any(one.tag.startswith(f"{{{_OUT_OF_BAND}}}") for one in answer.iter()):
        return "form"
    fields = {one.tag.partition("}")[2] for one in answer.iter() if one.tag.startswith(f"{{{_REGISTER}}}")}
    fields |= {one.get("var", "") for one in answer.iter(f"{{{_FORM}}}field")}
    hurdles = fields - _NAMES
    return "open" if {"username", "password"} <= fields and not hurdles else "form"


def _web(domain: str, addresses: Sequence[str], ca: str | None, timeout: float) -> Web:
    if not addresses:
        return Web(seen="the domain has no address")
    address = next((one for one in addresses if ":" not in one), addresses[0])
    base = f"https://{domain}/.well-known/host-meta"
    try:
        answer = request("GET", base, verified_context(ca), address=address, timeout=timeout)
    except HttpFailed as error:
        return Web(seen=str(error))
    links = {}
    seen = ""
    if answer.status == 200:
        try:
            document = ET.fromstring(answer.body)
            links = {link.get("rel", ""): link.get("href", "") for link in document.iter(f"{{{NS_XRD}}}Link")}
        except ET.ParseError as error:
            seen = f"not XML: {error}"
    try:
        other = request("GET", f"{base}.json", verified_context(ca), address=address, timeout=timeout)
        json_status = other.status if other.status != 200 or isinstance(json.loads(other.body), dict) else 0
    except (HttpFailed, ValueError):
        json_status = 0
    found = _ways(domain, address, links, ca, timeout)
    return Web(
        answer.status,
        seen,
        links,
        json_status,
        answer.headers.get("access-control-allow-origin", "") == "*",
        found["websocket"],
        found["bosh"],
    )


def _ways(domain: str, address: str, links: dict[str, str], ca: str | None, timeout: float) -> dict[str, Way]:
    """WebSocket and BOSH as the checks use them, where host-meta names them."""
    wanted = {"websocket": REL_WEBSOCKET, "bosh": REL_BOSH}
    found = {name: Way() for name in wanted}
    target = Target(
        domain_to_unicode(domain),
        (Account("", ""), Account("", "")),
        address=address,
        http_address="",
        ports={"https": 443},
        ca=ca,
        timeout=timeout,
    )
    for name, rel in wanted.items():
        url = links.get(rel, "")
        if not url:
            continue
        try:
            endpoint(url)
        except HttpFailed as error:
            found[name] = Way("failed", str(error))
            continue
        (outcome,) = asyncio.run(checks.run(target, [name])).outcomes
        found[name] = way(outcome)
    return found


def way(outcome: Outcome) -> Way:
    """What a check says, as a Way."""
    state = {"ok": "good", "failed": "failed"}.get(outcome.state, "absent")
    return Way(state, outcome.seen, outcome.advice)


def _relay_places(
    srv: Mapping[str, Answer], names: Sequence[str], addresses: Mapping[str, tuple[str, ...]], ipv6: bool
) -> list[Relay]:
    found: list[Relay] = []
    for name in names:
        service, transport = (label.lstrip("_") for label in name.split(".")[:2])
        for value in srv[name].values:
            target = compare.target_of(value)
            found += [
                Relay(f"{service}/{transport}", target, int(value.split()[2]), address)
                for address in _one_each(addresses.get(target, ()))
                if ipv6 or ":" not in address
            ]
    return found


def handed_out(
    services: Iterable[tuple[str, str, int]], known: Iterable[Relay], asker: ask.Asker, timeout: float
) -> list[Relay]:
    """Look at the relays that a server hands out, as far as records did not lead to them."""
    there = {(one.service, one.target, one.port) for one in known}
    found = []
    for service, name, port in services:
        if (service, name, port) not in there and service in (
            "stun/udp",
            "stun/tcp",
            "turn/udp",
            "turn/tcp",
            "turns/tcp",
        ):
            addresses = [name] if name.replace(".", "").isdigit() or ":" in name else asker.addresses(name)
            found += [
                _relay(Relay(service, name, port, address), timeout)
                for address in _one_each(addresses)
                if has_ipv6() or ":" not in address
            ]
    return found


def _relay(found: Relay, timeout: float) -> Relay:
    kind, transport = found.service.split("/")
    try:
        if kind == "turns":
            with socket.create_connection((found.address, found.port), timeout):
                return replace(found, answers=True)
        turn.binding(found.address, found.port, transport, timeout)
        known = found.service != "turn/udp" or not turn.open_relay(found.address, found.port, timeout)
        return replace(found, answers=True, open=not known)
    except (turn.TurnError, OSError) as error:
        return replace(found, seen=str(error))
