# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server would choose in TLS, asked by a ClientHello alone: versions and groups that OpenSSL here may not have.

The bytes are made and read here (RFC 8446 section 4.1, RFC 5246 section 7.4.1); no key is made, and no handshake ends.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import a_label
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.stream import Stream, StreamError, at_tls

VERSIONS = {0x0301: "TLSv1.0", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
# draft-ietf-tls-ecdhe-mlkem, RFC 8446 section 4.2.7, RFC 7919; in the order in which a client of today asks
GROUPS = {
    0x11EC: "X25519MLKEM768",
    0x11EB: "SecP256r1MLKEM768",
    0x11ED: "SecP384r1MLKEM1024",
    0x001D: "X25519",
    0x0017: "P-256",
    0x0018: "P-384",
    0x0019: "P-521",
    0x001E: "X448",
    0x0100: "ffdhe2048",
}
# a recorded conversation stays closed to who has a quantum computer later
POST_QUANTUM = ("X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024")
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
_CIPHERS_13 = (0x1301, 0x1302, 0x1303)
# with ECDHE and without, AEAD and CBC, signed by RSA and by ECDSA: whatever a server may still take
_CIPHERS = (
    *(0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0x009E, 0x009F),
    *(0xC009, 0xC013, 0xC00A, 0xC014, 0x0033, 0x0039, 0x002F, 0x0035, 0x000A, 0x009C, 0x009D, 0x003C),
)
_SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0603, 0x0806, 0x0601, 0x0807, 0x0203, 0x0201)
_MOST = 65536
_ALERTS = {40: "handshake failure", 47: "illegal parameter", 70: "protocol version", 71: "insufficient security"}


@dataclass(frozen=True)
class Choice:
    """What a server chose. version: such as TLSv1.3; group: of TLS 1.3; alert: why it chose nothing."""

    version: str = ""
    group: str = ""
    alert: str = ""


def client_hello(name: str, version: int, alpn: str = "", random: bytes = b"") -> bytes:
    """Return a record with a ClientHello of one version. TLS 1.3 sends no key, so that a server names its group."""
    modern = version == 0x0304
    extensions = [(0x000B, b"\x01\x00"), (0x000A, _list(tuple(GROUPS))), (0x000D, _list(_SIGNATURES))]
    if name:
        host = a_label(name).encode("ascii")
        entry = b"\x00" + struct.pack("!H", len(host)) + host
        extensions.append((0x0000, struct.pack("!H", len(entry)) + entry))
    if alpn:
        one = bytes([len(alpn)]) + alpn.encode("ascii")
        extensions.append((0x0010, struct.pack("!H", len(one)) + one))
    if modern:
        extensions += [(0x002B, b"\x02\x03\x04"), (0x0033, b"\x00\x00"), (0x002D, b"\x01\x01")]
    else:
        extensions += [(0xFF01, b"\x00"), (0x0017, b"")]
    packed = b"".join(struct.pack("!HH", kind, len(data)) + data for kind, data in extensions)
    ciphers = _list(_CIPHERS_13 if modern else _CIPHERS)
    session = os.urandom(32) if modern else b""
    body = struct.pack("!H", min(version, 0x0303)) + (random or os.urandom(32)) + bytes([len(session)]) + session
    body += ciphers + b"\x01\x00" + struct.pack("!H", len(packed)) + packed
    handshake = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return b"\x16" + struct.pack("!HH", 0x0301, len(handshake)) + handshake


def _list(numbers: Sequence[int]) -> bytes:
    return struct.pack("!H", 2 * len(numbers)) + b"".join(struct.pack("!H", one) for one in numbers)


def read_answer(data: bytes) -> Choice | None:
    """Return what the first record says, nothing while it is not whole; a Choice with an alert for what is no TLS."""
    if len(data) < 5:
        return None
    kind, _version, length = struct.unpack("!BHH", data[:5])
    if kind == 0x15:
        return Choice(alert=_ALERTS.get(data[6], f"alert {data[6]}")) if len(data) >= 7 else None
    if kind != 0x16:
        return Choice(alert="no answer of TLS")
    if len(data) < 5 + length:
        return None
    record = data[5 : 5 + length]
    if len(record) < 39 or record[0] != 0x02:
        return Choice(alert="no answer of TLS")
    return _server_hello(record[4:])


def _server_hello(body: bytes) -> Choice:
    version, random = struct.unpack("!H", body[:2])[0], body[2:34]
    position = 35 + body[34] + 3
    group = ""
    if len(body) >= position + 2:
        end = position + 2 + struct.unpack("!H", body[position : position + 2])[0]
        position += 2
        while position + 4 <= min(end, len(body)):
            kind, length = struct.unpack("!HH", body[position : position + 4])
            value = body[position + 4 : position + 4 + length]
            if kind == 0x002B and len(value) == 2:
                version = struct.unpack("!H", value)[0]
            elif kind == 0x0033 and len(value) >= 2:
                number = struct.unpack("!H", value[:2])[0]
                group = GROUPS.get(number, f"{number:#06x}")
            position += 4 + length
    if random != _RETRY and version == 0x0304 and not group:
        return Choice(VERSIONS[version], alert="no group")
    return Choice(VERSIONS.get(version, f"{version:#06x}"), group)


def ask(stream: Stream, name: str, version: int, alpn: str = "") -> Choice:
    """Ask on a connection where TLS may begin. Never raises: a server that says nothing has chosen nothing."""
    connection = stream.socket
    if connection is None:
        return Choice(alert="not connected")
    data = b""
    try:
        connection.settimeout(stream.timeout)
        connection.sendall(client_hello(name, version, alpn))
        while (choice := read_answer(data)) is None and len(data) < _MOST:
            part = connection.recv(4096)
            if not part:
                return Choice(alert="the connection was closed")
            data += part
    except (socket.timeout, TimeoutError):
        return Choice(alert="no answer")
    except OSError as error:
        return Choice(alert=error.strerror or type(error).__name__)
    return choice or Choice(alert="no answer of TLS")


def choice_at(
    address: str,
    port: int,
    name: str,
    version: int,
    *,
    starttls: str = "",
    direct: str = "",
    to: str = "",
    timeout: float = 5.0,
) -> Choice:
    """What the server at `address`:`port` chooses, on a connection of its own. Never raises.

    starttls, direct, to: as in handshake.read_served. name: the server name to send.
    """
    try:
        with at_tls(address, port, timeout, starttls, to or name) as stream:
            return ask(stream, name, version, direct)
    except StreamError as error:
        return Choice(alert=error.seen)
