# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines of the trail → events, and those that are asked for. Pure."""

from __future__ import annotations

import calendar
import json
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

DAY = 86400
STAMP = "%Y-%m-%dT%H:%M:%SZ"
KINDS = (
    "signed-in",
    "refused",
    "created",
    "removed",
    "password",
    "enabled",
    "disabled",
    "role",
    "role-added",
    "role-removed",
    "invited",
    "command",
    "command-refused",
    "shell",
    "lost",
)
_UNITS = {"m": 60, "h": 3600, "d": DAY, "w": 7 * DAY}


class AuditError(XmppError):
    """What keeps the trail from being read as it was asked for."""


@dataclass(frozen=True)
class Event:
    """One line. time, until: of the first and the last of those that it counts."""

    time: str
    host: str
    what: str
    account: str = ""
    by: str = ""
    origin: str = ""
    detail: str = ""
    count: int = 1
    until: str = ""

    def told(self) -> dict[str, Any]:
        """Out: as data, with the names that the file has, without what is empty."""
        fields = {**self.__dict__, "from": self.origin, "until": self.until or self.time}
        order = ("time", "until", "host", "what", "account", "by", "from", "detail", "count")
        return {name: fields[name] for name in order if fields[name]}


@dataclass(frozen=True)
class Wanted:
    """Which events are asked for: not before `since` (seconds since 1970), about or by one account, of some kinds."""

    since: float = 0.0
    account: str = ""
    what: tuple[str, ...] = ()

    def has(self, event: Event) -> bool:
        """Out: whether it is one of them."""
        return (
            seconds(event.until or event.time) >= self.since
            and (not self.account or self.account in (event.account, event.by))
            and (not self.what or event.what in self.what)
        )


def seconds(stamp: str) -> float:
    """In: a time as the file has it. Out: seconds since 1970. Raises ValueError."""
    return float(calendar.timegm(time.strptime(stamp, STAMP)))


def period(text: str) -> float:
    """In: how far back, such as 30m, 12h, 2d or 1w. Out: seconds. Raises AuditError."""
    match = re.fullmatch(r"\s*(\d{1,6})\s*([mhdw])\s*", text)
    if not match:
        raise AuditError(f"'{text}' is no time to look back: give a number with m, h, d or w, such as 12h or 2d.")
    return float(int(match[1]) * _UNITS[match[2]])


def kinds(names: Iterable[str]) -> tuple[str, ...]:
    """In: words of `what`. Out: the same. Raises AuditError for one that no line has."""
    found = tuple(names)
    for name in found:
        if name not in KINDS:
            raise AuditError(f"No line of the trail is called '{name}'. Known: {', '.join(KINDS)}")
    return found


def event(line: str) -> Event | None:
    """In: a line. Out: the event, None for what is none: a full disk cuts lines off."""
    try:
        read = json.loads(line)
        found = {name: str(read.get(name, "")) for name in ("time", "host", "what", "account", "by", "detail", "until")}
        made = Event(origin=str(read.get("from", "")), count=int(read.get("count", 1)), **found)
        seconds(made.until or made.time), seconds(made.time)
    except (ValueError, TypeError, AttributeError):
        return None
    return made


def events(lines: Iterable[str], wanted: Wanted) -> Iterator[Event]:
    """In: lines of one file. Out: the events that are asked for, in the order of the file."""
    for line in lines:
        found = event(line)
        if found and wanted.has(found):
            yield found


def is_old(name: str, since: float) -> bool:
    """In: the name of a file of the trail. Out: whether nothing in it happened that late."""
    try:
        end = calendar.timegm(time.strptime(name, "%Y-%m-%d.jsonl")) + DAY
    except ValueError:
        return True
    return end <= since
