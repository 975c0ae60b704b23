# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/tls/handshake.py against small scripted servers on the loopback interface."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from xml.etree import ElementTree

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import certificate
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import handshake as tls
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import TlsProbeError, read_served
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material

AUTHORITY = material.authority()
LEAF = material.issue(("example.org",), by=AUTHORITY.intermediate)
OPEN = (
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
    " id='1' from='example.org' version='1.0'>"
)
BEFORE = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
AFTER = (
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
    "<mechanism>PLAIN</mechanism></mechanisms></stream:features>"
)
PROCEED = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
UPGRADE = ["<stream:stream", OPEN + BEFORE, "<starttls", PROCEED, "TLS", "<stream:stream", OPEN + AFTER]


class Server:
    """Plays a script once per connection: "<x" waits for input holding it, "TLS" shakes hands, else text to send."""

    def __init__(self, context, script):
        self.context, self.script = context, script
        self.sni: list[str | None] = []
        self.heard, self.connections = "", 0
        context.sni_callback = lambda _socket, name, _context: self.sni.append(name)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                connection, _address = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with contextlib.suppress(OSError):
                self.play(connection)
            connection.close()

    def play(self, connection):
        connection.settimeout(5)
        for step in self.script:
            if step == "TLS":
                connection = self.context.wrap_socket(connection, server_side=True)
            elif step == "wait":
                time.sleep(0.6)
            elif step in ("<stream:stream", "<starttls"):
                text = ""
                while not (step in text and text.endswith(">")):
                    data = connection.recv(4096).decode()
                    if not data:
                        return
                    text += data
                self.heard += text
            else:
                connection.sendall(step if isinstance(step, bytes) else step.encode())
        with contextlib.suppress(OSError):
            connection.recv(1)


@pytest.fixture
def serve(tmp_path):
    servers = []

    def start(script, fullchain=None, alpn=(), issued=LEAF):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(
            *material.write_pair(tmp_path, fullchain or AUTHORITY.fullchain(issued), issued.key_pem())
        )
        if alpn:
            context.set_alpn_protocols(list(alpn))
        servers.append(Server(context, script))
        return servers[-1]

    yield start
    for server in servers:
        server.listener.close()


@pytest.mark.parametrize("service", ["xmpp-client", "xmpp-server"])
def test_starttls_shows_certificate_and_features_after_tls(serve, service):
    server = serve(UPGRADE)
    served = read_served("127.0.0.1", server.port, starttls=service, to="example.org", sni="example.org")
    assert served.certificate == certificate.parse(LEAF.der)
    assert served.protocol == "TLSv1.3"
    assert "AES" in served.cipher or "CHACHA" in served.cipher
    if service == "xmpp-client":
        mechanism = ElementTree.fromstring(served.features).find(".//{urn:ietf:params:xml:ns:xmpp-sasl}mechanism")
        assert mechanism is not None
        assert mechanism.text == "PLAIN"
    else:
        assert served.features == ""
    streams = 2 if service == "xmpp-client" else 1
    assert server.sni == ["example.org"]
    assert server.heard.count(f"xmlns='jabber:{service[5:]}'") == streams
    assert server.heard.count('to="example.org"') == streams


def test_features_may_come_in_pieces_and_the_stream_prefix_is_free(serve):
    other = (OPEN + AFTER).replace("stream:", "s:").replace("xmlns:stream", "xmlns:s")
    server = serve(["TLS", "<stream:stream", *other])
    assert "PLAIN" in read_served("127.0.0.1", server.port, direct="xmpp-client", to="example.org").features


@pytest.mark.parametrize("service", ["xmpp-client", "xmpp-server"])
def test_direct_tls_offers_the_protocol_by_alpn(serve, service):
    server = serve(["TLS", "<stream:stream", OPEN + AFTER], alpn=["xmpp-client", "xmpp-server"])
    served = read_served("127.0.0.1", server.port, direct=service, sni="example.org")
    assert served.alpn == service
    assert ("mechanisms" in served.features) == (service == "xmpp-client")
    assert ('to="example.org"' in server.heard) == (service == "xmpp-client")


def test_plain_tls_asks_for_no_stream(serve):
    server = serve(["TLS"])
    served = read_served("127.0.0.1", server.port, sni="m\u00fcnchen.example")
    assert (served.features, served.alpn) == ("", "")
    assert server.sni == ["xn--mnchen-3ya.example"]


def test_no_server_name_is_sent_unless_given(serve):
    server = serve(["TLS"])
    read_served("127.0.0.1", server.port)
    assert server.sni == [None]


@pytest.mark.skipif(not hasattr(ssl.SSLSocket, "get_unverified_chain"), reason="Python tells the chain from 3.13 on")
def test_the_whole_chain_is_shown(serve):
    complete, bare = serve(["TLS"]), serve(["TLS"], fullchain=LEAF.pem)
    leaf, middle = certificate.parse(LEAF.der), certificate.parse(AUTHORITY.intermediate.der)
    assert read_served("127.0.0.1", complete.port).chain == (leaf, middle)
    assert read_served("127.0.0.1", bare.port).chain == (leaf,)


