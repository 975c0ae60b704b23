# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key that no TLSA record names is held back; asked is a real name server, whose bytes dnspython makes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import dns.name
import dns.rcode
import dns.zone
import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns import plain, secured, vouched, wire
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import certificate
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material
from ansible_collections.allthingslinux.xmpp.tests.unit.dns.name_server import NameServer

NAMES = ("example.org", "muc.example.org", "*.example.org")


def leaf(**how) -> certificate.Certificate:
    return certificate.parse(material.issue(**how).der)


OLD, NEW = leaf(), leaf()


def digest(one: certificate.Certificate) -> str:
    return hashlib.sha256(one.public_key).hexdigest()


SRV = """
_xmpp-server._tcp SRV 10 5 5269 xmpp
_xmpps-server._tcp SRV 5 5 5270 xmpp
_xmpp-client._tcp SRV 10 5 5222 xmpp
_xmpps-client._tcp SRV 0 0 0 .
_xmpp-server._tcp.muc SRV 10 5 5269 XMPP
"""


@pytest.fixture
def server() -> Iterator[NameServer]:
    with NameServer("example.org", SRV) as found:
        yield found


def asker(server: NameServer):
    return lambda name, kind: plain.records(name, kind, ["127.0.0.1"], 1.0, server.port)


def tlsa(server: NameServer, *keys: certificate.Certificate, port: int = 5269) -> None:
    for one in keys:
        records = dns.zone.from_text(
            f"$ORIGIN example.org.\n@ 60 IN SOA ns root 1 60 60 60 60\n@ 60 IN NS ns\n"
            f"_{port}._tcp.xmpp 60 IN TLSA 3 1 1 {digest(one)}\n",
            origin="example.org",
            relativize=False,
        )
        name = dns.name.from_text(f"_{port}._tcp.xmpp.example.org")
        there = server.zone.find_rdataset(name, "TLSA", create=True)
        for item in records.find_rdataset(name, "TLSA"):
            there.add(item, 60)


def said(server: NameServer, before=OLD, after=NEW, now=material.NOW) -> str:
    return vouched.held_back(before, after, NAMES, now, asker(server))


def test_others_look_where_srv_records_lead(server):
    found = vouched.owners(NAMES, asker(server))
    assert sorted(found) == [f"_{port}._tcp.xmpp.example.org" for port in (5222, 5269, 5270)]


def test_a_key_that_dns_does_not_name_is_held_back_until_it_does(server):
    assert said(server) == ""  # nobody goes by records that are not there
    tlsa(server, OLD)
    assert said(server).startswith("it has a new key, which _5269._tcp.xmpp.example.org in DNS does not name")
    tlsa(server, NEW)
    assert said(server) == ""
    tlsa(server, OLD, port=5222)
    assert "which _5222._tcp.xmpp.example.org in DNS" in said(server)


def test_there_is_nothing_to_hold_back(server):
    tlsa(server, OLD)
    key = material.issue()
    once, again = (certificate.parse(material.issue(key=key.key).der) for _one in range(2))
    assert once.sha256 != again.sha256
    assert said(server, before=once, after=again) == ""
    assert said(server, before=None) == ""
    over = leaf(not_after=material.NOW - material.DAY, not_before=material.NOW - 3 * material.DAY)
    assert said(server, before=over) == ""


def test_what_is_not_known_is_no_leave(server):
    server.rcode = dns.rcode.SERVFAIL
    assert "whether DNS names it (DANE) is not known: no resolver answers what" in said(server)
    server.rcode, server.deaf = None, True

    def soon(name: str, kind: int):
        return plain.records(name, kind, ["127.0.0.1"], 0.05, server.port)

    assert "is not known" in vouched.held_back(OLD, NEW, NAMES[:1], material.NOW, soon)


def test_what_does_not_fit_into_a_datagram_is_asked_for_again(server, monkeypatch):
    answer = server.answer

    def cut(data):
        reply = answer(data)
        asked.append(len(reply))
        if len(asked) == 1:
            return bytes([*reply[:2], reply[2] | 0x02, *reply[3:12], *reply[12:]])
        return reply

    asked: list[int] = []
    monkeypatch.setattr(server, "answer", cut)
    tlsa(server, OLD, NEW)
    found = asker(server)("_5269._tcp.xmpp.example.org", wire.TLSA)
    assert {one.data for one in found} == {bytes.fromhex(digest(one)) for one in (OLD, NEW)}
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("record", "fits"),
    [
        (wire.Voucher(3, 1, 1, bytes.fromhex(digest(NEW))), True),
        (wire.Voucher(3, 1, 2, hashlib.sha512(NEW.public_key).digest()), True),
        (wire.Voucher(3, 1, 0, NEW.public_key), True),
        (wire.Voucher(3, 0, 1, hashlib.sha256(NEW.der).digest()), True),
        (wire.Voucher(1, 0, 1, hashlib.sha256(NEW.public_key).digest()), False),
        (wire.Voucher(3, 1, 1, bytes.fromhex(digest(OLD))), False),
        (wire.Voucher(3, 1, 7, b""), False),
        (wire.Voucher(2, 1, 1, b"an authority"), True),
    ],
)
def test_a_record_names_a_key_or_a_certificate(record, fits):
    assert vouched.vouches(record, NEW) is fits


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"\0" * 12,
        # a name that leads to itself, and one that ends nowhere
        b"\x12\x67\x80\0\0\0\0\1\0\0\0\0\xc0\x0c" + b"\0" * 10,
        b"\x12\x67\x80\0\0\0\0\1\0\0\0\0\x3fabc",
    ],
)
def test_an_answer_that_is_none_is_refused(bad):
    with pytest.raises(wire.BadAnswerError):
        wire.read(bad, 0x1267)


def test_the_resolvers_of_the_host_are_asked(monkeypatch, tmp_path):
    file = tmp_path / "resolv.conf"
    monkeypatch.setattr(secured, "RESOLV_CONF", file)
    with pytest.raises(secured.NoAnswerError, match="cannot be read"):
        plain.records("example.org", wire.SRV)
    file.write_text("search x\n")
    with pytest.raises(secured.NoAnswerError, match="there is none"):
        plain.records("example.org", wire.SRV)
