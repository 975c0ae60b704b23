# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the checks make of answers that a sound server would not give."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import (
    federation,
    fetch,
    messages,
    transfers,
    upload,
    web,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import Account, Archived
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.https import Response
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import CheckFailed, NotTried
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Component, Stage, Target

ACCOUNTS = (Account("one@example.org", "secret-one"), Account("two@example.org", "secret-two"))
SERVICES = [
    Component("upload.example.org", frozenset({"store/file"}), frozenset({upload.NS_UPLOAD})),
    Component("proxy.example.org", frozenset({"proxy/bytestreams"}), frozenset()),
]


class Client:
    """A session whose queries are answered with prepared XML."""

    timeout = 0.3

    def __init__(self, account, answer="<iq xmlns='jabber:client'/>", archived=()):
        self.account = account
        self.jid = f"{account.jid}/here"
        self.archived = list(archived)
        self._answer = answer
        self.asked = []

    async def query(self, to, payload, kind="get"):
        self.asked.append((to, payload, kind))
        return ET.fromstring(self._answer)

    async def archive(self, **_what):
        return self.archived


def stage_with(*clients, address="127.0.0.1"):
    stage = Stage(Target("example.org", ACCOUNTS, address=address, timeout=0.3))
    stage.sessions.append(clients)
    stage._components = SERVICES
    return stage


# Upload


def slot(put="https://upload.example.org/a/b.txt", get="https://upload.example.org/a/b.txt", headers=""):
    return (
        f"<iq xmlns='jabber:client'><slot xmlns='{upload.NS_UPLOAD}'><put url='{put}'>{headers}</put>"
        f"<get url='{get}'/></slot></iq>"
    )


def uploaded(monkeypatch, answer, put=201, get=200, change=lambda body: body):
    """Run the check: (what it says or its failure, the requests made, the stage)."""
    requests, stored = [], []

    async def send(_stage, method, url, headers, body):
        requests.append((method, url, dict(headers)))
        if method == "PUT":
            stored.append(body)
            return Response(put, {}, b"")
        return Response(get, {}, change(stored[0]))

    monkeypatch.setattr(fetch, "send", send)
    stage = stage_with(Client(ACCOUNTS[0], answer), Client(ACCOUNTS[1]))
    try:
        return asyncio.run(upload.upload(stage)), requests, stage
    except CheckFailed as error:
        return error, requests, stage


def test_an_upload_sends_on_only_the_headers_that_it_may(monkeypatch):
    headers = (
        "<header name='Authorization'>Bearer long-token-\n1234</header><header name='X-Other'>no</header>"
        "<header name='cookie'>c=1</header>"
    )
    seen, requests, stage = uploaded(monkeypatch, slot(headers=headers))
    assert "4096 bytes stored and fetched unchanged" in seen
    assert requests[0][2] == {"Content-Type": "text/plain", "Authorization": "Bearer long-token-1234", "cookie": "c=1"}
    assert "long-token-1234" in stage.secrets


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"answer": slot(put="http://upload.example.org/secret-slot/b.txt")}, ["not https", "http_external_url"]),
        ({"answer": slot(get="ftp://upload.example.org/")}, ["not https"]),
        ({"answer": "<iq xmlns='jabber:client'/>"}, ["not https: missing"]),
        ({"answer": slot(), "put": 403}, ["PUT of 4096 bytes", "HTTP 403", "Authorization"]),
        ({"answer": slot(), "put": 413}, ["HTTP 413", "client_max_body_size"]),
        ({"answer": slot(), "put": 500}, ["HTTP 500", "free space"]),
        ({"answer": slot(), "get": 404}, ["GET", "HTTP 404", "http_external_url"]),
        ({"answer": slot(), "change": lambda body: body[:-1]}, ["4095 bytes that differ", "proxy"]),
        ({"answer": slot(), "change": lambda body: body[::-1]}, ["differ"]),
    ],
)
def test_an_upload_that_does_not_work(monkeypatch, options, words):
    error, _requests, _stage = uploaded(monkeypatch, **options)
    assert isinstance(error, CheckFailed)
    for word in words:
        assert word in str(error)
    assert "secret-slot" not in str(error)


# Archive


def archived(stage, ids=("id-1",), text=None):
    body = f"<message xmlns='jabber:client'><body>{text or stage.marker}</body></message>"
    return [Archived(name, ET.fromstring(body)) for name in ids]


def test_an_archive_is_not_looked_into_before_a_message_was_delivered():
    with pytest.raises(NotTried):
        asyncio.run(messages.archive(stage_with(Client(ACCOUNTS[0]), Client(ACCOUNTS[1]))))


@pytest.mark.parametrize(
    ("received", "sent", "words"),
    [
        ({}, {}, None),
        ({"ids": ()}, {}, "no message under the archive id id-1"),
        ({"ids": ("id-2",)}, {}, "no message under the archive id id-1"),
        ({"text": "another"}, {}, "no message under the archive id id-1"),
        ({}, {"text": "another"}, "not among its newest 1 messages"),
        ({}, {"ids": ()}, "not among its newest 0 messages"),
    ],
)
def test_the_message_must_be_in_both_archives(received, sent, words):
    first, second = Client(ACCOUNTS[0]), Client(ACCOUNTS[1])
    stage = stage_with(first, second)
    stage.archived, stage.archive_id = "two@example.org", "id-1"
    second.archived, first.archived = archived(stage, **received), archived(stage, **sent)
    if words is None:
        assert asyncio.run(messages.archive(stage)) == "read back from both archives, archive id id-1"
    else:
        with pytest.raises(CheckFailed, match=words):
            asyncio.run(messages.archive(stage))