def test_where_python_cannot_tell_the_chain_the_leaf_stands_for_it(serve, monkeypatch):
    monkeypatch.delattr(ssl.SSLSocket, "get_unverified_chain", raising=False)
    served = read_served("127.0.0.1", serve(["TLS"]).port)
    assert served.chain == (served.certificate,)
    assert not served.chain_known


def test_an_expired_certificate_is_reported_not_refused(serve):
    old = material.issue(not_before=material.NOW - 9 * material.DAY, not_after=material.NOW - material.DAY)
    server = serve(["TLS"], fullchain=old.pem, issued=old)
    assert read_served("127.0.0.1", server.port).certificate.der == old.der


STREAM_ERROR = (
    "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
    "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>no such host</text></stream:error>"
)


@pytest.mark.parametrize(
    ("script", "step", "seen"),
    [
        (["<stream:stream", OPEN + STREAM_ERROR], "stream before TLS", "stream error host-unknown, 'no such host'"),
        (
            ["<stream:stream", OPEN + "<stream:features/>"],
            "stream before TLS",
            "STARTTLS is not offered; features are <",
        ),
        (["<stream:stream", OPEN + "</stream:stream>"], "stream before TLS", "the stream was closed"),
        (["<stream:stream", OPEN + "<message/>"], "stream before TLS", "stream features expected"),
        (["HTTP/1.1 400 Bad Request\r\n\r\n"], "stream before TLS", "not XMPP: b'HTTP/1.1 400"),
        (["<stream:stream", "<!DOCTYPE x [<!ENTITY a 'b'>]>"], "stream before TLS", "a document type"),
        (["<stream:stream", OPEN + "<a>" + "x" * 300000], "stream before TLS", "more than 262144 bytes"),
        ([*UPGRADE[:3], "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"], "STARTTLS", "proceed expected, <"),
        ([*UPGRADE[:4], "not TLS at all, not TLS at all"], "TLS handshake for 'example.org'", "wrong version number"),
        ([*UPGRADE[:6], OPEN + STREAM_ERROR], "stream after TLS", "stream error host-unknown"),
        (["wait"], "stream before TLS", "no answer within 0.4 s"),
        ([*UPGRADE[:3], "wait"], "STARTTLS", "no answer within 0.4 s"),
        ([*UPGRADE[:4], "wait"], "TLS handshake for 'example.org'", "no answer within 0.4 s"),
        ([*UPGRADE[:6], "wait"], "stream after TLS", "no answer within 0.4 s"),
    ],
)
def test_errors_say_where_and_what_was_seen(serve, script, step, seen):
    server = serve(script)
    with pytest.raises(TlsProbeError) as raised:
        read_served("127.0.0.1", server.port, starttls="xmpp-client", to="example.org", sni="example.org", timeout=0.4)
    assert str(raised.value).startswith(f"127.0.0.1 port {server.port}: {step}: {seen}")
    assert raised.value.port == server.port


def test_a_server_that_trickles_does_not_outlast_the_timeout(serve):
    server = serve(["<stream:stream", OPEN, *(("wait", " ") * 20)])
    begun = time.monotonic()
    with pytest.raises(TlsProbeError, match=r"no answer within 0\.9 s"):
        read_served("127.0.0.1", server.port, starttls="xmpp-client", to="example.org", timeout=0.9)
    assert time.monotonic() - begun < 2


def test_a_closed_port_is_named(serve):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TlsProbeError, match=f"^127.0.0.1 port {port}: connecting: connection refused$"):
        read_served("127.0.0.1", port)


def test_a_name_that_does_not_resolve_is_told():
    with pytest.raises(TlsProbeError, match=r"^no\.such\.host\.invalid port 5222: connecting: "):
        read_served("no.such.host.invalid", 5222)


def test_a_connection_closed_at_once_is_told(serve):
    server = serve([])
    server.play = lambda connection: connection.shutdown(socket.SHUT_RDWR)
    with pytest.raises(TlsProbeError, match=r"stream before TLS: the connection was closed|reset by peer"):
        read_served("127.0.0.1", server.port, starttls="xmpp-client", to="example.org")


def test_an_alert_of_the_server_is_told(serve):
    server = serve(["TLS"])
    server.context.sni_callback = lambda *_arguments: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    with pytest.raises(TlsProbeError, match=r"TLS handshake for 'other\.example': tlsv1 unrecognized name"):
        read_served("127.0.0.1", server.port, sni="other.example")


def test_unknown_services_are_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="neither xmpp-client nor xmpp-server"):
        read_served("127.0.0.1", 1, starttls="smtp")


def test_domains_are_escaped(serve):
    server = serve(["TLS", "<stream:stream", OPEN + AFTER])
    tls.read_served("127.0.0.1", server.port, direct="xmpp-client", to="a'b\"c<d>")
    assert 'to="a\'b&quot;c&lt;d&gt;"' in server.heard
