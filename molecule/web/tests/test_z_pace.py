# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sends without end where browsers come in: others have their turn meanwhile (mod_stanza_pace).

Comes last: no page would show an archive with so much in it.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import socket
import ssl
from collections.abc import Iterator

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import address_of
from ansible_collections.allthingslinux.xmpp.tests.scenario.proxied import Proxied
from ansible_collections.allthingslinux.xmpp.tests.scenario.raw import Raw, raw
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

CONTAINER = os.environ["XMPP_WEB_CONTAINER"]
DOMAIN = "chat.localhost"
PASSWORDS = {"alice": "walks-by-the-sea", "bob": "reads-in-the-tree"}
FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
BOSH = "http://jabber.org/protocol/httpbind"
PING = "<iq xmlns='jabber:client' type='get' id='f{}'><ping xmlns='urn:xmpp:ping'/></iq>"
MESSAGE = f"<message xmlns='jabber:client' type='chat' to='alice@{DOMAIN}/gone'><body>one of many {{}}</body></message>"


class Framed:
    """A WebSocket, to be used as a socket (RFC 7395)."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection, self._seconds = connection, 10.0

    def settimeout(self, seconds: float) -> None:
        self._seconds = seconds

    def sendall(self, said: bytes) -> None:
        """Send all of it in one frame."""
        self._connection.send(said.decode())

    def recv(self, _bytes: int) -> bytes:
        """Out: a frame, nothing where the connection ended. Raises TimeoutError."""
        try:
            return str(self._connection.recv(self._seconds)).encode()
        except ConnectionClosed:
            return b""


class OverWebSocket(Raw):
    def open(self, to: str, namespace: str = "", more: str = "") -> str:
        self.say(f"<open xmlns='{FRAMING}' to='{to}' version='1.0'{more}/>")
        return self.hears("</stream:features>|</stream:error>")


class OverBosh:
    """A session of a browser (XEP-0206). In: somebody's name, or nobody's."""

    def __init__(self, service: Proxied, user: str = "") -> None:
        self._service, self._rid, self._sid = service, 1000, ""
        said = self.say("", f"to='{DOMAIN}' wait='2' hold='1' ver='1.6' xmpp:version='1.0'")
        self._sid = re.findall("[ '\"]sid=['\"]([^'\"]+)", said)[0]
        if user:
            initial = base64.b64encode(f"\0{user}\0{PASSWORDS[user]}".encode()).decode()
            auth = f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{initial}</auth>"
            assert "<success" in self.say(auth) + self.say("")
            self.say("", f"to='{DOMAIN}' xmpp:restart='true'")
            bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
            assert "<jid>" in self.say(f"<iq xmlns='jabber:client' type='set' id='b'>{bind}</iq>")

    def say(self, what: str, more: str = "") -> str:
        """Out: what the server answers to one request."""
        self._rid += 1
        sid = f"sid='{self._sid}'" if self._sid else ""
        body = f"<body xmlns='{BOSH}' xmlns:xmpp='urn:xmpp:xbosh' rid='{self._rid}' {sid} {more}>{what}</body>"
        answer = self._service.ask("/http-bind", "POST", body.encode(), Content_Type="text/xml")
        # who misses one waits for it for ever
        assert answer.status == 200, answer.body
        return answer.body.decode()


@pytest.fixture(scope="module")
def service() -> Proxied:
    return Proxied(CONTAINER, DOMAIN, address_of(CONTAINER))


@pytest.fixture
def other(service) -> Iterator[Raw]:
    """Somebody else, who is signed in."""
    with contextlib.ExitStack() as stack:
        somebody = stack.enter_context(raw(service.address, 5223, DOMAIN))
        somebody.sign_in(DOMAIN, "bob", PASSWORDS["bob"])
        yield somebody


@contextlib.contextmanager
def websocket(address: str) -> Iterator[OverWebSocket]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection((address, 443), 10)
    url = f"wss://{DOMAIN}/xmpp-websocket"
    with connect(url, sock=plain, ssl=context, subprotocols=["xmpp"], max_size=None) as made:
        yield OverWebSocket(Framed(made))


def test_many_messages_in_one_frame_leave_others_their_turn(service, other):
    """A frame is read whole, and its messages are two seconds of work and more."""
    with websocket(service.address) as alice:
        alice.sign_in(DOMAIN, "alice", PASSWORDS["alice"])
        alice.say("".join(map(MESSAGE.format, range(500))) + PING.format("last"))
        longest, whole = other.longest_wait(alice, "id=.flast.")
        # without turns they are the same
        assert longest < whole / 3


def test_what_is_too_much_in_one_frame_waits_and_is_answered(service, other):
    with websocket(service.address) as alice:
        alice.sign_in(DOMAIN, "alice", PASSWORDS["alice"])
        alice.say("".join(map(PING.format, range(700))))
        longest, whole = other.longest_wait(alice, "id=.f699.")
        assert longest < whole / 3
        assert len(set(re.findall("id=.f([0-9]+).", alice.heard))) == 700


@pytest.mark.parametrize("user", ["", "alice"])
def test_a_request_of_a_browser_with_too_much_ends_its_session(service, other, user):
    """Its connection may be that of others, so that it cannot be read slowly."""
    one = OverBosh(service, user)
    said = one.say("".join(map(PING.format, range(2000))))
    for _request in range(50):
        if "policy-violation" in said or "item-not-found" in said:
            break
        said = one.say("")
    assert "policy-violation" in said, said[-300:]
    other.is_through()
