# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rung runs next."""

from __future__ import annotations

import pytest
from ladder.choice import free_lane, next_rung
from ladder.rung import Cost, Rung


def rung(name: str, seconds: float = 100, share: float = 1, **other: object) -> Rung:
    """A rung that takes so long and keeps so many processors busy."""
    return Rung(name, ("true",), Cost(seconds, seconds * share), **other)  # type: ignore[arg-type]


def order(waiting: list[Rung], lanes: int) -> list[list[str]]:
    """Out: what runs side by side after each start, where the shortest that runs always ends first."""
    running: list[tuple[float, Rung]] = []
    seen, now = [], 0.0
    while waiting or running:
        while chosen := next_rung(waiting, [one for _end, one in running], lanes):
            waiting.remove(chosen)
            running.append((now + chosen.cost.seconds, chosen))
        seen.append(sorted(one.name for _end, one in running))
        first = min(running, key=lambda pair: pair[0])
        running.remove(first)
        now = first[0]
    return seen


def test_the_longest_comes_first() -> None:
    assert order([rung("short", 1), rung("long", 300), rung("middle", 20)], 1) == [["long"], ["middle"], ["short"]]


def test_what_a_long_one_waits_for_comes_before_a_middle_one() -> None:
    waiting = [rung("middle", 200), rung("first", 10), rung("long", 300, after="first"), rung("last", 5, after="first")]
    assert order(waiting, 1) == [["first"], ["long"], ["middle"], ["last"]]


def test_as_many_run_as_there_are_lanes() -> None:
    for lanes in (1, 2, 3):
        assert len(order([rung(str(number)) for number in range(6)], lanes)[0]) == lanes


def test_what_waits_runs_beside_what_works() -> None:
    waits = [rung("waits", 300, 0.3), rung("waits too", 200, 0.3)]
    assert order([*waits, rung("works", 100)], 2)[0] == ["waits", "waits too", "works"]


@pytest.mark.parametrize("lanes", [2, 3, 4])
def test_never_more_than_one_beyond_the_lanes(lanes: int) -> None:
    assert len(order([rung(str(number), share=0) for number in range(9)], lanes)[0]) == lanes + 1


def test_one_lane_is_one() -> None:
    assert len(order([rung("a", share=0), rung("b", share=0)], 1)[0]) == 1


def test_what_does_not_fit_lets_others_pass() -> None:
    running = [rung("works", 100, 1)]
    assert next_rung([rung("wide", 300, 2), rung("narrow", 10, 1)], running, 2) == rung("narrow", 10, 1)


def test_what_is_wider_than_all_lanes_runs_alone() -> None:
    assert order([rung("wide", 10, 9), rung("narrow", 300)], 1) == [["narrow"], ["wide"]]


def test_what_comes_after_another_waits_for_it_and_nothing_else() -> None:
    images, scenario = rung("images", 10), rung("scenario", 300, after="images")
    assert order([scenario, images, rung("lint", 50)], 2) == [["images", "lint"], ["lint", "scenario"], ["scenario"]]
    assert next_rung([scenario], [], 2) == scenario


def test_figures_are_taken_when_nothing_else_runs() -> None:
    alone = rung("bench", 900, alone=True)
    assert order([alone, rung("a"), rung("b", 50)], 2) == [["a", "b"], ["a"], ["bench"]]
    assert next_rung([rung("a")], [alone], 8) is None


@pytest.mark.parametrize(("taken", "free"), [([], 1), ([1], 2), ([2], 1), ([1, 2, 4], 3)])
def test_lanes_are_counted_from_one(taken: list[int], free: int) -> None:
    assert free_lane(taken) == free
