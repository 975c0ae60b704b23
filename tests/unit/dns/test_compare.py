# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What DNS answers against what is wanted: each planted fault gives its finding, a zone that is right none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.filter.xmpp import xmpp_dns_records
from ansible_collections.allthingslinux.xmpp.plugins.module_utils import diagnosis
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns import answers, compare
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns.answers import Answer, View, Zone

NOW = 1_800_000_000.0
SETTINGS: dict[str, Any] = {
    "hosts": [{"name": "example.org"}],
    "standard_components": ["muc"],
    "c2s_direct_tls_ports": [5223],
    "s2s_direct_tls_ports": [5270],
    "https_ports": [5281],
    "turn_host": "turn.example.org",
}
WANTED = answers.wanted(
    [
        *xmpp_dns_records(SETTINGS, addresses=["192.0.2.1", "2001:db8::1"], caa=["letsencrypt.org"]),
        {"name": "_5269._tcp.xmpp.example.org", "type": "TLSA", "value": f"3 1 1 {'AB' * 32}", "purpose": "keys"},
    ]
)
QUESTIONS = compare.questions(WANTED)
Answers = dict[tuple[str, str], Answer]


def right() -> Answers:
    """What a server says that has all of it, signed for another ten days."""
    found: Answers = {}
    for name, kind in QUESTIONS:
        values = tuple(sorted(one.value for one in WANTED if (one.name, one.type) == (name, kind)))
        status = answers.ANSWERED if values else answers.NO_DATA
        found[name, kind] = Answer(status, values, 3600, validated=True, signed_until=int(NOW) + 864000)
    return found


def view(first: Answers, second: Answers | None = None, public: Answers | None = None, **zone: Any) -> View:
    servers = {"ns1 (192.0.2.53)": first, "ns2 (192.0.2.54)": first if second is None else second}
    whole: dict[str, Any] = {"servers": servers, "ds": True, "keys": True, "validated": True, **zone}
    return View("192.0.2.99", first if public is None else public, {"example.org": Zone("example.org", **whole)})


def said(seen: View) -> list[tuple[str, str, str]]:
    return [(one.name, one.level, one.where) for one in compare.findings(WANTED, QUESTIONS, seen, NOW)]


def changed(name: str, kind: str, *values: str, **more: Any) -> Answers:
    status = answers.ANSWERED if values else answers.NO_NAME
    return {**right(), (name, kind): Answer(status, tuple(sorted(values)), 3600, **more)}


def test_a_zone_that_is_right_gives_nothing():
    assert said(view(right())) == []


