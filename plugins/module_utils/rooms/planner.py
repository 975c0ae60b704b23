# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Planner: a room as it is and as it shall be → what to do, and the two sides of the diff. Pure."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.rooms.model import RoomState, WantedRoom


@dataclass(frozen=True)
class Plan:
    """What to do with one room. changes: in the form that ROOMS.apply of `lua` takes."""

    create: bool = False
    destroy: bool = False
    changes: tuple[dict[str, Any], ...] = ()

    def __bool__(self) -> bool:
        return self.create or self.destroy or bool(self.changes)

    def actions(self) -> list[str]:
        """Name what is done, without any value."""
        names = ["create"] if self.create else ["destroy"] if self.destroy else []
        for change in self.changes:
            names.append(f"{change['affiliation']} {change['jid']}" if "jid" in change else f"set {change['name']}")
        return names


def digest(key: str, password: str) -> str:
    """The keyed digest by which the server tells whether a room has this password (HMAC-SHA-256, hex)."""
    return hmac.new(key.encode(), password.encode("utf-8"), hashlib.sha256).hexdigest() if password else ""


def plan(current: RoomState, wanted: WantedRoom, key: str) -> Plan:
    """Return what makes the room be as wanted; an empty plan when it is.

    key: the key of the digest in `current.password`.
    """
    if not wanted.present:
        return Plan(destroy=current.exists)
    changes: list[dict[str, Any]] = []
    # people first: who becomes a member of a room that becomes one for members shall not have to leave it
    for jid, affiliation in sorted(affiliations(current, wanted).items()):
        if current.affiliations.get(jid, "none") != affiliation:
            changes.append({"jid": jid, "affiliation": affiliation})
    for name, value in wanted.settings.items():
        # a room that is not there yet has no settings here, whatever the server will let it start with: all are set
        if current.settings.get(name) != value:
            changes.append({"name": name, "value": value})
    if wanted.password is not None and digest(key, wanted.password) != current.password:
        changes.append({"name": "password", "value": wanted.password})
    return Plan(create=not current.exists, changes=tuple(changes))


def affiliations(current: RoomState, wanted: WantedRoom) -> dict[str, str]:
    """Return JID → affiliation, "none" included, of all whom the room's declaration is about."""
    result = dict(wanted.affiliations)
    if wanted.purge:
        for jid, affiliation in current.affiliations.items():
            if affiliation in wanted.listed and jid not in result:
                result[jid] = "none"
    return result


def diff(current: RoomState, wanted: WantedRoom, planned: Plan) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what changes, before and after; a password is only named."""
    before: dict[str, Any] = {"state": "present" if current.exists else "absent"}
    after: dict[str, Any] = {"state": "present" if wanted.present else "absent"}
    people_before, people_after = {}, {}
    for change in planned.changes:
        if "jid" in change:
            people_before[change["jid"]] = current.affiliations.get(change["jid"], "none")
            people_after[change["jid"]] = change["affiliation"]
            continue
        name, value = change["name"], change["value"]
        if name == "password":
            before[name] = "(set)" if current.password else "(none)"
            after[name] = "(set anew)" if value else "(none)"
        else:
            before[name] = current.settings.get(name)
            after[name] = value
    if people_after:
        before["affiliations"], after["affiliations"] = people_before, people_after
    if not current.exists:
        before = {"state": "absent"}
    return before, after
