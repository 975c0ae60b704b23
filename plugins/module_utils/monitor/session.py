# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A client of XMPP in as few lines as a round trip needs: SCRAM over STARTTLS, one message, one look into the archive.

Everything blocks, and everything has one deadline. TLS is verified. The client of the checks is another one: it can
do much more, and costs half a second of processor time before it begins.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import socket
import ssl
import time
from collections.abc import Iterator
from typing import cast
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

STREAMS = "{http://etherx.jabber.org/streams}"
TLS = "{urn:ietf:params:xml:ns:xmpp-tls}"
SASL = "{urn:ietf:params:xml:ns:xmpp-sasl}"
BIND = "{urn:ietf:params:xml:ns:xmpp-bind}"
CLIENT = "{jabber:client}"
EXTDISCO = "{urn:xmpp:extdisco:2}"
HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}
_MOST_BYTES = 1048576


class SessionError(XmppError):
    """The session did not come to where it should; the text says at which step and what was seen."""


class Scram:
    """The client's side of SCRAM without channel binding (RFC 5802)."""

    def __init__(self, mechanism: str, user: str, password: str, nonce: str = "") -> None:
        self.hash = HASHES[mechanism]
        self._password = password
        self.nonce = nonce or secrets.token_urlsafe(18)
        self.bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={self.nonce}"
        self._signature = b""

    def first(self) -> str:
        """Out: the first message."""
        return "n,," + self.bare

    def final(self, challenge: str) -> str:
        """In: the server's first message. Out: the answer with the proof. Raises SessionError."""
        fields = dict(part.partition("=")[::2] for part in challenge.split(","))
        try:
            nonce, salt, rounds = fields["r"], base64.b64decode(fields["s"]), int(fields["i"])
        except (KeyError, ValueError) as error:
            raise SessionError(f"signing in: a challenge that is no SCRAM challenge: {error}") from error
        if not nonce.startswith(self.nonce) or nonce == self.nonce:
            raise SessionError("signing in: the server did not add to the nonce")
        salted = hashlib.pbkdf2_hmac(self.hash, self._password.encode(), salt, rounds)
        client_key = hmac.digest(salted, b"Client Key", self.hash)
        without_proof = f"c=biws,r={nonce}"
        message = f"{self.bare},{challenge},{without_proof}".encode()
        signature = hmac.digest(hashlib.new(self.hash, client_key).digest(), message, self.hash)
        proof = bytes(one ^ other for one, other in zip(client_key, signature))
        self._signature = hmac.digest(hmac.digest(salted, b"Server Key", self.hash), message, self.hash)
        return f"{without_proof},p={base64.b64encode(proof).decode()}"

    def prove_server(self, success: str) -> None:
        """In: the server's last message. Raises SessionError unless it knows the account."""
        expected = b"v=" + base64.b64encode(self._signature)
        if not self._signature or not hmac.compare_digest(expected, success.encode()):
            raise SessionError("signing in: the server did not prove that it knows the account")


