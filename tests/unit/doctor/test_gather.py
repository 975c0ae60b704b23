# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the doctor reads out of answers, and xmpp_doctor where nobody answers. Real servers are in scenario acme."""

from __future__ import annotations

import socket
import socketserver
import threading
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns import ask
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns.answers import ANSWERED, NO_DATA, Answer
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.doctor import gather, session
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.doctor.facts import Port, Relay
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.stream import StreamError
from ansible_collections.allthingslinux.xmpp.plugins.modules import xmpp_doctor
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner
from ansible_collections.allthingslinux.xmpp.tests.unit.dns.name_server import NameServer

QUERY = "<iq xmlns='jabber:client' type='result'><query xmlns='jabber:iq:register'>%s</query></iq>"


@pytest.mark.parametrize(
    ("answer", "means"),
    [
        (QUERY % "<username/><password/>", "open"),
        (QUERY % "<username/><password/><x xmlns='jabber:x:data'><field var='username'/></x>", "open"),
        (QUERY % "<username/><password/><x xmlns='jabber:x:data'><field var='ocr'/></x>", "form"),
        (QUERY % "<username/><password/><key/>", "form"),
        (QUERY % "<instructions/><x xmlns='jabber:x:oob'/>", "form"),
        (QUERY % "<username/><password/><email/>", "open"),
        ("<iq xmlns='jabber:client' type='error'/>", "closed"),
    ],
)
def test_how_accounts_are_made(answer, means):
    assert gather.registration(ET.fromstring(answer)) == means


def test_contact_addresses_of_a_domain():
    info = ET.fromstring(
        "<query xmlns='http://jabber.org/protocol/disco#info'><x xmlns='jabber:x:data' type='result'>"
        "<field var='FORM_TYPE'><value>http://jabber.org/network/serverinfo</value></field>"
        "<field var='abuse-addresses'><value>mailto:a@example.org</value><value>xmpp:a@example.org</value></field>"
        "<field var='admin-addresses'/></x><x xmlns='jabber:x:data'><field var='FORM_TYPE'><value>other</value></field>"
        "<field var='x-addresses'><value>1</value></field></x></query>"
    )
    assert session.contacts_in(info) == {"abuse": ("mailto:a@example.org", "xmpp:a@example.org")}


def test_where_a_service_is_looked_for():
    none = Answer(NO_DATA)
    srv = {f"{record}.example.org": none for record, *_more in gather.SERVICES.values()}
    assert list(gather._places("example.org", srv)) == [
        ("c2s", "example.org", 5222, False),
        ("s2s", "example.org", 5269, False),
    ]
    srv["_xmpp-client._tcp.example.org"] = Answer(ANSWERED, ("20 0 5222 b.example.org.", "5 0 5322 a.example.org."))
    srv["_xmpp-server._tcp.example.org"] = Answer(ANSWERED, ("0 0 0 .",))
    srv["_xmpps-client._tcp.example.org"] = Answer(ANSWERED, ("5 0 443 a.example.org.",))
    assert list(gather._places("example.org", srv)) == [
        ("c2s", "a.example.org", 5322, True),
        ("c2s", "b.example.org", 5222, True),
        ("c2s_tls", "a.example.org", 443, True),
    ]


def test_relays_are_asked_at_each_kind_of_address():
    srv = {"_turn._udp.example.org": Answer(ANSWERED, ("5 0 3478 t.example.org.",))}
    addresses = {"t.example.org": ("192.0.2.1", "192.0.2.2", "2001:db8::1")}
    found = gather._relay_places(srv, list(srv), addresses, True)
    assert [(one.service, one.address) for one in found] == [("turn/udp", "192.0.2.1"), ("turn/udp", "2001:db8::1")]
    assert len(gather._relay_places(srv, list(srv), addresses, False)) == 1


