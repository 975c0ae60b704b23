# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an operator reads of the trail of sign-ins and of what was done to accounts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

HEADINGS = ("time (UTC)", "what", "account", "by", "from", "detail")


def merged(answers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """In: results of module audit_trail_info, of each host. Out: all events, oldest first."""
    return sorted((dict(one) for answer in answers for one in answer.get("events", ())), key=lambda one: one["time"])


def _time(event: Mapping[str, Any]) -> str:
    """Out: when, and until when where it is more than one."""
    begin, end = (str(event.get(name, "")).replace("T", " ").removesuffix("Z") for name in ("time", "until"))
    if not end or end == begin:
        return begin
    return f"{begin} - {end[11:] if end[:10] == begin[:10] else end}"


def _row(event: Mapping[str, Any]) -> tuple[str, ...]:
    many = f" x{event['count']}" if event.get("count", 1) > 1 else ""
    about = event.get("account") or event.get("host", "")
    # the domain of whom nobody knows
    if "@" not in about and about != event.get("host"):
        about = f"{about} @{event.get('host', '')}"
    return (
        _time(event),
        event["what"] + many,
        "-" if about == "*" else about,
        *(str(event.get(name) or "-") for name in ("by", "from", "detail")),
    )


def lines(answers: Iterable[Mapping[str, Any]]) -> list[str]:
    """In: results of module audit_trail_info, of each host. Out: a table, and what is missing of it."""
    answers = list(answers)
    rows = [_row(event) for event in merged(answers)]
    left_out = sum(answer.get("total", 0) - len(answer.get("events", ())) for answer in answers)
    ends = [f"{left_out} older ones are left out: ask for fewer with --since, --account or --what."] if left_out else []
    if not rows:
        kept = any(answer.get("kept") for answer in answers)
        return ["Nothing of that is in the trail." if kept else "There is no trail (prosody_audit_trail)."]
    return [*_table([HEADINGS, *rows]), *ends]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows]
