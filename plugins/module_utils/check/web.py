# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ways in for browsers: host-meta, WebSocket, BOSH."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import secrets
import socket
import ssl
import struct
from typing import NoReturn
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import upload
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import NS_SASL
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.https import HttpFailed, endpoint, open_tls
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import CheckFailed, explain
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Stage

NS_XRD = "http://docs.oasis-open.org/ns/xri/xrd-1.0"
NS_BOSH = "http://jabber.org/protocol/httpbind"
NS_FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
REL_WEBSOCKET = "urn:xmpp:alt-connections:websocket"
REL_BOSH = "urn:xmpp:alt-connections:xbosh"
WEBSOCKET_KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def links(stage: Stage) -> dict[str, str]:
    """rel → URL out of host-meta (XEP-0156), asked once. Raises CheckFailed."""
    if stage.links is None:
        stage.links = {}
        stage.links = await _host_meta(stage)
    return stage.links


async def _host_meta(stage: Stage) -> dict[str, str]:
    port = stage.target.ports["https"]
    url = f"https://{stage.target.domain}:{port}/.well-known/host-meta"
    look = "Is http_altconnect loaded (websocket and bosh do it) and does the proxy pass /.well-known/host-meta?"
    answer = await upload.send(stage, "GET", url, {}, None)
    if answer.status != 200:
        raise CheckFailed(f"GET {url}", f"HTTP {answer.status}", look)
    try:
        document = ET.fromstring(answer.body)
    except ET.ParseError as error:
        raise CheckFailed(f"GET {url}", f"not XML: {error}", look) from None
    return {link.get("rel", ""): link.get("href", "") for link in document.iter(f"{{{NS_XRD}}}Link")}


async def host_meta(stage: Stage) -> str:
    """host-meta names the WebSocket and the BOSH endpoint, both over TLS."""
    found = await links(stage)
    attempted = f"reading the connection methods in host-meta of {stage.target.domain}"
    methods = {"websocket": (REL_WEBSOCKET, "wss://"), "bosh": (REL_BOSH, "https://")}
    wanted = [method for name, method in methods.items() if name not in stage.target.without]
    for rel, scheme in wanted:
        if not found.get(rel, "").startswith(scheme):
            raise CheckFailed(
                attempted,
                f"{rel.rpartition(':')[2]} is {found.get(rel) or 'missing'}",
                f"It must start with {scheme}: look at websocket and bosh in modules_enabled, and at http_external_url",
            )
    return ", ".join(found[rel] for rel, _scheme in wanted)


async def _endpoint_of(stage: Stage, rel: str, default: str) -> str:
    """The URL that host-meta names, else the one Prosody has by default."""
    with contextlib.suppress(CheckFailed):
        found = (await links(stage)).get(rel, "")
        if found.startswith(("https://", "wss://")):
            return found
    return default


def _authority(stage: Stage) -> str:
    return f"{stage.target.domain}:{stage.target.ports['https']}"


async def bosh(stage: Stage) -> str:
    """A BOSH session opens and offers SCRAM (XEP-0206)."""
    url = await _endpoint_of(stage, REL_BOSH, f"https://{_authority(stage)}/http-bind")
    rid = secrets.randbelow(1 << 40) + 1
    domain = stage.target.domain
    head = {"Content-Type": "text/xml; charset=utf-8"}
    opening = (
        f"<body xmlns='{NS_BOSH}' rid='{rid}' to='{domain}' xml:lang='en' wait='5' hold='1' ver='1.6' "
        "xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'/>"
    )
    answer = await upload.send(stage, "POST", url, head, opening.encode())
    attempted, look = f"POST {url}", "Is mod_bosh loaded for the host, and does the proxy pass this path?"
    if answer.status != 200:
        raise CheckFailed(attempted, f"HTTP {answer.status}", look)
    try:
        body = ET.fromstring(answer.body)
    except ET.ParseError as error:
        raise CheckFailed(attempted, f"not XML: {error}", look) from None
    session = body.get("sid", "")
    if not session:
        raise CheckFailed(attempted, f"no session: {body.get('condition') or body.get('type') or 'no sid'}", look)
    closing = f"<body xmlns='{NS_BOSH}' rid='{rid + 1}' sid='{session}' type='terminate'/>"
    await upload.send(stage, "POST", url, head, closing.encode())
    return f"{url}: session opened, {_scram_in(body, attempted)} offered"


def _scram_in(features: ET.Element, attempted: str) -> str:
    offered = [item.text or "" for item in features.iter(f"{{{NS_SASL}}}mechanism")]
    scram = sorted(name for name in offered if name.startswith("SCRAM-"))
    if not scram:
        raise CheckFailed(
            attempted,
            f"no SCRAM among the mechanisms offered: {', '.join(offered) or 'none'}",
            "Behind a proxy: does it pass X-Forwarded-Proto, and is it in trusted_proxies?",
        )
    return ", ".join(scram)


async def websocket(stage: Stage) -> str:
    """A WebSocket upgrades, an XMPP stream opens in it and offers SCRAM (RFC 7395)."""
    url = await _endpoint_of(stage, REL_WEBSOCKET, f"wss://{_authority(stage)}/xmpp-websocket")
    try:
        features = await asyncio.to_thread(
            open_stream, url, stage.target.domain, stage.context(), stage.http_address(), stage.target.timeout
        )
    except HttpFailed as error:
        raise CheckFailed(f"opening {url}", str(error), upload.advice(error.kind, url)) from None
    return f"{url}: stream opened, {_scram_in(features, f'opening {url}')} offered"


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
