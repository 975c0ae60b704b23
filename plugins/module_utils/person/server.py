# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runner: what a running server keeps of one person, over its admin socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.person import lua
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminSocket
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_json import readable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import quote
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import Jid

ARCHIVES = ("archive", "offline")
_AT_A_TIME = 50  # uploads that are removed in one command


class PersonError(XmppError):
    """What keeps somebody's data from being taken out or removed."""


@dataclass(frozen=True)
class Message:
    """One message of an archive. at: seconds since 1970; other: with whom; xml: the stanza."""

    key: str
    at: float
    other: str
    xml: str


@dataclass(frozen=True)
class Upload:
    """One uploaded file, and where it lies on the server."""

    host: str
    slot: str
    path: str
    name: str
    size: int
    kind: str
    at: float


def text_of(value: Any) -> Any:
    """Out: a value as the server told it, with its texts readable."""
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, list):
        return [text_of(one) for one in value]
    if isinstance(value, dict):
        return {readable(key): text_of(one) for key, one in value.items()}
    return value


class Person:
    """Everything of one account on the server behind an open admin socket. Raises AdminCommandFailed, PersonError."""

    def __init__(self, socket: AdminSocket, jid: Jid) -> None:
        self._socket, self.jid = socket, jid
        socket.lua(lua.library())
        self.there = bool(self._ask(f"open({quote(jid.local)}, {quote(jid.domain)})")["account"])

    def _ask(self, call: str) -> Any:
        return text_of(self._socket.lua_json(f"return PERSON.{call}"))

    def document(self) -> str:
        """Out: XEP-0227 without archives."""
        return str(self._ask("document()")["xml"])

    def stores(self) -> dict[str, Any]:
        """Out: store → what is in it, without nodes of PEP."""
        return dict(self._ask("stores()") or {})

    def count(self, store: str) -> int:
        """Out: how many messages are in an archive."""
        return int(self._socket.lua(f"return PERSON.count({quote(store)})"))

    def messages(self, store: str) -> Iterator[Message]:
        """Out: the messages of an archive, oldest first. Others are served in between."""
        after = ""
        while page := self._ask(f"page({quote(store)}, {quote(after)})"):
            for key, at, other, xml in page:
                yield Message(key, float(at), other, xml)
            after = page[-1][0]

    def uploads(self) -> list[Upload]:
        """Out: the files that were uploaded."""
        return [Upload(*one) for one in self._ask("uploads()") or []]

    def rooms(self) -> dict[str, str]:
        """Out: room → affiliation in it."""
        return dict(self._ask("rooms()") or {})

    def contacts(self) -> list[Jid]:
        """Out: the accounts of this server that have this one on their roster."""
        return [Jid(user, host) for user, host in self._ask("contacts()") or []]

    def forget_uploads(self, uploads: list[Upload]) -> None:
        """Remove files and what is known of them."""
        for begin in range(0, len(uploads), _AT_A_TIME):
            some = json.dumps([[one.host, one.slot] for one in uploads[begin : begin + _AT_A_TIME]])
            self._ask(f"forget_uploads({quote(some)})")

    def forget_room(self, room: str) -> None:
        """Take the account off the list of members of a room."""
        self._ask(f"forget_room({quote(room)})")

    def forget_contact(self, contact: Jid) -> None:
        """Take the account off somebody's roster; their clients are told."""
        self._ask(f"forget_contact({quote(contact.local)}, {quote(contact.domain)})")

    def delete(self) -> None:
        """Delete the account with all that is stored under its name."""
        self._ask("delete()")
