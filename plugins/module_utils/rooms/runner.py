# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runner: rooms of a running server, over its admin socket."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import admin_stream
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import (
    AdminCommandFailed,
    AdminSocket,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import quote
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.rooms import lua
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.rooms.model import (
    RoomError,
    RoomState,
    WantedRoom,
    read,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.rooms.planner import Plan

#: bytes of a command that batches are filled up to
_ROOM_FOR = admin_stream.MAX_COMMAND_BYTES - 500


class Rooms:
    """The rooms of the server behind an open admin socket."""

    def __init__(self, socket: AdminSocket) -> None:
        self._socket = socket
        socket.lua(lua.library())

    def states(self, wanted: Sequence[WantedRoom], key: str) -> dict[str, RoomState]:
        """Return JID → state; passwords come as digests under `key`."""
        answer: dict[str, Any] = {}
        for jids in batches([room.jid for room in wanted]):
            answer.update(self._socket.lua_json(f"return ROOMS.read({_json({'jids': jids, 'key': key})})"))
        return read(answer, wanted)

    def apply(self, jid: str, plan: Plan, reason: str = "") -> None:
        """Carry out a plan, all of it or nothing.

        Raises RoomError: naming the room and what the server said; the room is as it was.
        """
        try:
            pieces = list(batches(plan.changes))
        except RoomError as error:
            raise RoomError(f"Room {jid}: {error}") from error
        try:
            if plan.destroy:
                self._socket.lua(f"return ROOMS.destroy({quote(jid)}, {quote(reason)})")
                return
            self._socket.lua(f"return ROOMS.open({quote(jid)}, {'true' if plan.create else 'false'})")
            for changes in pieces:
                self._socket.lua(f"return ROOMS.apply({_json(changes)})")
            self._socket.lua("return ROOMS.commit()")
        except AdminCommandFailed as error:
            why = error.reply.text
            why = why[len("Error: ") :] if why.startswith("Error: ") else why
            raise RoomError(f"Room {jid}: {why}; the room was left as it was.") from error


def batches(items: Sequence[Any]) -> Iterator[list[Any]]:
    """Cut a list into pieces that each fit into one command. Raises RoomError where a single item does not."""
    batch: list[Any] = []
    size = 0
    for item in items:
        length = admin_stream.command_size(_json(item)) + 10
        if length > _ROOM_FOR:
            raise RoomError(
                f"a value takes {length} bytes to send, and Prosody takes {_ROOM_FOR} at a time: shorten it."
            )
        if batch and size + length > _ROOM_FOR:
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += length
    if batch:
        yield batch


def _json(value: Any) -> str:
    """A value as JSON in a Lua string literal."""
    return quote(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
