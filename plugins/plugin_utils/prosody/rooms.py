# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rooms that the settings of role prosody declare: all that is wrong with them, before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.rooms import model
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.rooms.spec import ROOM
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import types
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import declared_options
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.hosts import hosts_of
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import Settings


def room_problems(values: Mapping[str, Any]) -> list[str]:
    """Return one line for each thing that is wrong with the declared rooms, never with a password in it."""
    settings = Settings(values)
    entries = settings.entries("rooms")
    if not entries:
        return []
    services = {host.name for host in hosts_of(settings) if host.module == "muc"}
    found: list[str] = []
    seen: dict[str, str] = {}
    for entry in entries:
        problems, options = _of_options(entry.values)
        if not problems:
            try:
                room = model.wanted_room(options)
            except XmppError as error:
                problems = [str(error)]
            else:
                problems = _of_place(room.jid, services, seen)
                seen.setdefault(room.jid, entry.path)
        found += [f"{entry.path}: {problem}" for problem in problems]
    return found


def _of_options(options: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """Out: what is wrong with the names and types of a room's options, and them as that module reads them."""
    if unknown := declared_options.unknown(options, ROOM, "a room"):
        return unknown, {}
    problems = [
        line
        for name, value in options.items()
        if value is not None
        for line in types.problems(str(name), value, ROOM[name], lambda _value: "")
    ]
    if problems:
        return problems, {}
    # values fit by now, so nothing of them is in what it says
    problems, read = declared_options.read(options, ROOM)
    return problems or _of_people(options), read


def _of_people(options: Mapping[str, Any]) -> list[str]:
    """Whole servers may be members or kept out, but do not own a room or look after it."""
    people = options.get("affiliations") or {}
    return [
        f"affiliations.{kind}[{index}] is no account: write it with its domain, as in alice@example.org"
        for kind in ("owner", "admin")
        for index, jid in enumerate(people.get(kind) or [])
        if "@" not in jid
    ]


def _of_place(jid: str, services: set[str], seen: Mapping[str, str]) -> list[str]:
    if jid in seen:
        return [f"{jid} is already declared by {seen[jid]}"]
    domain = jid.rpartition("@")[2]
    if domain not in services:
        return [f"{domain} is no service for rooms of this server ({', '.join(sorted(services)) or 'which has none'})"]
    return []