# host-meta


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, b"", "HTTP 404"),
        (200, b"<html>", "not XML"),
        (200, b"<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'/>", "websocket is missing"),
        (
            200,
            b"<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>"
            b"<Link rel='urn:xmpp:alt-connections:websocket' href='ws://example.org:5280/ws'/></XRD>",
            "websocket is ws://example.org:5280/ws",
        ),
    ],
)
def test_host_meta_that_helps_nobody(monkeypatch, status, body, words):
    async def send(*_args):
        return Response(status, {}, body)

    monkeypatch.setattr(fetch, "send", send)
    with pytest.raises(CheckFailed, match=words):
        asyncio.run(web.host_meta(stage_with()))


@pytest.mark.parametrize(("port", "told"), [(443, ""), (5281, "clients ask at 443, which has to lead here")])
def test_host_meta_where_clients_do_not_ask_is_told(monkeypatch, port, told):
    ways = {"websocket": "wss://example.org/ws", "xbosh": "https://example.org/bosh"}
    body = "".join(f"<Link rel='urn:xmpp:alt-connections:{name}' href='{url}'/>" for name, url in ways.items())

    async def send(*_args):
        return Response(200, {}, f"<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>{body}</XRD>".encode())

    monkeypatch.setattr(fetch, "send", send)
    stage = Stage(Target("example.org", ACCOUNTS, address="127.0.0.1", timeout=0.3, ports={"https": port}))
    seen = asyncio.run(web.host_meta(stage))
    assert seen.startswith("wss://example.org/ws")
    assert told in seen
    assert ("5281" in seen) == bool(told)


# Servers that are scripted: each connection gets the answers, one for each thing that is heard


@asynccontextmanager
async def served(*scripts):
    """A port whose n-th connection follows the n-th script: bytes to answer with, or a function of what was heard."""
    left = list(scripts)

    async def serve(reader, writer):
        for step in left.pop(0) if left else ():
            heard = await reader.read(4096)
            writer.write(step(heard) if callable(step) else step)
        await reader.read(4096)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


HEAD = b"<?xml version='1.0'?><stream:stream xmlns='jabber:server' from='example.org' version='1.0'>"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ([HEAD + b"<stream:features/>"], "no STARTTLS offered"),
        ([HEAD + b"<stream:features></stream:features>"], "no STARTTLS offered"),
        ([HEAD + b"<stream:error><host-unknown xmlns='x'/></stream:error>"], "stream error host-unknown"),
        ([b"220 mail.example.org ESMTP\r\n"], "no answer of an XMPP server"),
        (
            [
                HEAD + b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>",
                b"<failure/>",
            ],
            "no answer of an XMPP server",
        ),
        (
            [
                HEAD + b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>",
                b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
                b"no handshake, that much is sure",
            ],
            "TLS handshake failed",
        ),
    ],
)
def test_a_port_for_servers_that_is_none(monkeypatch, script, words):
    async def scenario():
        async with served(script) as port:
            stage = stage_with()
            monkeypatch.setattr(
                stage, "target", Target("example.org", ACCOUNTS, "127.0.0.1", ports={"s2s": port}, timeout=0.5)
            )
            await federation.s2s(stage)

    with pytest.raises(CheckFailed, match=words):
        asyncio.run(scenario())


def socks(reply=0):
    """A relay's part of the SOCKS5 greeting and request."""
    return [b"\x05\x00", lambda heard: b"\x05" + bytes([reply]) + b"\x00" + heard[3:]]


@pytest.mark.parametrize(
    ("scripts", "words"),
    [
        ([[b"\x05\xff"]], "without authentication"),
        ([socks(reply=2)], r"SOCKS5 reply 2"),
        ([socks(), socks()], "nothing came within 0.3 s"),
        ([[*socks(), b"x" * 5000], [*socks(), b"x" * 5000]], "nothing came|other bytes"),
        ([[b"HTTP/1.1 400\r\n"]], "without authentication"),
    ],
)
def test_a_relay_for_files_that_passes_nothing(scripts, words):
    async def scenario():
        async with served(*scripts) as port:
            answer = (
                f"<iq xmlns='jabber:client'><query xmlns='{transfers.NS_BYTESTREAMS}'>"
                f"<streamhost host='proxy.example.org' port='{port}'/></query></iq>"
            )
            await transfers.proxy(stage_with(Client(ACCOUNTS[0], answer), Client(ACCOUNTS[1])))

    with pytest.raises(CheckFailed, match=words):
        asyncio.run(scenario())


def test_a_relay_that_names_no_address():
    with pytest.raises(CheckFailed, match="it names none"):
        asyncio.run(transfers.proxy(stage_with(Client(ACCOUNTS[0]), Client(ACCOUNTS[1]))))


def test_bytes_that_are_changed_on_the_way():
    async def swapping(connections):
        """Hands on what comes in, the bits turned over."""

        async def serve(reader, writer):
            for step in socks():
                heard = await reader.read(4096)
                writer.write(step(heard) if callable(step) else step)
            connections.append(SimpleNamespace(reader=reader, writer=writer))
            index = len(connections) - 1
            while data := await reader.read(4096):
                connections[1 - index].writer.write(bytes(byte ^ 0xFF for byte in data))

        return await asyncio.start_server(serve, "127.0.0.1", 0)

    async def scenario():
        server = await swapping([])
        async with server:
            port = server.sockets[0].getsockname()[1]
            answer = (
                f"<iq xmlns='jabber:client'><query xmlns='{transfers.NS_BYTESTREAMS}'>"
                f"<streamhost host='proxy.example.org' port='{port}'/></query></iq>"
            )
            await transfers.proxy(stage_with(Client(ACCOUNTS[0], answer), Client(ACCOUNTS[1])))

    with pytest.raises(CheckFailed, match="other bytes came out"):
        asyncio.run(scenario())
