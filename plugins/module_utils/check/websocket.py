# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An XMPP stream over WebSocket, as far as its features (RFC 7395)."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import NoReturn
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.https import HttpFailed, endpoint, open_tls
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import CheckFailed, explain, require

try:
    from websockets.client import ClientProtocol
    from websockets.exceptions import InvalidState, InvalidStatus
    from websockets.frames import Close, Frame, Opcode
    from websockets.protocol import CONNECTING
    from websockets.typing import Subprotocol
    from websockets.uri import parse_uri

    MISSING = ""
except ImportError as error:
    MISSING = str(error)

NS_FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
#: more than the features of any server
MOST = 262144


def open_stream(url: str, domain: str, context: ssl.SSLContext, address: str | None, timeout: float) -> ET.Element:
    """Open and close an XMPP stream over WebSocket; returns the stream features.

    Raises HttpFailed, CheckFailed, and XmppError where the library is missing.
    """
    require("websockets", MISSING)
    host, port, _path = endpoint(url)
    with contextlib.closing(open_tls(host, port, address, context, timeout)) as sock:
        try:
            stream = _Stream(sock, url)
            stream.send(f"<open xmlns='{NS_FRAMING}' to='{domain}' version='1.0'/>")
            opened = stream.receive()
            if "open" not in opened[:5]:
                raise HttpFailed("protocol", f"the server answered {opened[:60]!r} instead of <open>")
            features = ET.fromstring(stream.receive())
            stream.send(f"<close xmlns='{NS_FRAMING}'/>")
        except (socket.timeout, TimeoutError):
            raise HttpFailed("timeout", f"no answer within {timeout:g} s") from None
        except OSError as error:
            raise HttpFailed("protocol", f"the connection broke: {explain(error)}") from None
        except ET.ParseError as error:
            raise HttpFailed("protocol", f"the features are not XML: {error}") from None
    return features


class _Stream:
    """Text messages over a connection that is there already (RFC 6455)."""

    def __init__(self, sock: ssl.SSLSocket, url: str) -> None:
        """Open the WebSocket. Raises CheckFailed where it is refused."""
        self._sock, self._url = sock, url
        self._protocol = ClientProtocol(parse_uri(url), subprotocols=[Subprotocol("xmpp")], max_size=MOST)
        self._frames: list[Frame] = []
        request = self._protocol.connect()
        self._protocol.send_request(request)
        self._write()
        while self._protocol.state is CONNECTING and not self._protocol.handshake_exc:
            self._read()
        if failure := self._protocol.handshake_exc:
            self._refuse(failure)
        if self._protocol.subprotocol != "xmpp":
            self._refuse(ValueError("the subprotocol xmpp was not accepted"))

    def _refuse(self, failure: Exception) -> NoReturn:
        seen = str(failure)
        if isinstance(failure, InvalidStatus):
            seen = f"{failure.response.status_code} {failure.response.reason_phrase}"
        elif isinstance(failure.__cause__, EOFError):
            seen = "the server ended the connection during the handshake"
        raise CheckFailed(
            f"upgrading {self._url} to a WebSocket",
            seen,
            "Is mod_websocket loaded, and does the proxy pass Upgrade and Connection?",
        ) from None

    def _write(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._sock.sendall(data)

    def _read(self) -> None:
        """Take in what comes next; pings are answered by the protocol."""
        data = self._sock.recv(65536)
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._write()
        events = self._protocol.events_received()
        self._frames += [event for event in events if isinstance(event, Frame)]
        if not data and not self._protocol.handshake_exc and not self._frames:
            raise HttpFailed("protocol", "the server closed the WebSocket")

    def send(self, text: str) -> None:
        """Send one text message; where the other side has closed, what is received says so."""
        with contextlib.suppress(InvalidState):
            self._protocol.send_text(text.encode())
        self._write()

    def receive(self) -> str:
        """Return the next text message, put together from its fragments."""
        text = b""
        while True:
            while not self._frames:
                if self._protocol.parser_exc:
                    raise HttpFailed("protocol", f"what came is no WebSocket: {self._protocol.parser_exc}")
                self._read()
            frame = self._frames.pop(0)
            if frame.opcode is Opcode.CLOSE:
                raise HttpFailed("protocol", f"the server closed the WebSocket: {Close.parse(frame.data).reason}")
            if frame.opcode in (Opcode.TEXT, Opcode.CONT):
                text += frame.data
                if frame.fin:
                    return text.decode()