class Session:
    """A signed-in client. Raises SessionError where that fails; ends with close()."""

    def __init__(
        self, address: str, port: int, jid: str, password: str, context: ssl.SSLContext, timeout: float = 15.0
    ) -> None:
        self.user, self.domain = jid.split("@", 1)
        self.jid = jid
        self._deadline = time.monotonic() + timeout
        self._events: ET.XMLPullParser[ET.Element]
        self._depth = 0
        self._step = "connecting"
        try:
            self._socket = socket.create_connection((address, port), timeout=timeout)
        except OSError as error:
            raise SessionError(f"connecting to {address} port {port}: {error}") from error
        try:
            self._sign_in(password, context)
        except BaseException:
            self._socket.close()
            raise

    def _sign_in(self, password: str, context: ssl.SSLContext) -> None:
        self._step = "STARTTLS"
        if self._open().find(TLS + "starttls") is None:
            raise SessionError("STARTTLS: not offered")
        self._send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        self._expect(TLS + "proceed")
        try:
            self._socket = context.wrap_socket(self._socket, server_hostname=self.domain)
        except (OSError, ValueError) as error:
            raise SessionError(f"TLS: {error}") from error
        self._step = "signing in"
        offered = {element.text for element in self._open().iter(SASL + "mechanism")}
        mechanism = next((name for name in HASHES if name in offered), "")
        if not mechanism:
            raise SessionError(f"signing in: no SCRAM mechanism among {sorted(str(name) for name in offered)}")
        scram = Scram(mechanism, self.user, password)
        self._send(f"<auth xmlns='{SASL[1:-1]}' mechanism='{mechanism}'>{_encoded(scram.first())}</auth>")
        challenge = _decoded(self._expect(SASL + "challenge"))
        self._send(f"<response xmlns='{SASL[1:-1]}'>{_encoded(scram.final(challenge))}</response>")
        scram.prove_server(_decoded(self._expect(SASL + "success")))
        self._open()
        self._step = "binding a resource"
        bound = self.ask(
            "set", "", f"<bind xmlns='{BIND[1:-1]}'><resource>probe-{secrets.token_hex(4)}</resource></bind>"
        )
        self.jid = bound.findtext(f"{BIND}bind/{BIND}jid") or self.jid

    def ask(self, kind: str, to: str, payload: str) -> ET.Element:
        """Send an IQ of `kind` ("get", "set"); in: payload as XML. Out: the answer. Raises SessionError."""
        number = secrets.token_hex(6)
        address = f" to={quoteattr(to)}" if to else ""
        self._send(f"<iq type='{kind}' id='{number}'{address}>{payload}</iq>")
        while True:
            stanza = self.next()
            if stanza.tag == CLIENT + "iq" and stanza.get("id") == number:
                if stanza.get("type") == "error":
                    raise SessionError(f"{self._step}: the server answers {_condition(stanza)}")
                return stanza

    def send_message(self, to: str, body: str, number: str) -> None:
        """Send a chat message."""
        self._step = "sending"
        self._send(f"<message type='chat' to={quoteattr(to)} id='{number}'><body>{escape(body)}</body></message>")

    def wait_for_message(self, body: str) -> None:
        """Wait until a message with this body comes. Raises SessionError."""
        self._step = "receiving"
        while True:
            stanza = self.next()
            if stanza.tag == CLIENT + "message" and stanza.findtext(CLIENT + "body") == body:
                return

    def wait_for_archived(self, body: str) -> None:
        """Ask the own archive (XEP-0313) for its last messages until this body is among them. Raises SessionError."""
        self._step = "reading the archive"
        while True:
            number = secrets.token_hex(6)
            self._send(
                f"<iq type='set' id='{number}'><query xmlns='urn:xmpp:mam:2'>"
                "<set xmlns='http://jabber.org/protocol/rsm'><max>5</max><before/></set></query></iq>"
            )
            found = False
            while True:
                stanza = self.next()
                found = found or any(element.text == body for element in stanza.iter(CLIENT + "body"))
                if stanza.tag == CLIENT + "iq" and stanza.get("id") == number:
                    break
            if stanza.get("type") == "error":
                raise SessionError(f"reading the archive: the server answers {_condition(stanza)}")
            if found:
                return
            time.sleep(0.2)

    def turn_credentials(self) -> tuple[str, str]:
        """Out: user name and password for TURN that the server hands out (XEP-0215). Raises SessionError."""
        self._step = "asking for credentials of TURN"
        answer = self.ask("get", self.domain, f"<services xmlns='{EXTDISCO[1:-1]}' type='turn'/>")
        for service in answer.iter(EXTDISCO + "service"):
            if service.get("username") and service.get("password"):
                return service.get("username", ""), service.get("password", "")
        raise SessionError("asking for credentials of TURN: the server hands out none")

    def close(self) -> None:
        """End the session; whatever goes wrong now is of no interest."""
        try:
            self._socket.settimeout(1.0)
            self._socket.sendall(b"</stream:stream>")
        except OSError:
            pass
        finally:
            self._socket.close()

    def next(self) -> ET.Element:
        """Out: the next element on the level of stanzas. Raises SessionError when none comes in time."""
        received = 0
        while True:
            try:
                for event, element in cast(Iterator[tuple[str, ET.Element]], self._events.read_events()):
                    self._depth += 1 if event == "start" else -1
                    if self._depth == 0:
                        raise SessionError(f"{self._step}: the server ended the stream")
                    if event == "end" and self._depth == 1:
                        if element.tag == STREAMS + "error":
                            raise SessionError(f"{self._step}: stream error {_condition(element)}")
                        return element
                self._socket.settimeout(max(self._deadline - time.monotonic(), 0.001))
                data = self._socket.recv(16384)
            except ET.ParseError as error:
                raise SessionError(f"{self._step}: this is no XMPP: {error}") from error
            except socket.timeout as error:
                raise SessionError(f"{self._step}: no answer in time") from error
            except OSError as error:
                raise SessionError(f"{self._step}: {error}") from error
            received += len(data)
            if not data:
                raise SessionError(f"{self._step}: the server closed the connection")
            if received > _MOST_BYTES or b"<!D" in data or b"<!E" in data:
                raise SessionError(f"{self._step}: more than a stanza may be")
            self._events.feed(data)

    def _open(self) -> ET.Element:
        self._events, self._depth = ET.XMLPullParser(("start", "end")), 0
        self._send(
            f"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='{STREAMS[1:-1]}'"
            f" to={quoteattr(self.domain)} version='1.0'>"
        )
        return self._expect(STREAMS + "features")

    def _expect(self, tag: str) -> ET.Element:
        element = self.next()
        if element.tag != tag:
            raise SessionError(f"{self._step}: the server answers {_condition(element)}")
        return element

    def _send(self, text: str) -> None:
        try:
            self._socket.sendall(text.encode())
        except OSError as error:
            raise SessionError(f"{self._step}: {error}") from error


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decoded(element: ET.Element) -> str:
    try:
        return base64.b64decode(element.text or "").decode()
    except ValueError as error:
        raise SessionError(f"signing in: an answer that is not base64: {error}") from error


def _condition(element: ET.Element) -> str:
    names = [child.tag.rpartition("}")[2] for child in element.iter()]
    return " ".join(name for name in names if name not in ("iq", "bind", "query", "services"))
