# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the backups of each host are, as data and as lines. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def gathered(states: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """In: host → what the backups leave on it (state.json). Out: what an operator asks; times in seconds since 1970."""
    found = {}
    for host, state in states.items():
        last, drill = state.get("backup") or {}, state.get("drill") or {}
        good = state.get("last_success") or {}
        found[host] = {
            "tried": last.get("ended"),
            "at": min(good.values()) if good else None,
            "sizes": {part: one["size"] for part, one in (last.get("parts") or {}).items()},
            "problems": list(last.get("problems") or []),
            "proved": state.get("verified"),
            "unproved": list(drill.get("problems") or []),
        }
    return found


def lines(
    found: Mapping[str, Mapping[str, Any]], now: float, ago: Callable[[float], str], size: Callable[[float], str]
) -> list[str]:
    """In: as gathered; how a length of time and a size are written. Out: a line or more for each host."""
    told = []
    for host, one in found.items():
        if one["tried"] is None:
            told.append(f"{host}: none yet")
            continue
        parts = ", ".join(f"{part} {size(number)}" for part, number in one["sizes"].items())
        when = ago(now - one["at"]) if one["at"] else "NEVER A GOOD ONE"
        proved = f"restored and compared {ago(now - one['proved'])}" if one["proved"] else "not proved by a restore yet"
        told.append(f"{host}: {when} ({parts}); {proved}" if parts else f"{host}: {when}; {proved}")
        told += [f"  FAILED: {problem}" for problem in one["problems"]]
        told += [f"  NOT PROVED: {problem}" for problem in one["unproved"]]
    return told
