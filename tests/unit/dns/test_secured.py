# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module dnssec_info: which part DANE lacks, told by the header of two answers; its bytes are read by dnspython."""

from __future__ import annotations

from collections.abc import Mapping

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns import secured
from ansible_collections.allthingslinux.xmpp.plugins.modules import dnssec_info
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner

DOMAIN = "example.org"


@pytest.mark.parametrize(
    ("name", "owner"), [(DOMAIN, "example.org."), ("", "."), ("münchen.example.", "xn--mnchen-3ya.example.")]
)
def test_a_question_is_one(name, owner):
    query = dns.message.from_wire(secured.question(name, 4711))
    assert query.id == 4711
    assert (query.question[0].name.to_text(), query.question[0].rdtype) == (owner, dns.rdatatype.SOA)
    assert query.flags & dns.flags.RD
    assert query.flags & dns.flags.AD
    assert query.ednsflags & dns.flags.DO


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, False),
        ({"flags": dns.flags.AD}, True),
        ({"flags": dns.flags.AD, "rcode": dns.rcode.NXDOMAIN}, True),
        ({"flags": dns.flags.AD, "rcode": dns.rcode.SERVFAIL}, None),
        ({"id": 5}, None),
    ],
)
def test_an_answer_says_whether_it_was_proved(change, said):
    reply = dns.message.make_response(dns.message.from_wire(secured.question(DOMAIN, 4711)))
    reply.id = change.get("id", reply.id)
    reply.flags |= change.get("flags", 0)
    reply.set_rcode(change.get("rcode", dns.rcode.NOERROR))
    assert secured.proved(reply.to_wire(), 4711) is said
    assert secured.proved(secured.question(DOMAIN, 4711), 4711) is None
    assert secured.proved(b"", 4711) is None


@pytest.mark.parametrize(
    ("answers", "lacks"),
    [
        ({DOMAIN: True}, []),
        ({DOMAIN: False, "": True}, ["the zone of example.org is not signed"]),
        ({DOMAIN: False, "": False}, ["does not check signatures"]),
        ({DOMAIN: False, "": None}, ["does not check signatures"]),
    ],
)
def test_which_part_is_missing(answers: Mapping[str, bool | None], lacks):
    seen = secured.look([DOMAIN], ["192.0.2.1", "192.0.2.2"], ask=lambda server, name, _seconds: answers[name])
    found = secured.objections([DOMAIN], seen)
    assert [wanted in text for wanted, text in zip(lacks, found, strict=True)] == [True] * len(lacks)
    assert all("leave prosody_dane off" in text for text in found)


def test_one_of_two_zones_is_not_signed():
    seen = secured.look([DOMAIN, "b.example"], ["::1"], ask=lambda _server, name, _seconds: name == DOMAIN)
    assert [text.split()[3] for text in secured.objections([DOMAIN, "b.example"], seen)] == ["b.example"]


def test_the_next_resolver_is_asked_where_one_is_silent():
    asked = []

    def ask(server: str, _name: str, _seconds: float) -> bool | None:
        asked.append(server)
        return None if server == "192.0.2.1" else True

    assert secured.look([DOMAIN], ["192.0.2.1", "192.0.2.2"], ask=ask).resolver == "192.0.2.2"
    with pytest.raises(secured.NoAnswerError, match="no resolver answered"):
        secured.look([DOMAIN], ["192.0.2.1"], ask=ask)


def test_the_module_says_what_it_does_not_know(monkeypatch, tmp_path):
    silent = module_runner.run(dnssec_info, domains=[DOMAIN], resolvers=["127.0.0.1"], timeout=0.1)
    assert "is not known: no resolver answered: 127.0.0.1" in silent["objections"][0]
    file = tmp_path / "resolv.conf"
    file.write_text("# nothing\nsearch x\nnameserver\n")
    monkeypatch.setattr(secured, "RESOLV_CONF", file)
    assert "none in" in module_runner.run(dnssec_info, domains=[DOMAIN])["objections"][0]
    assert secured.resolvers("nameserver 192.0.2.1\noptions x\nnameserver ::1 # it\n") == ["192.0.2.1", "::1"]
    monkeypatch.setattr(secured, "look", lambda *_args: secured.Secured("192.0.2.1", True, (DOMAIN,)))
    good = module_runner.run(dnssec_info, domains=[DOMAIN], resolvers=["192.0.2.1"])
    assert (good["objections"], good["checks"], good["signed"]) == ([], True, [DOMAIN])
