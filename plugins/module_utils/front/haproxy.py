# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The haproxy in front of several servers: which of them it hands clients to, and which are drained.

A server is one host of Prosody; it stands in a backend for each kind of connection. Commands and columns are those of
haproxy's management guide, section 9.3.
"""

from __future__ import annotations

import csv
import io
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

SOCKET = "/run/haproxy/xmpp.sock"
PREFIX = "xmpp_"
"""Of the backends that are ours."""

_CHECKS = "xmpp_check_"
# of "show servers state": srv_admin_state of one that is drained by command, srv_op_state of one that answers
_DRAINED = 0x08
_RUNNING = 2


class HaproxyError(XmppError):
    """haproxy cannot be asked, or refuses."""


@dataclass(frozen=True)
class Place:
    """A server in one backend. line: as the file of states has it. open: connections that it has now."""

    backend: str
    server: str
    drained: bool
    up: bool
    line: str
    open: int = 0

    @property
    def is_check(self) -> bool:
        """Whether this is where haproxy looks whether the server answers; nobody is handed on there."""
        return self.backend.startswith(_CHECKS)


def name_of(host: str) -> str:
    """What a host is called in the configuration, whose names have fewer characters."""
    return re.sub("[^A-Za-z0-9_.-]", "_", host)


def ask(command: str, path: str = SOCKET, timeout: float = 5.0) -> str:
    """What haproxy answers to a command of one line. Raises HaproxyError."""
    found = b""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect(path)
            connection.sendall(command.encode() + b"\n")
            while piece := connection.recv(65536):
                found += piece
    except OSError as error:
        raise HaproxyError(f"haproxy was asked at {path}: {error}. Does it run? systemctl status haproxy") from error
    return found.decode("utf-8", "replace")


def read_places(states: str, statistics: str) -> list[Place]:
    """Our servers in the order of the configuration, from `show servers state` and `show stat`. Raises HaproxyError."""
    lines = [line for line in states.splitlines() if line.strip()]
    header = next((line[1:].split() for line in lines if line.startswith("#")), None)
    if lines[:1] != ["1"] or header is None:
        raise HaproxyError("haproxy tells the states of its servers in a form that is not known")
    rows = csv.DictReader(io.StringIO(statistics.removeprefix("# ")))
    open_now = {(row["pxname"], row["svname"]): int(row["scur"] or 0) for row in rows}
    found = []
    for line in lines:
        row = dict(zip(header, line.split()))
        if line.startswith("#") or not row.get("be_name", "").startswith(PREFIX):
            continue
        place = (row["be_name"], row["srv_name"])
        drained = bool(int(row["srv_admin_state"]) & _DRAINED)
        found.append(Place(*place, drained, int(row["srv_op_state"]) == _RUNNING, line, open_now.get(place, 0)))
    return found


def commands(places: Sequence[Place], server: str, drained: bool) -> list[str]:
    """What haproxy must be told for a server to be drained, or not. Raises HaproxyError for one that it has not."""
    mine = [place for place in places if place.server == server]
    if not mine:
        known = ", ".join(sorted({place.server for place in places})) or "none"
        raise HaproxyError(f"haproxy has no server {server}. It has: {known}")
    state = "drain" if drained else "ready"
    return [
        f"set server {place.backend}/{place.server} state {state}"
        for place in mine
        if place.drained != drained and not place.is_check
    ]


def drained_file(states: str, places: Sequence[Place]) -> str:
    """What haproxy has to read when it starts, so that who is drained stays so; "" where nobody is."""
    kept = [place.line for place in places if place.drained and not place.is_check]
    heading = [line for line in states.splitlines() if line.startswith("#")][:1]
    return "\n".join(["1", *heading, *kept, ""]) if kept else ""


def summary(places: Sequence[Place]) -> dict[str, dict[str, Any]]:
    """Server → open (connections), drained, up (as its check says)."""
    found: dict[str, dict[str, Any]] = {}
    for place in places:
        one = found.setdefault(place.server, {"open": 0, "drained": False, "up": False})
        one["open"] += place.open
        one["drained"] |= place.drained
        one["up"] |= place.is_check and place.up
    return found
