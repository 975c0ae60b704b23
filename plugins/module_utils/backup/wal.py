# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Segments of PostgreSQL's write-ahead log (WAL) by their names: which of them an archive lacks. Pure.

A name is 24 hexadecimal digits: timeline, high and low part of the number (PostgreSQL, xlog_internal.h). Segments have
16 MB.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SEGMENT = re.compile(r"(?:.*/)?([0-9A-F]{24})(?:-[0-9a-f]{40}(?:[.][a-z0-9]+)?)?\Z")
_PER_FILE = 0x100  # segments of 16 MB in what the high part counts


def segment(path: str) -> str:
    """Out: the segment that a file of the archive holds, "" where it is something else."""
    found = _SEGMENT.match(path)
    return found[1] if found else ""


def number(name: str) -> int:
    """In: a segment. Out: its number, which grows by one from each to the next, on whichever timeline."""
    return int(name[8:16], 16) * _PER_FILE + int(name[16:24], 16)


def name_of(timeline: str, position: int) -> str:
    """Out: the segment with a number on a timeline (8 digits)."""
    return f"{timeline}{position // _PER_FILE:08X}{position % _PER_FILE:08X}"


def missing(names: Iterable[str], first: str, last: str = "") -> list[str]:
    """List the segments that have to be in the archive and are not, oldest first.

    names: what is there; first: where the oldest backup of interest begins; last: one that was archived after it, ""
    for the newest that is there. A timeline begins in the segment in which the one before ended, or in the next one.
    """
    there: dict[str, set[int]] = {}
    for name in names:
        there.setdefault(name[:8], set()).add(number(name))
    begin = number(first)
    reached, lacking = begin - 1, []
    for timeline in sorted(one for one in {*there, first[:8]} if one >= first[:8]):
        found = {one for one in there.get(timeline, set()) if one >= begin}
        wanted = {number(one) for one in (first, last) if one[:8] == timeline}
        low = begin if timeline == first[:8] else min({reached + 1, *found, *wanted})
        top = max({low - 1, *found, *wanted})
        lacking += [name_of(timeline, one) for one in range(low, top + 1) if one not in found]
        reached = max(reached, top)
    return lacking
