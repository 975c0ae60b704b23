# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server chooses in TLS, asked by a ClientHello alone; against the OpenSSL that is here."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import hello
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.hello import Choice
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.stream import Stream
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material


@contextlib.contextmanager
def server(tmp_path, oldest: ssl.TLSVersion, newest: ssl.TLSVersion, curve: str = "") -> Iterator[int]:
    """A TLS server of OpenSSL; its port."""
    issued = material.issue(kind="EC")
    file = tmp_path / "pair.pem"
    file.write_text(issued.pem + issued.key_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.minimum_version, context.maximum_version = oldest, newest
    if oldest < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("DEFAULT@SECLEVEL=0")
    if curve:
        context.set_ecdh_curve(curve)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _address = listener.accept()
                    with contextlib.suppress(OSError), connection:
                        connection.settimeout(2)
                        context.wrap_socket(connection, server_side=True)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]


def asked(port: int, version: int, name: str = "example.org", alpn: str = "") -> Choice:
    with Stream("127.0.0.1", port, 3.0) as stream:
        stream.connect()
        return hello.ask(stream, name, version, alpn)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_every_version_is_asked_for_alone(tmp_path):
    with server(tmp_path, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3, "secp384r1") as port:
        assert asked(port, 0x0304) == Choice("TLSv1.3", "P-384")
        assert asked(port, 0x0304, "münchen.example", "xmpp-client") == Choice("TLSv1.3", "P-384")
        assert asked(port, 0x0303) == Choice("TLSv1.2")
        assert asked(port, 0x0301) == Choice(alert="protocol version")
    with server(tmp_path, ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_2) as port:
        assert asked(port, 0x0301) == Choice("TLSv1.0")
        assert asked(port, 0x0302) == Choice("TLSv1.1")
        assert asked(port, 0x0304) == Choice(alert="protocol version")


def test_a_server_that_knows_post_quantum_groups_is_asked_for_them():
    sent = hello.client_hello("example.org", 0x0304, random=b"r" * 32)
    groups = sent.index(b"\x00\x0a", sent.index(b"\x13\x03"))
    assert sent[groups + 6 : groups + 8] == b"\x11\xec", "it is the first that is asked for"
    # a HelloRetryRequest of OpenSSL 3.5 (RFC 8446 section 4.1.4)
    retry = bytes.fromhex(
        "1603030038020000340303cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c00130200000c002b00020304"
        "0033000211ec"
    )
    assert hello.read_answer(retry) == Choice("TLSv1.3", "X25519MLKEM768")
    assert all(hello.read_answer(retry[:length]) is None for length in range(len(retry)))


@pytest.mark.parametrize(
    ("data", "choice"),
    [
        (b"HTTP/1.1 400", Choice(alert="no answer of TLS")),
        (bytes.fromhex("15030100020228"), Choice(alert="handshake failure")),
        (bytes.fromhex("15030100020250"), Choice(alert="alert 80")),
        (bytes.fromhex("160303000401000000"), Choice(alert="no answer of TLS")),
        (b"", None),
    ],
)
def test_other_answers(data, choice):
    assert hello.read_answer(data) == choice


def test_who_says_nothing_has_chosen_nothing():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with Stream("127.0.0.1", port, 0.2) as stream:
            assert hello.ask(stream, "example.org", 0x0304) == Choice(alert="not connected")
            stream.connect()
            assert hello.ask(stream, "example.org", 0x0304) == Choice(alert="no answer")
        with Stream("127.0.0.1", port, 2) as stream:
            stream.connect()
            listener.accept()[0].close()
            connection, _address = listener.accept()
            connection.close()
            assert hello.ask(stream, "example.org", 0x0304).alert in (
                "the connection was closed",
                "Connection reset by peer",
            )