def test_relays_that_are_handed_out_are_looked_at_once(monkeypatch):
    monkeypatch.setattr(gather, "_relay", lambda relay, _seconds: relay)
    monkeypatch.setattr(gather, "has_ipv6", lambda: False)
    asker = ask.Asker(())
    monkeypatch.setattr(asker, "addresses", lambda name: ["192.0.2.1", "2001:db8::1"])
    services = [("turn/udp", "t.example", 3478), ("turn/udp", "192.0.2.9", 3478), ("other/x", "t.example", 1)]
    known = [Relay("turn/udp", "t.example", 3478, "192.0.2.1")]
    found = gather.handed_out(services, [], asker, 1.0)
    assert [(one.target, one.address) for one in found] == [("t.example", "192.0.2.1"), ("192.0.2.9", "192.0.2.9")]
    assert [one.target for one in gather.handed_out(services, known, asker, 1.0)] == ["192.0.2.9"]


def test_a_port_that_nobody_has(unused_port):
    seen = gather.look_at(Port("c2s", "x", unused_port, "127.0.0.1"), "example.org", None, 1.0)
    assert (seen.step, seen.seen, seen.good) == ("connecting", "connection refused", False)
    assert not gather._relay(Relay("turn/tcp", "x", unused_port, "127.0.0.1"), 0.2).answers


class Listening:
    """Takes connections, notes what each begins with, and says that it does not serve that."""

    REFUSED = (
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
        "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
    )

    def __init__(self):
        self.heard = []

    def __enter__(self):
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                outer.heard.append(self.request.recv(4096).decode())
                self.request.sendall(outer.REFUSED.encode())

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exception):
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self):
        return self._server.server_address[1]


def test_streams_are_opened_to_a_domain_as_addresses_have_it():
    with Listening() as server:
        port = Port("c2s", "x", server.port, "127.0.0.1")
        assert "host-unknown" in gather.look_at(port, "xn--bcher-kva.example", None, 5.0).seen
        gather._trust(port, "xmpp-client", True, "xn--bcher-kva.example", None, 5.0)
        gather._registration(replace(port, registers=True), "xn--bcher-kva.example", 5.0)
    assert len(server.heard) == 3
    for heard in server.heard:
        assert "to='bücher.example'" in heard.replace('"', "'")


def test_what_tls_is_asked_for_stays_as_certificates_have_it(monkeypatch):
    asked = []

    def served(*_where, **how):
        asked.append((how["sni"], how["to"]))
        raise StreamError("127.0.0.1", 1, "TLS", "enough")

    monkeypatch.setattr(gather, "read_served", served)
    gather.look_at(Port("c2s_tls", "x", 1, "127.0.0.1"), "xn--bcher-kva.example", None, 1.0)
    assert asked == [("xn--bcher-kva.example", "bücher.example")]


@pytest.fixture
def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_domain_of_which_there_are_records_alone(unused_port):
    records = f"@ A 127.0.0.1\n_xmpp-client._tcp SRV 5 5 {unused_port} x\nx A 127.0.0.1\n"
    with NameServer("example.org", records) as server:
        found = module_runner.run(
            xmpp_doctor, domain="example.org", resolvers=[server.place], servers=[server.place], timeout=0.5
        )
    names = {one["name"]: one["where"] for one in found["findings"]}
    assert "127.0.0.1" in names["port_unreached"]
    assert names["record_missing"] == "_xmpp-server._tcp.example.org SRV"
    assert {"no_ipv6", "caa_absent", "dnssec_absent", "host_meta_unreached"} <= set(names)
    assert found["seen"]["account"] == "not given"
    assert any("→" in line for line in found["lines"])


def test_nobody_to_ask(monkeypatch):
    monkeypatch.setattr(ask, "of_this_machine", lambda: ())
    found = module_runner.run(xmpp_doctor, domain="münchen.example", account="a@münchen.example", password="x")
    assert [one["name"] for one in found["findings"]] == ["dns_unreached"]
    assert "CA bundle" in module_runner.run(xmpp_doctor, domain="example.org", ca="/nonexistent")["msg"]
    assert "required together" in module_runner.run(xmpp_doctor, domain="example.org", account="a@b")["msg"]
