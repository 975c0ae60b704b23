# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asking the resolver of a host, without a library: by UDP, and by TCP what does not fit. Only I/O."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Sequence

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns import secured
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns.wire import (
    BadAnswerError,
    Service,
    Voucher,
    question,
    read,
)

_SIZE = 4096


def _whole(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = connection.recv(size - len(found))
        if not part:
            raise BadAnswerError("it ends too early")
        found += part
    return found


def _exchange(server: str, query: bytes, kind: socket.SocketKind, timeout: float, port: int) -> bytes:
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, kind) as connection:
        connection.settimeout(timeout)
        connection.connect((server, port))
        if kind == socket.SOCK_DGRAM:
            connection.send(query)
            return connection.recv(_SIZE)
        connection.sendall(struct.pack("!H", len(query)) + query)  # RFC 7766 section 8
        return _whole(connection, struct.unpack("!H", _whole(connection, 2))[0])


def records(
    name: str, kind: int, servers: Sequence[str] = (), timeout: float = 3.0, port: int = 53
) -> tuple[Service | Voucher, ...]:
    """Return what the first resolver that answers has of one kind; nothing where there is nothing.

    servers: their addresses, those of the host by default. Raises secured.NoAnswerError.
    """
    try:
        known = servers or secured.resolvers(secured.RESOLV_CONF.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise secured.NoAnswerError(f"{secured.RESOLV_CONF} cannot be read: {error.strerror}") from error
    said = ""
    for server in known:
        for _attempt in range(2):
            number = struct.unpack("!H", os.urandom(2))[0]
            query = question(name, number, kind)
            try:
                found = read(_exchange(server, query, socket.SOCK_DGRAM, timeout, port), number)
                if found.cut:
                    found = read(_exchange(server, query, socket.SOCK_STREAM, timeout, port), number)
            except (OSError, BadAnswerError) as error:
                said = f" ({error})"
                continue
            return found.records
    raise secured.NoAnswerError(f"no resolver answers what {name} has: {', '.join(known) or 'there is none'}{said}")
