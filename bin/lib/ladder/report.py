# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is printed: the way of a rung, its end, and the table of all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_ALIVE = re.compile(r"^(?:TASK|PLAY|INFO|tests/|== |Running)|passed|failed")
_WHY = re.compile(r"^(?:(?:FAILED|ERROR) \S+::.*|E   .*|fatal: \[.*)$", re.MULTILINE)
_COUNTS = re.compile(r"^=* ?([0-9]+ (?:passed|failed|skipped).* in [0-9.]+s.*?) *=*$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """How a rung ended. `why`: its log, or what stands in its place where it did not run; `said`: see `reasons`."""

    name: str
    passed: bool
    seconds: float
    cpu: float
    lane: int
    why: str
    said: tuple[str, ...] = ()


def sign_of_life(tail: str) -> str:
    """In: the end of a log. Out: its last line that says what is being done, "" where none does."""
    lines = [line for line in tail.splitlines()[-40:] if _ALIVE.search(line)]
    return lines[-1][:110] if lines else ""


def counts(log: str) -> list[str]:
    """Out: the lines in which pytest says how many tests passed and failed."""
    return _COUNTS.findall(log)


def reasons(log: str, most: int = 12) -> tuple[str, ...]:
    """Out: the lines of a log that say what failed (pytest's, and Ansible's fatal ones), shortened, at most so many."""
    return tuple(line[:300] for line in _WHY.findall(log)[:most])


def failures(outcomes: Sequence[Outcome]) -> str:
    """Out: below the name of each rung that failed what it said, for who sees only the end of the output."""
    return "\n".join("\n  ".join((one.name, *one.said)) for one in outcomes if one.said and not one.passed)


def table(outcomes: Sequence[Outcome], wall: float) -> str:
    """Out: a line for each rung, and what all of them took."""
    lines = [f"{'':28}        {'seconds':>8} {'processor':>10}  lane"]
    for one in outcomes:
        word = "passed" if one.passed else "FAILED"
        line = f"{one.name:28} {word} {one.seconds:8.0f} {one.cpu:10.0f}  {one.lane or '-':>4}"
        lines.append(line if one.passed else f"{line}  {one.why}")
    cpu = sum(one.cpu for one in outcomes)
    lines.append(f"{'the whole':28}        {wall:8.0f} {cpu:10.0f}")
    lines.append("processor: seconds of each rung's processes and, for scenarios, of all that ran in their containers")
    return "\n".join(lines)