C2S, S2S, C2S_TLS = (
    "_xmpp-client._tcp.example.org",
    "_xmpp-server._tcp.muc.example.org",
    "_xmpps-client._tcp.example.org",
)
KEY = "_5269._tcp.xmpp.example.org"
FAULTS: list[tuple[str, Callable[[], View], tuple[str, str, str]]] = [
    ("clients find nothing", lambda: view(changed(C2S, "SRV")), ("record_missing", "fault", f"{C2S} SRV")),
    ("servers find no rooms", lambda: view(changed(S2S, "SRV")), ("record_missing", "fault", f"{S2S} SRV")),
    ("no direct TLS", lambda: view(changed(C2S_TLS, "SRV")), ("record_missing", "weak", f"{C2S_TLS} SRV")),
    ("no address", lambda: view(changed("xmpp.example.org", "A")), ("record_missing", "fault", "xmpp.example.org A")),
    (
        "no IPv6",
        lambda: view(changed("example.org", "AAAA")),
        ("record_missing", "fault", "example.org AAAA"),
    ),
    (
        "the old machine",
        lambda: view(changed("xmpp.example.org", "A", "192.0.2.7")),
        ("record_different", "fault", "xmpp.example.org A"),
    ),
    (
        "another port",
        lambda: view(changed(C2S, "SRV", "10 5 5322 xmpp.example.org.")),
        ("record_different", "fault", f"{C2S} SRV"),
    ),
    (
        "another key",
        lambda: view(changed(KEY, "TLSA", f"3 1 1 {'cd' * 32}")),
        ("record_different", "fault", f"{KEY} TLSA"),
    ),
    (
        "a key too many",
        lambda: view(changed(KEY, "TLSA", f"3 1 1 {'ab' * 32}", f"3 1 1 {'cd' * 32}")),
        ("record_extra", "weak", f"{KEY} TLSA"),
    ),
    (
        "a second machine",
        lambda: view(changed(C2S, "SRV", "10 5 5222 xmpp.example.org.", "10 5 5222 old.example.org.")),
        ("record_extra", "fault", f"{C2S} SRV"),
    ),
    (
        "the same machine twice",
        lambda: view(changed(C2S, "SRV", "10 5 5222 xmpp.example.org.", "20 5 5222 xmpp.example.org.")),
        ("record_extra", "weak", f"{C2S} SRV"),
    ),
    (
        "no such service, although there is",
        lambda: view(changed(C2S, "SRV", "10 5 5222 xmpp.example.org.", "0 0 0 .")),
        ("record_extra", "fault", f"{C2S} SRV"),
    ),
    (
        "direct TLS of servers at a host without it",
        lambda: view(changed("_turns._tcp.example.org", "SRV", "5 5 5349 relay.example.net.")),
        ("record_extra", "note", "_turns._tcp.example.org SRV"),
    ),
    (
        "a second address",
        lambda: view(changed("xmpp.example.org", "A", "192.0.2.1", "192.0.2.9")),
        ("record_extra", "fault", "xmpp.example.org A"),
    ),
    (
        "one more authority",
        lambda: view(changed("example.org", "CAA", '0 issue "letsencrypt.org"', '0 issue "ca.example"')),
        ("record_extra", "note", "example.org CAA"),
    ),
    (
        "servers that disagree",
        lambda: view(right(), changed(C2S, "SRV", "10 5 5222 old.example.org.")),
        ("servers_disagree", "fault", f"{C2S} SRV"),
    ),
    (
        "an old view",
        lambda: view(right(), public=changed(C2S, "SRV", "10 5 5222 old.example.org.")),
        ("public_view_old", "weak", f"{C2S} SRV"),
    ),
    (
        "a target that is an alias",
        lambda: view(changed("xmpp.example.org", "A", "192.0.2.1", alias="host.example.net")),
        ("target_is_alias", "weak", "xmpp.example.org"),
    ),
    (
        "a silent server",
        lambda: view(right(), silent={"ns3 (192.0.2.55)": "no answer within 3 s"}),
        ("name_server_silent", "weak", "example.org ns3 (192.0.2.55)"),
    ),
    (
        "no server of the zone",
        lambda: view(right(), servers={}, silent={"ns1": "no answer within 3 s"}),
        ("authoritative_unreached", "weak", "example.org"),
    ),
    ("signatures that are wrong", lambda: view(right(), broken=True), ("dnssec_broken", "fault", "example.org")),
    ("signatures without keys", lambda: view(right(), keys=False), ("dnssec_keys_missing", "fault", "example.org")),
    ("keys nobody vouches for", lambda: view(right(), ds=False), ("dnssec_not_vouched_for", "fault", "example.org")),
    ("DANE unsigned", lambda: view(right(), ds=False, keys=False), ("dnssec_absent", "fault", "example.org")),
    (
        "signatures that end",
        lambda: view(right(), signed_until=int(NOW) + 7200),
        ("dnssec_ends_soon", "weak", "example.org"),
    ),
    (
        "signatures that ended",
        lambda: view(right(), signed_until=int(NOW) - 7200),
        ("dnssec_ends_soon", "fault", "example.org"),
    ),
    ("nobody checks", lambda: view(right(), validated=False), ("dnssec_not_checked", "note", "example.org")),
]


