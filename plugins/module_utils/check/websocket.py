# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An XMPP stream over WebSocket, as far as its features (RFC 7395)."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import secrets
import socket
import ssl
import struct
from typing import NoReturn
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.https import HttpFailed, endpoint, open_tls
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import CheckFailed, explain

NS_FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
WEBSOCKET_KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def open_stream(url: str, domain: str, context: ssl.SSLContext, address: str | None, timeout: float) -> ET.Element:
    """Open and close an XMPP stream over WebSocket; returns the stream features. Raises HttpFailed, CheckFailed."""
    host, port, path = endpoint(url)
    with contextlib.closing(open_tls(host, port, address, context, timeout)) as sock:
        try:
            rest = _upgrade(sock, host, port, path, url)
            frames = _Frames(sock, rest)
            frames.send(f"<open xmlns='{NS_FRAMING}' to='{domain}' version='1.0'/>")
            opened = frames.receive()
            if "open" not in opened[:5]:
                raise HttpFailed("protocol", f"the server answered {opened[:60]!r} instead of <open>")
            features = ET.fromstring(frames.receive())
            frames.send(f"<close xmlns='{NS_FRAMING}'/>")
        except (socket.timeout, TimeoutError):
            raise HttpFailed("timeout", f"no answer within {timeout:g} s") from None
        except OSError as error:
            raise HttpFailed("protocol", f"the connection broke: {explain(error)}") from None
        except ET.ParseError as error:
            raise HttpFailed("protocol", f"the features are not XML: {error}") from None
    return features


def _upgrade(sock: ssl.SSLSocket, host: str, port: int, path: str, url: str) -> bytes:
    """The opening handshake (RFC 6455, 4); returns what came after it."""

    def refuse(seen: str) -> NoReturn:
        raise CheckFailed(
            f"upgrading {url} to a WebSocket",
            seen,
            "Is mod_websocket loaded, and does the proxy pass Upgrade and Connection?",
        )

    key = base64.b64encode(secrets.token_bytes(16)).decode()
    authority = host if port == 443 else f"{host}:{port}"
    sock.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n".encode()
    )
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(4096)
        if not part or len(data) > 65536:
            refuse("the server ended the connection during the handshake")
        data += part
    head, _separator, rest = data.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    if status.split(" ")[1:2] != ["101"]:
        refuse(status)
    headers = {name.strip().lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
    accepted = base64.b64encode(hashlib.sha1((key + WEBSOCKET_KEY).encode()).digest()).decode()
    if headers.get("sec-websocket-accept") != accepted:
        refuse("the Sec-WebSocket-Accept header is wrong")
    if headers.get("sec-websocket-protocol") != "xmpp":
        refuse("the subprotocol xmpp was not accepted")
    return rest


class _Frames:
    """Text frames over a socket (RFC 6455, 5)."""

    def __init__(self, sock: ssl.SSLSocket, rest: bytes) -> None:
        self._sock = sock
        self._data = rest

    def _take(self, count: int) -> bytes:
        while len(self._data) < count:
            part = self._sock.recv(4096)
            if not part:
                raise HttpFailed("protocol", "the server closed the WebSocket")
            self._data += part
        taken, self._data = self._data[:count], self._data[count:]
        return taken

    def send(self, text: str) -> None:
        """One masked text frame of less than 126 or 65536 bytes."""
        data, mask = text.encode(), secrets.token_bytes(4)
        size = struct.pack("!B", 0x80 | len(data)) if len(data) < 126 else struct.pack("!BH", 0xFE, len(data))
        self._sock.sendall(b"\x81" + size + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(data)))

    def receive(self) -> str:
        """The next text message, put together from its fragments; pings and pongs are passed over."""
        text = b""
        while True:
            first, size = struct.unpack("!BB", self._take(2))
            length = size & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", self._take(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", self._take(8))
            payload, kind = self._take(length), first & 0x0F
            if kind == 8:
                raise HttpFailed("protocol", f"the server closed the WebSocket: {payload[2:].decode(errors='replace')}")
            if kind in (0, 1):
                text += payload
                if first & 0x80:
                    return text.decode()
