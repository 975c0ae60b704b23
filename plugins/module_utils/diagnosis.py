# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A finding about a service: what was seen, what follows from it, and what mends it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import printable

#: something does not work; something works and might not, or not for all; good to know
LEVELS = ("fault", "weak", "note")
_WIDTH = 8


@dataclass(frozen=True)
class Finding:
    """One finding. name: what kind it is, the same in every run; where: the name, record or port it is about.

    mend: the record or command that mends it, "" where nothing is to be done.
    """

    name: str
    level: str
    where: str
    seen: str
    consequence: str
    mend: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding as plain data, in texts that are fit for a terminal."""
        return {name: printable(text) for name, text in asdict(self).items()}

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same finding in another run, whatever the numbers in its texts are."""
        return self.name, self.where


def in_order(found: Iterable[Finding]) -> list[Finding]:
    """Return findings, each once, faults first and else in the order in which they were found."""
    return sorted({(one.key, one.seen): one for one in found}.values(), key=lambda one: LEVELS.index(one.level))


def counts(found: Iterable[Mapping[str, Any]]) -> bool:
    """Whether there is anything to do: something is more than good to know."""
    return any(one["level"] != "note" for one in found)


def from_dict(given: Mapping[str, Any]) -> Finding:
    """Return the finding that as_dict() was made of; what else is in there is left out."""
    return Finding(**{one.name: str(given.get(one.name, "")) for one in fields(Finding)})


def lines(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what an operator reads: three lines for each finding, of which the last says how to mend it."""
    told = []
    for one in found:
        told.append(f"{one['level'].upper():{_WIDTH}}{one['where']}: {one['seen']} ({one['name']})")
        told.append(f"{'':{_WIDTH}}{one['consequence']}")
        if one["mend"]:
            told.append(f"{'':{_WIDTH}}→ {one['mend']}")
    return told


def changes(now: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Compare the findings of two runs: `new`, those that are worse or not were there before, and `gone`."""
    was = {(one["name"], one["where"]): one for one in before}
    new = [
        dict(one)
        for one in now
        if (old := was.get((one["name"], one["where"]))) is None
        or LEVELS.index(one["level"]) < LEVELS.index(old["level"])
    ]
    here = {(one["name"], one["where"]) for one in now}
    return {"new": new, "gone": [dict(one) for key, one in was.items() if key not in here]}