@pytest.mark.parametrize(("seen", "finding"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_each_fault_gives_its_finding(seen, finding):
    assert said(seen()) == [finding]


def test_a_finding_has_the_line_that_mends_it():
    (one,) = compare.findings(WANTED, QUESTIONS, view(changed(C2S, "SRV")), NOW)
    assert one.mend == f"{C2S}. 3600 IN SRV 10 5 5222 xmpp.example.org."
    assert "port 5222" in one.consequence
    (one,) = compare.findings(WANTED, QUESTIONS, view(changed("xmpp.example.org", "A", "192.0.2.1", "192.0.2.9")), NOW)
    assert "xmpp.example.org. 3600 IN A 192.0.2.9" in one.mend


def test_without_an_answer_nothing_is_good():
    silent = {one: Answer(answers.FAILED, seen="192.0.2.99: no answer within 3 s") for one in QUESTIONS}
    seen = View("192.0.2.99", silent, {}, "192.0.2.99: no answer within 3 s")
    found = [one.as_dict() for one in compare.findings(WANTED, QUESTIONS, seen, NOW)]
    assert [one["name"] for one in found] == ["dns_unreached"]
    assert diagnosis.counts(found)


def test_without_a_resolver_the_servers_of_the_zone_still_say_what_they_have():
    silent = {one: Answer(answers.FAILED, seen="no answer") for one in QUESTIONS}
    seen = replace(view(changed(C2S, "SRV"), public=silent), error="no answer")
    assert {name for name, _level, _where in said(seen)} == {"resolver_unreached", "record_missing"}


def test_one_question_that_failed_is_not_taken_for_an_answer():
    failed = {**right(), (C2S, "SRV"): Answer(answers.FAILED, seen="answers SERVFAIL")}
    assert said(view(failed)) == [("not_answered", "fault", f"{C2S} SRV")]


def test_a_domain_that_does_not_exist():
    nothing = {one: Answer(answers.NO_NAME) for one in QUESTIONS}
    found = said(View("192.0.2.99", nothing, {}))
    assert found == [("no_zone", "fault", "example.org")]


def test_an_address_family_that_the_service_does_not_have():
    only = answers.wanted(xmpp_dns_records(SETTINGS, addresses=["192.0.2.1"], caa=["x.example"]))
    asked = compare.questions(only)
    there = {
        (name, kind): Answer(answers.ANSWERED, values) if (values := _of(only, name, kind)) else Answer(answers.NO_DATA)
        for name, kind in asked
    }
    there["xmpp.example.org", "AAAA"] = Answer(answers.ANSWERED, ("2001:db8::9",), 60)
    seen = View("192.0.2.99", there, {"example.org": Zone("example.org", {"ns1": there})})
    found = [one for one in compare.findings(only, asked, seen, NOW) if one.level != "note"]
    assert [(one.name, one.where) for one in found] == [("record_extra", "xmpp.example.org AAAA")]
    assert "IPv6" in found[0].consequence


def _of(wanted, name, kind):
    return tuple(sorted(one.value for one in wanted if (one.name, one.type) == (name, kind)))


def test_an_authority_may_be_named_above():
    bare = answers.wanted(xmpp_dns_records({"hosts": [{"name": "chat.example.org"}]}, addresses=["192.0.2.1"]))
    asked = compare.questions(bare)
    assert ("example.org", "CAA") in asked
    assert ("org", "CAA") not in asked
    there = {(name, kind): Answer(answers.ANSWERED, _of(bare, name, kind)) for name, kind in asked}
    for one in ("chat.example.org", "example.org"):
        there[one, "CAA"] = Answer(answers.NO_DATA)
    seen = View("192.0.2.99", there, {"example.org": Zone("example.org", {"ns1": there}, ds=True, keys=True)})
    assert [one.name for one in compare.findings(bare, asked, seen, NOW)] == ["caa_absent"]
    there["example.org", "CAA"] = Answer(answers.ANSWERED, ('0 issue "x.example"',))
    assert compare.findings(bare, asked, seen, NOW) == []


DENIED, MOVED = "0 0 0 .", "10 5 5222 old.example.org."


@pytest.mark.parametrize(
    ("record", "value", "level", "consequence"),
    [
        (C2S, DENIED, "fault", "clients do not try"),
        (S2S, DENIED, "fault", "other servers do not try"),
        (C2S_TLS, DENIED, "weak", "clients take the slower way"),
        ("_turn._udp.example.org", DENIED, "weak", "there is no relay"),
        (C2S, MOVED, "fault", "Clients are sent to where the service is not"),
        (S2S, "10 5 5269 old.example.org.", "fault", "Other servers are sent to where the service is not"),
        (C2S_TLS, "5 5 5223 old.example.org.", "weak", "before they try STARTTLS"),
    ],
)
def test_what_stands_in_the_place_of_a_record_has_consequences_of_its_own(record, value, level, consequence):
    (one,) = compare.findings(WANTED, QUESTIONS, view(changed(record, "SRV", value)), NOW)
    assert (one.name, one.level) == ("record_different", level)
    assert consequence in one.consequence
    assert "itself" not in one.consequence


def test_another_address_is_not_none():
    (one,) = compare.findings(WANTED, QUESTIONS, view(changed("xmpp.example.org", "A", "192.0.2.7")), NOW)
    assert one.consequence == "Who looks for xmpp.example.org comes to another machine, or to none."


@pytest.mark.parametrize("value", ["0 5 5223 xmpp.example.org.", "5 1 5223 xmpp.example.org."])
def test_another_priority_or_weight_is_the_choice_of_the_operator(value):
    found = [one.as_dict() for one in compare.findings(WANTED, QUESTIONS, view(changed(C2S_TLS, "SRV", value)), NOW)]
    assert [(one["name"], one["level"]) for one in found] == [("record_ranked", "note")]
    assert not diagnosis.counts(found)
    # and hides nothing of what stands beside it
    both = changed(C2S, "SRV", "0 5 5222 xmpp.example.org.", MOVED)
    assert said(view(both)) == [
        ("record_extra", "fault", f"{C2S} SRV"),
        ("record_ranked", "note", f"{C2S} SRV"),
    ]


def forbidden(
    records: dict[str, tuple[str, ...]], *authority: str, silent: str = ""
) -> list[tuple[str, str, str, str]]:
    """What is said of CAA records at names, by an authority that is to issue."""
    bare = answers.wanted(
        xmpp_dns_records(
            {"hosts": [{"name": "chat.example.org"}], "standard_components": ["muc"]}, addresses=["192.0.2.1"]
        )
    )
    asked = compare.questions(bare, authority)
    there = {(name, kind): Answer(answers.ANSWERED, _of(bare, name, kind)) for name, kind in asked}
    caa = {one: Answer(answers.NO_DATA) for one in asked if one[1] == "CAA"}
    caa.update({(name, "CAA"): Answer(answers.ANSWERED, values) for name, values in records.items()})
    if silent:
        caa[silent, "CAA"] = Answer(answers.FAILED, seen="answers SERVFAIL")
    there.update(caa)
    seen = View("192.0.2.99", there, {"example.org": Zone("example.org", {"ns1": there}, ds=True, keys=True)})
    found = compare.findings(bare, asked, seen, NOW, authority)
    return [(one.level, one.where, one.seen, one.mend) for one in found if one.name == "caa_forbids"]


LE = "letsencrypt.org"


def test_an_authority_that_dns_forbids_is_told_before_it_is_asked():
    elsewhere = ('0 issue "ca.elsewhere.example"',)
    [(level, where, seen, mend)] = forbidden({"example.org": elsewhere}, LE)
    assert (level, where, seen) == ("fault", "example.org CAA", "names ca.elsewhere.example")
    assert mend.startswith('example.org. 3600 IN CAA 0 issue "letsencrypt.org"')
    assert forbidden({"example.org": ('0 issue ";"',)}, LE)[0][2] == "names nobody"
    # nearer records count alone, those of a component too
    assert forbidden({"example.org": elsewhere, "chat.example.org": (f'0 issue "{LE}"',)}, LE) == []
    [(_level, where, _seen, _mend)] = forbidden({"muc.chat.example.org": elsewhere}, LE)
    assert where == "muc.chat.example.org CAA"


@pytest.mark.parametrize(
    ("records", "authority"),
    [
        ((), (LE,)),
        ((f'0 issue "{LE}; validationmethods=http-01"',), (LE,)),
        (('0 issue "ca.example"', f'0 issue "{LE}"'), (LE,)),
        (('0 ISSUE "LetsEncrypt.org"',), (LE,)),
        (('0 iodef "mailto:a@example.org"',), (LE,)),
        (('0 issue "zerossl.com"',), ("sectigo.com", "zerossl.com")),
        (('0 issue "ca.example"',), ()),
    ],
)
def test_an_authority_that_may_issue_or_is_not_known_is_no_finding(records, authority):
    assert forbidden({"example.org": records} if records else {}, *authority) == []


def test_what_is_above_a_silent_name_is_not_taken_for_what_counts():
    assert forbidden({"example.org": ('0 issue "ca.example"',)}, LE, silent="chat.example.org") == []


def test_localhost_is_not_asked_for():
    own = answers.wanted(xmpp_dns_records({"hosts": [{"name": "chat.localhost"}]}, addresses=["127.0.0.1"]))
    found = compare.findings(own, compare.questions(own), View("nobody", {}, {}), NOW)
    assert [(one.name, one.level) for one in found] == [("dns_not_used", "note")]


def test_federation_off_is_said_by_a_record_and_its_absence_is_weak():
    closed = answers.wanted(xmpp_dns_records({**SETTINGS, "federation": False}, addresses=["192.0.2.1"]))
    asked = compare.questions(closed)
    there = {(name, kind): Answer(answers.ANSWERED, _of(closed, name, kind)) for name, kind in asked}
    there["_xmpp-server._tcp.example.org", "SRV"] = Answer(answers.NO_DATA)
    there["_xmpps-server._tcp.example.org", "SRV"] = Answer(answers.ANSWERED, ("5 5 5270 xmpp.example.org.",))
    seen = View("192.0.2.99", there, {"example.org": Zone("example.org", {"ns1": there}, ds=True, keys=True)})
    found = {(one.name, one.level, one.where.split(".")[0]) for one in compare.findings(closed, asked, seen, NOW)}
    assert ("record_missing", "weak", "_xmpp-server") in found
    assert ("record_extra", "fault", "_xmpps-server") in found


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("SRV", "5 5 5223 XMPP.Example.Org.", "5 5 5223 xmpp.example.org."),
        ("TLSA", f"3 1 1 {'AB' * 32}", f"3 1 1 {'ab' * 32}"),
        ("AAAA", "2001:DB8:0::1", "2001:db8::1"),
        ("CAA", '0 issue "Letsencrypt.org"', '0 issue "Letsencrypt.org"'),
    ],
)
def test_records_are_compared_in_one_form(kind, text, value):
    assert answers.canonical(kind, text) == value
    with pytest.raises(answers.RecordError, match="is no"):
        answers.canonical(kind, "nonsense of all")


def test_findings_of_two_runs():
    one = diagnosis.Finding("a", "weak", "x", "seen 5", "text").as_dict()
    worse = {**one, "level": "fault"}
    other = diagnosis.Finding("b", "note", "y\x1b[2J", "seen", "text", "do").as_dict()
    assert other["where"] == "y[2J"
    assert diagnosis.changes([one], [{**one, "seen": "seen 6"}]) == {"new": [], "gone": []}
    assert diagnosis.changes([worse], [one]) == {"new": [worse], "gone": []}
    assert diagnosis.changes([one, other], [worse]) == {"new": [other], "gone": []}
    assert diagnosis.changes([], [one]) == {"new": [], "gone": [one]}
    assert not diagnosis.counts([other])
    assert diagnosis.lines([other])[-1].strip() == "→ do"
    assert diagnosis.from_dict({**one, "more": 1}).as_dict() == one
