# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the doctor says: each planted fault gives the finding of its name, and a service that is right gives none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.web import REL_BOSH, REL_WEBSOCKET
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns.answers import (
    ANSWERED,
    FAILED,
    NO_DATA,
    Answer,
    View,
    Zone,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.doctor import compliance, judge
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.doctor.facts import (
    Facts,
    Leaf,
    Port,
    Relay,
    Session,
    Way,
    Web,
)

NOW = 1_800_000_000.0
DAY = 86400.0
DOMAIN = "example.org"
KEY = "ab" * 32
LEAF = Leaf(
    "CN=example.org",
    "CN=R11,O=Let's Encrypt,C=US",
    (DOMAIN, f"*.{DOMAIN}"),
    NOW - 30 * DAY,
    NOW + 60 * DAY,
    "01" * 32,
    key_sha256=KEY,
    chain=2,
)
SCRAM = ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS")
RECORDS = {
    "_xmpp-client._tcp": "10 5 5222 xmpp.example.org.",
    "_xmpps-client._tcp": "5 5 5223 xmpp.example.org.",
    "_xmpp-server._tcp": "10 5 5269 xmpp.example.org.",
    "_xmpps-server._tcp": "5 5 5270 xmpp.example.org.",
    "_stun._udp": "10 5 3478 turn.example.org.",
    "_turn._udp": "10 5 3478 turn.example.org.",
    "_turn._tcp": "10 5 3478 turn.example.org.",
    "_turns._tcp": "10 5 5349 turn.example.org.",
}


def ports() -> tuple[Port, ...]:
    def made(service: str, number: int, address: str) -> Port:
        offered = SCRAM if service.startswith("c2s") else ()
        return Port(
            service,
            "xmpp.example.org",
            number,
            address,
            leaf=LEAF,
            versions=("TLSv1.2", "TLSv1.3"),
            group="X25519MLKEM768",
            mechanisms=offered,
        )

    numbers = {"c2s": 5222, "c2s_tls": 5223, "s2s": 5269, "s2s_tls": 5270}
    return tuple(
        made(service, number, address)
        for service, number in numbers.items()
        for address in ("192.0.2.1", "2001:db8::1")
    )


def features() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for row in compliance.ROWS:
        place = f"component {row.place.partition('/')[0]}.{DOMAIN}" if "/" in row.place else row.place
        if place:
            found.setdefault(place, set()).update(row.tokens, {row.place} if "/" in row.place else set())
    return {place: frozenset(tokens) for place, tokens in found.items()}


CHECKS = {name: Way("good", "seen") for name in ("upload", "turn_credentials", "turn_udp", "turn_tls")}


def right(**other: Any) -> Facts:
    srv = {f"{name}.{DOMAIN}": Answer(ANSWERED, (value,)) for name, value in RECORDS.items()}
    zone = Zone(DOMAIN, {"ns1": {}}, ds=True, keys=True, validated=True, signed_until=int(NOW + 9 * DAY))
    addresses = ("192.0.2.1", "2001:db8::1")
    links = {REL_WEBSOCKET: "wss://example.org/xmpp-websocket", REL_BOSH: "https://example.org/http-bind"}
    facts = Facts(
        DOMAIN,
        NOW,
        View("192.0.2.99", {}, {DOMAIN: zone}),
        srv,
        dict.fromkeys((DOMAIN, "xmpp.example.org", "turn.example.org"), addresses),
        tlsa={"_5269._tcp.xmpp.example.org": (f"3 1 1 {KEY}",)},
        caa=('0 issue "letsencrypt.org"',),
        ports=ports(),
        web=Web(200, links=links, json_status=200, websocket=Way("good"), bosh=Way("good")),
        relays=(Relay("turn/udp", "turn.example.org", 3478, "192.0.2.1", answers=True),),
        registration="invitation",
        session=Session("", features(), {"abuse": ("mailto:abuse@example.org",)}, CHECKS),
    )
    return replace(facts, **other)


def zone(**other: Any) -> Facts:
    facts = right()
    there = replace(facts.view.zones[DOMAIN], **other)
    return right(view=replace(facts.view, zones={DOMAIN: there}))


def record(name: str, *values: str, **more: Any) -> Facts:
    answer = Answer(ANSWERED if values else NO_DATA, values)
    return right(srv={**right().srv, f"{name}.{DOMAIN}": answer}, **more)


def port(service: str = "c2s", every: bool = False, **other: Any) -> Facts:
    """One address of a service, or every port, is otherwise."""
    chosen = [one for one in ports() if every or one.service == service]
    first = chosen if every else chosen[:1]
    return right(ports=tuple(replace(one, **other) if one in first else one for one in ports()))


def gone(service: str, **other: Any) -> Facts:
    """No address of a service works."""
    return right(ports=tuple(replace(one, leaf=None, **other) if one.service == service else one for one in ports()))


def leaf(every: bool = True, **other: Any) -> Facts:
    return port("s2s", every, leaf=replace(LEAF, **other))


def web(**other: Any) -> Facts:
    there = right().web
    assert there
    return right(web=replace(there, **other))


def session(**other: Any) -> Facts:
    there = right().session
    assert there
    return right(session=replace(there, **other))


def without(token: str) -> Facts:
    return session(features={place: found - {token} for place, found in features().items()})


OLD_ISSUER = replace(LEAF, not_before=NOW - 88 * DAY, not_after=NOW + 20 * DAY, sha256="02" * 32)
FAULTS: list[tuple[str, str, Callable[[], Facts]]] = [
    # names
    ("dns_unreached", "fault", lambda: right(view=View("192.0.2.99", {}, {}, "no answer within 3 s"))),
    ("no_zone", "fault", lambda: right(view=View("192.0.2.99", {}, {}))),
    ("dnssec_broken", "fault", lambda: zone(broken=True)),
    ("dnssec_keys_missing", "fault", lambda: zone(keys=False)),
    ("dnssec_not_vouched_for", "fault", lambda: zone(ds=False)),
    ("dnssec_absent", "fault", lambda: zone(ds=False, keys=False)),
    ("dnssec_ends_soon", "weak", lambda: zone(signed_until=int(NOW + 3600))),
    ("name_server_silent", "weak", lambda: zone(silent={"ns2": "no answer"})),
    (
        "not_answered",
        "fault",
        lambda: right(srv={**right().srv, f"_xmpp-client._tcp.{DOMAIN}": Answer(FAILED, seen="no answer")}),
    ),
    ("record_missing", "weak", lambda: record("_xmpp-client._tcp")),
    ("direct_tls_absent", "note", lambda: record("_xmpps-server._tcp")),
    ("service_denied", "fault", lambda: record("_xmpp-client._tcp", "0 0 0 .")),
    (
        "target_without_address",
        "fault",
        lambda: record("_turns._tcp", "10 5 5349 gone.example.org."),
    ),
    (
        "no_ipv6",
        "note",
        lambda: right(addresses={**right().addresses, "turn.example.org": ("192.0.2.1",)}),
    ),
    ("target_is_alias", "weak", lambda: right(aliases={"xmpp.example.org": "host.example.net"})),
    (
        "domain_without_address",
        "weak",
        lambda: right(addresses={**right().addresses, DOMAIN: ()}),
    ),
    ("tlsa_mismatch", "fault", lambda: right(tlsa={"_5269._tcp.xmpp.example.org": (f"3 1 1 {'cd' * 32}",)})),
    (
        "tlsa_of_certificate",
        "weak",
        lambda: right(tlsa={"_5269._tcp.xmpp.example.org": (f"3 0 1 {LEAF.sha256}",)}),
    ),
    ("caa_absent", "note", lambda: right(caa=())),
    ("caa_forbids", "weak", lambda: right(caa=('0 issue "pki.goog"',))),
    # ports
    ("port_unreached", "fault", lambda: gone("s2s", step="connecting", seen="connection refused")),
    ("address_unreached", "weak", lambda: port(leaf=None, step="connecting", seen="no answer within 10 s")),
    ("host_unknown", "fault", lambda: port(leaf=None, step="stream before TLS", seen="stream error host-unknown")),
    ("starttls_absent", "fault", lambda: port(leaf=None, step="STARTTLS", seen="STARTTLS is not offered")),
    ("tls_broken", "fault", lambda: port(leaf=None, step="TLS handshake for 'example.org'", seen="handshake failure")),
    ("not_xmpp", "fault", lambda: port(leaf=None, step="stream before TLS", seen="not XMPP: b'220 mail'")),
    ("certificate_expired", "fault", lambda: leaf(not_after=NOW - DAY)),
    ("certificate_not_yet", "fault", lambda: leaf(not_before=NOW + DAY)),
    ("certificate_ends_soon", "weak", lambda: leaf(not_after=NOW + 5 * DAY)),
    ("certificate_other_name", "fault", lambda: leaf(covers=False, names=("www.example.org",))),
    (
        "certificate_self_signed",
        "fault",
        lambda: port(every=True, leaf=replace(LEAF, self_issued=True, chain=1), trust="self-signed certificate"),
    ),
    (
        "chain_incomplete",
        "fault",
        lambda: port(every=True, leaf=replace(LEAF, chain=1), trust="unable to get local issuer certificate"),
    ),
    ("chain_expired", "fault", lambda: port(every=True, trust="certificate has expired")),
    ("certificate_untrusted", "fault", lambda: port(every=True, trust="self-signed certificate in certificate chain")),
    ("certificate_not_newest", "weak", lambda: port("s2s_tls", leaf=OLD_ISSUER)),
    ("tls_outdated", "weak", lambda: port(versions=("TLSv1.0", "TLSv1.2", "TLSv1.3"))),
    ("tls13_absent", "weak", lambda: port(versions=("TLSv1.2",))),
    ("key_exchange_classic", "note", lambda: port(every=True, group="X25519")),
    ("password_in_clear", "fault", lambda: port(in_clear=("PLAIN",))),
    ("scram_absent", "weak", lambda: port(mechanisms=("PLAIN",))),
    ("channel_binding_absent", "note", lambda: port(mechanisms=("SCRAM-SHA-1",))),
    ("anonymous_offered", "weak", lambda: port(mechanisms=(*SCRAM, "ANONYMOUS"))),
    # what is offered
    ("host_meta_unreached", "weak", lambda: web(status=0, seen="no connection", links={})),
    ("host_meta_absent", "weak", lambda: web(status=404, links={})),
    ("host_meta_empty", "weak", lambda: web(links={})),
    ("host_meta_in_clear", "fault", lambda: web(links={REL_WEBSOCKET: "ws://example.org/ws"})),
    ("host_meta_json_absent", "weak", lambda: web(json_status=404)),
    ("host_meta_not_shared", "weak", lambda: web(shared=False)),
    ("websocket_broken", "fault", lambda: web(websocket=Way("failed", "400 Bad Request", "look"))),
    ("bosh_broken", "fault", lambda: web(bosh=Way("failed", "HTTP 502", "look"))),
    ("relay_unreached", "weak", lambda: right(relays=(Relay("turn/udp", "t", 3478, "192.0.2.1", seen="no answer"),))),
    ("relay_open", "fault", lambda: right(relays=(Relay("turn/udp", "t", 3478, "192.0.2.1", True, open=True),))),
    ("registration_open", "weak", lambda: right(registration="open")),
    ("registration_by_form", "note", lambda: right(registration="form")),
    ("sign_in_failed", "fault", lambda: right(session=Session("not-authorized"))),
    ("contact_absent", "weak", lambda: session(contacts={})),
    ("contact_abuse_absent", "note", lambda: session(contacts={"admin": ("xmpp:a@example.org",)})),
    ("upload_broken", "fault", lambda: session(checks={**CHECKS, "upload": Way("failed", "HTTP 413", "a limit")})),
    ("upload_absent", "note", lambda: session(checks={**CHECKS, "upload": Way("absent", "none")})),
    ("relay_broken", "fault", lambda: session(checks={**CHECKS, "turn_udp": Way("failed", "401", "look")})),
    ("relay_tls_broken", "fault", lambda: session(checks={**CHECKS, "turn_tls": Way("failed", "no TLS", "look")})),
    ("relay_absent", "note", lambda: session(checks={**CHECKS, "turn_credentials": Way("absent", "none")})),
    ("compliance_core", "note", lambda: without("pubsub/pep")),
    ("compliance_im", "weak", lambda: without("urn:xmpp:carbons:2")),
    ("compliance_mobile", "weak", lambda: without("urn:xmpp:csi:0")),
    ("compliance_calls", "weak", lambda: without("urn:xmpp:extdisco:2")),
]
# what a fault brings along, because it is one: a password in the clear is no TLS as XEP-0479 wants it
ALONG = {
    "password_in_clear": {"compliance_core"},
    "websocket_broken": {"compliance_web"},
    "bosh_broken": {"compliance_web"},
}


def test_a_service_that_is_right_gives_nothing():
    assert judge.findings(right()) == []
    assert {one["level"] for one in compliance.levels(right()).values()} == {"advanced"}


def test_there_are_more_than_forty():
    assert len({name for name, *_rest in FAULTS}) == len(FAULTS) > 60


@pytest.mark.parametrize(("name", "level", "facts"), FAULTS, ids=[name for name, *_rest in FAULTS])
def test_each_fault_gives_its_finding(name, level, facts):
    found = judge.findings(facts())
    assert {one.name for one in found} == {name} | ALONG.get(name, set())
    mine = [one for one in found if one.name == name]
    assert {one.level for one in mine} == {level}
    assert all(one.seen and one.consequence for one in mine)
    assert all(one.mend or one.level == "note" for one in mine)


def test_what_is_meant_to_be_is_a_note():
    (one,) = judge.findings(right(registration="open"), ["registration_open"])
    assert (one.level, one.mend) == ("note", "")


def test_a_localhost_is_not_looked_at():
    assert [one.name for one in judge.findings(right(domain="chat.localhost"))] == ["dns_not_used"]


def test_a_service_without_federation_is_closed_on_purpose():
    found = judge.findings(record("_xmpp-server._tcp", "0 0 0 ."))
    assert [(one.name, one.level) for one in found] == [("service_denied", "note")]


def test_without_records_and_without_a_port_nobody_gets_in():
    facts = record("_xmpp-client._tcp")
    facts = replace(facts, ports=tuple(one for one in facts.ports if one.service != "c2s"))
    assert [(one.name, one.level) for one in judge.findings(facts)] == [("record_missing", "fault")]


def test_without_an_account_what_it_sees_is_not_judged():
    assert judge.findings(right(session=None)) == []
    found = compliance.levels(right(session=None))
    assert {name: one["level"] for name, one in found.items()} == dict.fromkeys(compliance.CATEGORIES, "unknown")
    assert "history (XEP-0313, module mam)" in found["im"]["not_seen"]


def test_six_days_and_an_hour_are_lives_like_ninety():
    for life in (3600.0, 6 * DAY, 90 * DAY):
        fresh = leaf(not_before=NOW - life / 2, not_after=NOW + life / 2)
        assert judge.findings(fresh) == []
        late = leaf(not_before=NOW - life * 0.95, not_after=NOW + life * 0.05)
        assert {one.name for one in judge.findings(late)} == {"certificate_ends_soon"}


def test_what_was_seen_is_told_beside():
    told = judge.summary(right())
    assert told["ports"][0]["key_exchange"] == "X25519MLKEM768"
    assert told["registration"] == "invitation"
    assert told["contacts"] == {"abuse": ["mailto:abuse@example.org"]}
    assert told["compliance"]["im"]["level"] == "advanced"
    assert judge.summary(right(session=None))["account"] == "not given"
