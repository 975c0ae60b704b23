# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rooms as data: what is wanted (options → WantedRoom) and what there is (the server's answer → RoomState). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import jid as jids

#: XEP-0045 section 5.2; "none" takes an affiliation away
AFFILIATIONS = ("owner", "admin", "member", "outcast", "none")
TEXTS = ("name", "description", "language", "subject")
SETTINGS = (
    *TEXTS,
    "public",
    "persistent",
    "members_only",
    "member_invites",
    "moderated",
    "change_subject",
    "whois",
    "private_messages",
    "history_length",
    "archiving",
)
_LANGUAGE = re.compile(r"(?:[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)?")
# what XML 1.0 cannot carry: clients would be disconnected by it
_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class RoomError(XmppError):
    """A room that is described wrongly, or that the server does not bring into the wanted state."""


@dataclass(frozen=True)
class WantedRoom:
    """A room as declared. settings and affiliations hold only what was given.

    affiliations: bare JID → affiliation. listed: the affiliations whose list was given, which `purge` is about.
    """

    jid: str
    present: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    password: str | None = field(default=None, repr=False)
    affiliations: Mapping[str, str] = field(default_factory=dict)
    listed: frozenset[str] = frozenset()
    purge: bool = False
    reason: str = ""


@dataclass(frozen=True)
class RoomState:
    """A room as it is.

    password: the keyed digest of the one that it has, empty without one. error: why the state is unknown.
    """

    exists: bool
    settings: Mapping[str, Any] = field(default_factory=dict)
    password: str = ""
    affiliations: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


def read(answer: Any, wanted: Sequence[WantedRoom]) -> dict[str, RoomState]:
    """Return JID → state for the rooms that were asked about. Raises RoomError for an answer that is none."""
    try:
        return {room.jid: _state(answer[room.jid]) for room in wanted}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RoomError(
            f"Prosody's answer about its rooms cannot be read ({type(error).__name__}: {error})."
        ) from error


def _state(entry: Mapping[str, Any]) -> RoomState:
    return RoomState(
        exists=bool(entry["exists"]),
        settings=dict(entry.get("settings") or {}),
        password=str(entry.get("password") or ""),
        # an empty Lua table arrives as a list
        affiliations=dict(entry.get("affiliations") or {}),
        error=str(entry.get("error") or ""),
    )


def wanted_rooms(declared: Sequence[Mapping[str, Any]]) -> list[WantedRoom]:
    """Return the declared rooms in their order. Raises RoomError naming all that is wrong with them."""
    rooms: list[WantedRoom] = []
    problems = []
    for options in declared:
        try:
            room = wanted_room(options)
            if any(room.jid == other.jid for other in rooms):
                raise RoomError(f"Room {room.jid} is declared twice; remove one of the two.")
            rooms.append(room)
        except XmppError as error:
            problems.append(str(error))
    if problems:
        raise RoomError(" ".join(problems))
    return rooms


def wanted_room(options: Mapping[str, Any]) -> WantedRoom:
    """Return one room from the options of the module; options that are None were not given. Raises RoomError."""
    if not options.get("jid"):
        raise RoomError("One of the rooms has no jid; write it as jid: room@rooms.example.org.")
    address = jids.parse(options["jid"])
    if not address.local or address.resource:
        raise RoomError(f"{options['jid']!r} is not the address of a room; write it as room@rooms.example.org.")
    settings = {name: options[name] for name in SETTINGS if options.get(name) is not None}
    for name in (name for name in TEXTS if name in settings):
        _check_text(address.bare, name, settings[name])
    password = options.get("password")
    if password is not None:
        _check_text(address.bare, "password", password)
    length = settings.get("history_length", 0)
    if length < 0:
        raise RoomError(f"Room {address.bare}: history_length is {length}; it is a number of messages, 0 or more.")
    return WantedRoom(
        jid=address.bare,
        present=options.get("state", "present") == "present",
        settings=settings,
        password=password,
        affiliations=_affiliations(address.bare, options.get("affiliations") or {}),
        listed=frozenset(kind for kind, members in (options.get("affiliations") or {}).items() if members is not None),
        purge=bool(options.get("purge")),
        reason=options.get("reason") or "",
    )


def _check_text(room: str, name: str, text: str) -> None:
    bad = _NOT_XML.search(text)
    if bad:
        raise RoomError(
            f"Room {room}: the {name} has the character U+{ord(bad.group()):04X} at position {bad.start() + 1}, "
            "which XMPP cannot carry; remove it."
        )
    if len(text.encode("utf-8")) > 4000:
        raise RoomError(f"Room {room}: the {name} has more than 4000 bytes; shorten it.")
    if name == "language" and not _LANGUAGE.fullmatch(text):
        raise RoomError(f"Room {room}: {text!r} is not a language tag; write it as en or de-AT.")


def _affiliations(room: str, declared: Mapping[str, Sequence[str] | None]) -> dict[str, str]:
    """Normalise the lists of JIDs to JID → affiliation. A domain is allowed: it stands for all of its accounts."""
    result: dict[str, str] = {}
    for kind in AFFILIATIONS:
        for text in declared.get(kind) or ():
            try:
                bare = jids.parse(text).bare
            except jids.InvalidJid as error:
                raise RoomError(f"Room {room}, affiliation {kind}: {error}") from error
            if result.get(bare, kind) != kind:
                raise RoomError(f"Room {room}: {bare} is listed as {result[bare]} and as {kind}; remove one of them.")
            result[bare] = kind
    return result
