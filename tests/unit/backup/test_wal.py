# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which segments an archive lacks: pgBackRest says ok over a hole, and a restore stops in it without a word."""

from __future__ import annotations

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import wal


def names(timeline: int, *numbers: int) -> list[str]:
    return [wal.name_of(f"{timeline:08X}", number) for number in numbers]


@pytest.mark.parametrize(
    ("path", "segment"),
    [
        (f"17-1/0000000100000000/0000000100000000000000A4-{'a2' * 20}.zst", "0000000100000000000000A4"),
        ("0000000100000000000000A4", "0000000100000000000000A4"),
        ("17-1/0000000100000000/000000010000000000000002.00000028.backup", ""),
        ("17-1/00000002.history", ""),
        ("17-1/0000000100000000", ""),
        ("archive.info", ""),
    ],
)  # fmt: skip
def test_names(path: str, segment: str) -> None:
    assert wal.segment(path) == segment


def test_the_number_goes_on_over_the_parts_of_a_name() -> None:
    assert wal.number("000000010000000100000000") == wal.number("0000000100000000000000FF") + 1
    assert wal.name_of("0000000A", 0x1FF) == "0000000A00000001000000FF"


@pytest.mark.parametrize(
    ("there", "first", "last", "lacking"),
    [
        (names(1, 3, 4, 5), names(1, 3)[0], "", []),
        (names(1, 1, 3, 4, 5), names(1, 3)[0], "", []),  # what is missing before the backup is none of its business
        (names(1, 3, 5), names(1, 3)[0], "", names(1, 4)),
        (names(1, 4, 5), names(1, 3)[0], "", names(1, 3)),  # of the backup itself
        ([], names(1, 3)[0], "", names(1, 3)),
        (names(1, 3, 4), names(1, 3)[0], names(1, 6)[0], names(1, 5, 6)),  # was archived, and is gone
        (names(1, 254, 255, 257), names(1, 254)[0], "", names(1, 256)),
        # a restore began a timeline within segment 4: what the old one went on with is in nobody's way
        ([*names(1, 3, 4, 5, 6), *names(2, 4, 5)], names(1, 3)[0], "", []),
        ([*names(1, 3, 4), *names(2, 5, 6)], names(1, 3)[0], "", []),
        ([*names(1, 3, 4), *names(2, 6, 8)], names(1, 3)[0], "", names(2, 5, 7)),
        ([*names(1, 3, 4), *names(2, 4, 6)], names(2, 4)[0], "", names(2, 5)),
    ],
)
def test_holes(there: list[str], first: str, last: str, lacking: list[str]) -> None:
    assert wal.missing(there, first, last) == lacking
