# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A client of XMPP in as few lines as a round trip needs: SCRAM over TLS, one message, one look into the archive.

Everything blocks, and everything has one deadline. TLS is verified. The client of the checks is another one: it can
do much more, and costs half a second of processor time before it begins.
"""

from __future__ import annotations

import base64
import secrets
import ssl
import time
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import a_label
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.scram_client import MECHANISMS, ScramClient
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.stream import STARTTLS, Stream, StreamError

SASL = "{urn:ietf:params:xml:ns:xmpp-sasl}"
BIND = "{urn:ietf:params:xml:ns:xmpp-bind}"
CLIENT = "{jabber:client}"
EXTDISCO = "{urn:xmpp:extdisco:2}"


class SessionError(XmppError):
    """The session did not come to where it should; the text says at which step and what was seen."""


class Session:
    """A signed-in client. Raises SessionError or StreamError where that fails; ends with close().

    direct: TLS from the first byte (XEP-0368), else STARTTLS.
    """

    def __init__(
        self,
        address: str,
        port: int,
        jid: str,
        password: str,
        context: ssl.SSLContext,
        timeout: float = 15.0,
        direct: bool = False,
    ) -> None:
        self.user, self.domain = jid.split("@", 1)
        self.jid = jid
        self._step = "signing in"
        self._stream = Stream(address, port, timeout)
        try:
            self._stream.connect()
            self._secure(context, direct)
            self._sign_in(password)
        except BaseException:
            self._stream.close()
            raise

    def _secure(self, context: ssl.SSLContext, direct: bool) -> None:
        if not direct:
            if self._open().find(f"{{{STARTTLS}}}starttls") is None:
                raise SessionError("STARTTLS: not offered")
            self._stream.start_tls()
        else:  # XEP-0368: at a port that serves others too, this says who is meant
            context.set_alpn_protocols(["xmpp-client"])
        self._stream.handshake(context, a_label(self.domain))

    def _sign_in(self, password: str) -> None:
        offered = {element.text for element in self._open().iter(SASL + "mechanism")}
        mechanism = next((name for name in MECHANISMS if name in offered), "")
        if not mechanism:
            raise SessionError(f"signing in: no SCRAM mechanism among {sorted(str(name) for name in offered)}")
        scram = ScramClient(mechanism, self.user, password)
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
        self._stream.timeout, self._stream.deadline = 1.0, time.monotonic() + 1.0
        try:
            self._stream.send("</stream:stream>", "closing")
        except StreamError:
            pass
        finally:
            self._stream.close()

    def next(self) -> ET.Element:
        """Out: the next element on the level of stanzas. Raises StreamError when none comes in time."""
        return self._stream.next(self._step)

    def _open(self) -> ET.Element:
        return self._stream.open("xmpp-client", self.domain, self._step)

    def _expect(self, tag: str) -> ET.Element:
        element = self.next()
        if element.tag != tag:
            raise SessionError(f"{self._step}: the server answers {_condition(element)}")
        return element

    def _send(self, text: str) -> None:
        self._stream.send(text, self._step)


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
