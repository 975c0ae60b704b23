# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rung runs next: the longest first, what others wait for before it, and what mostly waits beside what works."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .rung import Rung

# how much more than the lanes may be in use: shares are means, and a long one must not wait for an hour for a hundredth
SLACK = 0.7


def load(running: Collection[Rung]) -> float:
    """Out: how many processors these keep busy."""
    return sum(rung.cost.share for rung in running)


def _seconds_to_the_end(rung: Rung, waiting: Sequence[Rung]) -> float:
    """Out: how long it takes with the longest of those that come after it."""
    later = (other.cost.seconds for other in waiting if other.after == rung.name)
    return rung.cost.seconds + max(later, default=0)


def next_rung(waiting: Sequence[Rung], running: Collection[Rung], lanes: int) -> Rung | None:
    """Out: what may start now, None where nothing may.

    waiting: in any order; what comes after something that waits or runs stays. At most one more than `lanes` run at
    once, and that only where they leave a processor for it.
    """
    if any(rung.alone for rung in running):
        return None
    names = {rung.name for rung in waiting} | {rung.name for rung in running}
    for rung in sorted(waiting, key=lambda one: (one.alone, -_seconds_to_the_end(one, waiting), one.name)):
        if rung.after in names:
            continue
        if not running:
            return rung
        fits = len(running) < lanes or (lanes > 1 and len(running) == lanes)
        if not rung.alone and fits and load(running) + rung.cost.share <= lanes + SLACK:
            return rung
    return None


def free_lane(taken: Collection[int]) -> int:
    """Out: the first lane that nothing runs in; they are counted from one."""
    return next(lane for lane in range(1, len(taken) + 2) if lane not in taken)
