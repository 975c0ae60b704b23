# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rooms that the settings of role prosody declare: all that is wrong with them, before anything is changed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.rooms import model
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.rooms.spec import ROOM
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
        problems = _of_options(entry.values)
        if not problems:
            try:
                room = model.wanted_room(entry.values)
            except XmppError as error:
                problems = [str(error)]
            else:
                problems = _of_place(room.jid, services, seen)
                seen.setdefault(room.jid, entry.path)
        found += [f"{entry.path}: {problem}" for problem in problems]
    return found


def _of_options(options: Mapping[str, Any]) -> list[str]:
    unknown = [str(name) for name in options if name not in ROOM]
    if unknown:
        return [_unknown(name) for name in unknown]
    # that module reads it so as well; what it says of a value names the option
    return [str(message) for message in ArgumentSpecValidator(ROOM).validate(dict(options)).error_messages]


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, list(ROOM), n=1, cutoff=0.6)
    advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(ROOM))}"
    return f"a room has no {name}: {advice}"


def _of_place(jid: str, services: set[str], seen: Mapping[str, str]) -> list[str]:
    if jid in seen:
        return [f"{jid} is already declared by {seen[jid]}"]
    domain = jid.rpartition("@")[2]
    if domain not in services:
        return [f"{domain} is no service for rooms of this server ({', '.join(sorted(services)) or 'which has none'})"]
    return []
