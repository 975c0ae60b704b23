# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""STUN and TURN as a client of calls uses them: a binding over UDP or TCP, and a relay with real credentials."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import socket
import struct
from collections.abc import Iterator, Sequence

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError, printable

# RFC 8489 and RFC 8656
COOKIE = 0x2112A442
BINDING, ALLOCATE, REFRESH = 0x0001, 0x0003, 0x0004
SUCCESS, ERROR = 0x0100, 0x0110
USERNAME, INTEGRITY, ERROR_CODE, LIFETIME, REALM, NONCE, RELAYED, TRANSPORT = (
    0x0006,
    0x0008,
    0x0009,
    0x000D,
    0x0014,
    0x0015,
    0x0016,
    0x0019,
)
UDP = struct.pack("!B3x", 17)


class TurnError(XmppError):
    """The server did not answer, or not as it should."""


def message(kind: int, transaction: bytes, attributes: Sequence[tuple[int, bytes]], key: bytes = b"") -> bytes:
    """Out: a STUN message; with MESSAGE-INTEGRITY where a key is given. transaction: 12 bytes."""
    body = b"".join(
        struct.pack("!HH", number, len(value)) + value + b"\0" * (-len(value) % 4) for number, value in attributes
    )
    if key:
        signed = struct.pack("!HHI", kind, len(body) + 24, COOKIE) + transaction + body
        body += struct.pack("!HH", INTEGRITY, 20) + hmac.digest(key, signed, "sha1")
    return struct.pack("!HHI", kind, len(body), COOKIE) + transaction + body


def parse(data: bytes, transaction: bytes) -> tuple[int, dict[int, bytes]]:
    """Out: kind and attributes of the answer. Raises TurnError for what is no answer to this transaction."""
    if len(data) < 20 or data[4:20] != struct.pack("!I", COOKIE) + transaction:
        raise TurnError("an answer that is no STUN answer to what was asked")
    kind, length = struct.unpack("!HH", data[:4])
    attributes: dict[int, bytes] = {}
    position = 20
    while position + 4 <= min(len(data), 20 + length):
        number, size = struct.unpack("!HH", data[position : position + 4])
        attributes.setdefault(number, data[position + 4 : position + 4 + size])
        position += 4 + size + (-size % 4)
    return kind, attributes


def _ask(
    connection: socket.socket, kind: int, attributes: Sequence[tuple[int, bytes]], key: bytes = b""
) -> tuple[int, dict[int, bytes]]:
    transaction = secrets.token_bytes(12)
    request = message(kind, transaction, attributes, key)
    datagrams = connection.type == socket.SOCK_DGRAM
    try:
        for _attempt in range(3 if datagrams else 1):
            connection.sendall(request)
            with contextlib.suppress(socket.timeout):
                return parse(connection.recv(2048), transaction)
    except OSError as error:
        raise TurnError(f"no answer: {error}") from error
    raise TurnError("no answer in time")


def _connect(address: str, port: int, transport: str, timeout: float) -> socket.socket:
    try:
        if transport == "tcp":
            return socket.create_connection((address, port), timeout=timeout)
        family, kind, protocol, _name, place = socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM)[0]
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(timeout / 3)
        connection.connect(place)
    except OSError as error:
        raise TurnError(f"connecting to {address} port {port} over {transport}: {error}") from error
    return connection


def binding(address: str, port: int, transport: str, timeout: float = 5.0) -> None:
    """Ask a STUN server which address it sees. transport: "udp" or "tcp". Raises TurnError when it does not say."""
    with _connect(address, port, transport, timeout) as connection:
        kind, _attributes = _ask(connection, BINDING, [])
        if kind != BINDING | SUCCESS:
            raise TurnError(f"the answer to a binding request is of kind {kind:#06x}")


def refusal(answer: dict[int, bytes]) -> str:
    """What an error says, in words: its number, its reason, and what helps where that is known."""
    code = answer.get(ERROR_CODE, b"")
    number = code[2] * 100 + code[3] if len(code) >= 4 else 0
    # coturn counts the padding as text
    said = printable(code[4:].decode(errors="replace"))
    # RFC 8656 section 7.2: who names no family wants IPv4, and clients of calls name none
    hint = ": it relays no IPv4, see allocation-default-address-family in turnserver.conf" if number == 440 else ""
    return f"error {number} {said}".rstrip() + hint


def open_relay(address: str, port: int, timeout: float = 5.0) -> bool:
    """Whether a relay is given without credentials, which is given back at once. Raises TurnError without an answer."""
    with _connect(address, port, "udp", timeout) as connection:
        kind, _attributes = _ask(connection, ALLOCATE, [(TRANSPORT, UDP)])
        if kind != ALLOCATE | SUCCESS:
            return False
        with contextlib.suppress(TurnError):
            _ask(connection, REFRESH, [(LIFETIME, struct.pack("!I", 0))])
        return True


@contextlib.contextmanager
def relay(address: str, port: int, user: str, password: str, timeout: float = 5.0) -> Iterator[None]:
    """Have a relay over UDP with the credentials, and give it back. Raises TurnError."""
    with _connect(address, port, "udp", timeout) as connection:
        kind, refused = _ask(connection, ALLOCATE, [(TRANSPORT, UDP)])
        if kind != ALLOCATE | ERROR or REALM not in refused or NONCE not in refused:
            raise TurnError("the server does not ask for credentials")
        realm, nonce = refused[REALM], refused[NONCE]
        # RFC 8489 section 9.2.2 prescribes MD5 for this key
        key = hashlib.md5(b":".join((user.encode(), realm, password.encode())), usedforsecurity=False).digest()
        who = [(USERNAME, user.encode()), (REALM, realm), (NONCE, nonce)]
        kind, answer = _ask(connection, ALLOCATE, [(TRANSPORT, UDP), *who], key)
        if kind != ALLOCATE | SUCCESS or RELAYED not in answer:
            raise TurnError("no relay: " + refusal(answer))
        try:
            yield
        finally:
            with contextlib.suppress(TurnError):
                _ask(connection, REFRESH, [(LIFETIME, struct.pack("!I", 0)), *who], key)


def allocate(address: str, port: int, user: str, password: str, timeout: float = 5.0) -> None:
    """Get a relay, and give it back at once. Raises TurnError."""
    with relay(address, port, user, password, timeout):
        pass
