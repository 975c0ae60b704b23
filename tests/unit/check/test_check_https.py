# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS and WebSocket of the checks against a small TLS server on the loopback interface."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import ssl
import struct
import threading

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import verified_context
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.https import HttpFailed, endpoint, request
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import CheckFailed
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.websocket import open_stream
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material

#: of RFC 6455, 1.3
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
AUTHORITY = material.authority()
LEAF = material.issue(("upload.example.org",), by=AUTHORITY.intermediate)
FEATURES = (
    "<stream:features xmlns:stream='http://etherx.jabber.org/streams'>"
    "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-256</mechanism></mechanisms>"
    "</stream:features>"
)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://Bücher.example/a?b", ("xn--bcher-kva.example", 443, "/a?b")),
        ("wss://[2001:db8::1]:8443", ("2001:db8::1", 8443, "/")),
    ],
)
def test_a_name_is_asked_for_as_dns_has_it(url, place):
    assert endpoint(url) == place


def test_a_name_that_dns_cannot_have_is_no_url():
    with pytest.raises(HttpFailed, match="cannot be used in DNS"):
        endpoint(f"https://{'x' * 64}.example/")


@pytest.fixture
def trusted(tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text(AUTHORITY.root.pem)
    return verified_context(str(path))


@pytest.fixture
def serve(tmp_path):
    """Start a server that hands each TLS connection to a function; returns its port. With tls=False it stays silent."""
    chain, key = material.write_pair(tmp_path / "pair", AUTHORITY.fullchain(LEAF), LEAF.key_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with contextlib.ExitStack() as stack:

        def start(answer, tls=True):
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def run():
                with contextlib.suppress(OSError):
                    plain, _peer = listener.accept()
                    stack.callback(plain.close)
                    if tls:
                        with context.wrap_socket(plain, server_side=True) as sock:
                            answer(sock)

            threading.Thread(target=run, daemon=True).start()
            return listener.getsockname()[1]

        yield start


def head_of(sock):
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(4096)
    return data


def test_a_request_goes_to_the_address_and_names_the_host(serve, trusted):
    heard = []

    def answer(sock):
        data = head_of(sock)
        if b"hello" not in data:
            data += sock.recv(100)
        heard.append(data.decode())
        sock.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX-Seen: yes\r\n\r\nok")

    port = serve(answer)
    url = f"https://upload.example.org:{port}/slot?x=1"
    response = request("PUT", url, trusted, address="127.0.0.1", headers={"X-One": "1"}, body=b"hello", timeout=3)
    assert (response.status, response.body, response.headers["x-seen"]) == (201, b"ok", "yes")
    (seen,) = heard
    assert seen.startswith("PUT /slot?x=1 HTTP/1.1\r\n")
    assert seen.count("Host:") == 1
    assert f"\r\nHost: upload.example.org:{port}\r\n" in seen
    assert "\r\nContent-Length: 5\r\n" in seen
    assert seen.endswith("hello")


def test_a_wrong_name_is_refused(serve, trusted):
    port = serve(lambda sock: None)
    with pytest.raises(HttpFailed, match=r"not valid for example\.org: Hostname mismatch") as caught:
        request("GET", f"https://example.org:{port}/", trusted, address="127.0.0.1", timeout=3)
    assert caught.value.kind == "certificate"


def test_an_unknown_ca_is_refused(serve):
    port = serve(lambda sock: None)
    with pytest.raises(HttpFailed) as caught:
        request("GET", f"https://upload.example.org:{port}/", verified_context(None), address="127.0.0.1", timeout=3)
    assert caught.value.kind == "certificate"


def test_a_port_that_speaks_no_tls_and_one_that_is_closed(serve, trusted):
    port = serve(None, tls=False)
    with pytest.raises(HttpFailed, match="did not speak TLS") as caught:
        request("GET", f"https://upload.example.org:{port}/", trusted, address="127.0.0.1", timeout=0.3)
    assert caught.value.kind == "timeout"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    with pytest.raises(HttpFailed, match="Connection refused") as caught:
        request("GET", f"https://upload.example.org:{closed}/", trusted, address="127.0.0.1", timeout=1)
    assert caught.value.kind == "unreachable"


def test_a_server_that_says_no_http(serve, trusted):
    port = serve(lambda sock: (head_of(sock), sock.sendall(b"SSH-2.0\r\n")))
    with pytest.raises(HttpFailed) as caught:
        request("GET", f"https://upload.example.org:{port}/", trusted, address="127.0.0.1", timeout=2)
    assert caught.value.kind == "protocol"


def frame(text, kind=1, final=True, wide=False):
    data = text if isinstance(text, bytes) else text.encode()
    first = (0x80 if final else 0) | kind
    if wide:
        return struct.pack("!BBQ", first, 127, len(data)) + data
    return (
        struct.pack(
            "!BB" if len(data) < 126 else "!BBH", first, *((len(data),) if len(data) < 126 else (126, len(data)))
        )
        + data
    )


def unmasked(sock, kind=1):
    first, size = struct.unpack("!BB", sock.recv(2))
    assert first == 0x80 | kind
    length = size & 0x7F
    assert size & 0x80
    if length == 126:
        (length,) = struct.unpack("!H", sock.recv(2))
    mask, data = sock.recv(4), b""
    while len(data) < length:
        data += sock.recv(length - len(data))
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(data)).decode()


def upgraded(sock, protocol="xmpp", accept=None):
    head = head_of(sock).decode()
    key = next(line.split(": ")[1] for line in head.split("\r\n") if line.startswith("Sec-WebSocket-Key"))
    digest = accept or base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {digest}\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n"
    ).encode()


def stream(port, context):
    return open_stream(f"wss://upload.example.org:{port}/ws", "example.org", context, "127.0.0.1", 2.0)


def test_a_stream_opens_over_websocket_whatever_the_frames(serve, trusted):
    heard = []

    def answer(sock):
        greeting = upgraded(sock)
        opened = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' id='1'/>"
        # the first frame comes together with the handshake
        sock.sendall(greeting + frame("there?", kind=9) + frame(opened))
        heard.append(unmasked(sock, kind=10))
        heard.append(unmasked(sock))
        sock.sendall(frame(FEATURES[:50], final=False) + frame(FEATURES[50:], kind=0, wide=True))
        heard.append(unmasked(sock))

    features = stream(serve(answer), trusted)
    assert "SCRAM-SHA-256" in [item.text for item in features.iter()]
    assert heard[0] == "there?"
    assert heard[1] == "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.org' version='1.0'/>"


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (lambda sock: (head_of(sock), sock.sendall(b"HTTP/1.1 404 Not Found\r\n\r\n")), CheckFailed, "404 Not Found"),
        (lambda sock: sock.sendall(upgraded(sock, accept="bm8=")), CheckFailed, "Sec-WebSocket-Accept"),
        (lambda sock: sock.sendall(upgraded(sock, protocol="chat")), CheckFailed, "subprotocol"),
        (head_of, CheckFailed, "ended the connection"),
        (lambda sock: sock.sendall(upgraded(sock) + frame(b"\x03\xe8bye", kind=8)), HttpFailed, "closed the WebSocket"),
        (lambda sock: sock.sendall(upgraded(sock) + frame("<html/>")), HttpFailed, "instead of <open>"),
        (lambda sock: (sock.sendall(upgraded(sock)), sock.recv(500), sock.recv(500)), HttpFailed, "no answer within"),
    ],
)
def test_what_is_no_xmpp_over_websocket(serve, trusted, answer, error, text):
    with pytest.raises(error, match=text):
        stream(serve(answer), trusted)
