# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in at scripted servers on the loopback interface: how it fails, and that no password is sent in clear."""

from __future__ import annotations

import ast
import asyncio
import inspect
import socket

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import client

ACCOUNT = client.Account("alice@example.org", "open-sesame")
HEAD = (
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
    "id='1' from='example.org' version='1.0'>"
)
PLAIN = (
    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>"
    "<mechanism>SCRAM-SHA-256</mechanism></mechanisms></stream:features>"
)
STARTTLS = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
# what is given the kind of a failure first
GIVERS = ("SignInFailed", "_fail")
PROCEED = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"


def stream_error(condition):
    return f"<stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"


async def attempt(*answers, direct_tls=False, timeout=2.0, close=False):
    """Sign in at a server that sends `answers`, one for each thing it hears: (the error, all it heard)."""
    heard = b""
    over = asyncio.Event()

    async def serve(reader, writer):
        nonlocal heard
        for answer in answers:
            heard += await reader.read(4096)
            writer.write(answer.encode())
        if close:
            writer.close()
        try:
            while data := await reader.read(4096):
                heard += data
        except ConnectionError:
            pass
        over.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(client.SignInFailed) as caught:
            await client.connect(ACCOUNT, "127.0.0.1", port, direct_tls=direct_tls, timeout=timeout)
        await asyncio.wait_for(over.wait(), 5)
    return caught.value, heard


@pytest.mark.parametrize(
    ("answers", "kind", "text"),
    [
        ([HEAD + PLAIN], "no_starttls", "does not offer STARTTLS"),
        ([HEAD + stream_error("host-unknown")], "host_unknown", "host-unknown"),
        ([HEAD + stream_error("undefined-condition")], "no_starttls", "undefined-condition"),
        ([HEAD + stream_error("resource-constraint")], "closed", "resource-constraint"),
        ([HEAD + STARTTLS, PROCEED, "not a handshake"], "tls", "TLS handshake failed"),
        (["220 mail.example.org ESMTP\r\n"], "timeout", "no XMPP stream within"),
    ],
)
def test_how_signing_in_fails(answers, kind, text):
    error, heard = asyncio.run(attempt(*answers))
    assert error.kind == kind
    assert text in str(error)
    assert b"open-sesame" not in heard
    assert b"<auth" not in heard


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        ([], "connected, but no XMPP stream within 0.4 s"),
        ([HEAD], "connected, but no XMPP stream within 0.4 s"),
        ([HEAD + STARTTLS], "the stream opened, but signing in did not end within 0.4 s"),
    ],
)
def test_a_silent_server_is_given_up_on(answers, text):
    error, _heard = asyncio.run(attempt(*answers, timeout=0.4))
    assert (error.kind, str(error)) == ("timeout", text)


def test_a_server_that_hangs_up_is_named_so():
    error, _heard = asyncio.run(attempt(HEAD, close=True))
    assert error.kind == "closed"


def test_direct_tls_at_a_port_that_speaks_no_tls():
    error, heard = asyncio.run(attempt("<stream/>" * 20, direct_tls=True))
    assert error.kind == "tls"
    assert b"open-sesame" not in heard


def test_a_closed_port_is_unreachable():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(client.SignInFailed, match="Connection refused") as caught:
        asyncio.run(client.connect(ACCOUNT, "127.0.0.1", port, timeout=2))
    assert caught.value.kind == "unreachable"


def test_a_name_without_an_address_is_named():
    with pytest.raises(client.SignInFailed, match=r"the name no\.such\.invalid has no address") as caught:
        asyncio.run(client.connect(ACCOUNT, "no.such.invalid", 5222, timeout=5))
    assert caught.value.kind == "unresolved"


def test_a_ca_bundle_that_cannot_be_read_is_named(tmp_path):
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing")
    for path in (str(empty), str(tmp_path / "missing.pem")):
        with pytest.raises(client.SignInFailed, match="cannot be read") as caught:
            client.verified_context(path)
        assert caught.value.kind == "certificate"
        assert path in str(caught.value)


def kinds_given(source):
    """Yield the kinds that the code gives to failures: to SignInFailed and _fail, and to what it calls `kind`."""
    for node in ast.walk(ast.parse(source)):
        values = []
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in GIVERS:
            values = node.args[:1]
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "kind":
            values = [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value]
        yield from (value.value for value in values if isinstance(value, ast.Constant))


def test_every_kind_of_failure_is_known_and_happens():
    """What follows from a kind (the advice of a check) is looked up by it: one that is not in the list has none."""
    assert sorted(set(kinds_given(inspect.getsource(client)))) == sorted(client.KINDS)


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setattr(client, "MISSING", "No module named 'slixmpp'")
    with pytest.raises(client.XmppError, match="pip install slixmpp"):
        asyncio.run(client.connect(ACCOUNT, "127.0.0.1", 1))
