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
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import declared_options
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.hosts import hosts_of
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import Settings

# The module tells of all rooms at once, so that its own spec leaves this to it
_ROOM = {**ROOM, "jid": {**ROOM["jid"], "required": True}}


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
        unfit, options = declared_options.read(entry.path, entry.values, _ROOM)
        found += unfit
        if unfit:
            continue
        problems = _of_people(options)
        try:
            room = model.wanted_room(options)
        except XmppError as error:
            problems.append(str(error))
        else:
            problems += _of_place(room.jid, services, seen)
            seen.setdefault(room.jid, entry.path)
        found += [f"{entry.path}: {problem}" for problem in problems]
    return found


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
        told = ", ".join(sorted(services)) or "which have none"
        return [f"{domain} is no service for rooms of prosody_hosts and prosody_components ({told})"]
    return []
