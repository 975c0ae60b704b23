# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/storage/tallies.py: counts compared and told, for storages and for moves alike."""

from __future__ import annotations

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.storage import tallies


def test_the_fullest_stores_of_a_domain_are_told_first() -> None:
    assert tallies.of_domain("a.test", {}) == []
    assert tallies.of_domain("a.test", {"x": 1, "b": 7, "a": 7}) == ["  a.test                   a 7, b 7, x 1"]
    (line,) = tallies.of_domain("a.test", {f"store{number}": number for number in range(9)})
    assert line.endswith("store3 3 and 3 more stores")


def test_what_did_not_arrive_is_told_for_each_store() -> None:
    before = {"a.test": {"roster": 3, "vcard": 1}, "b.test": {"roster": 1}}
    assert tallies.differences(before, before, 0, str) == []
    assert tallies.differences(before, {"a.test": {"roster": 2, "vcard": 1, "new": 4}}, 0, str) == [
        "a.test, new: 0 before, 4 after",
        "a.test, roster: 3 before, 2 after",
        "b.test, roster: 1 before, 0 after",
    ]


def test_of_many_differences_the_first_are_told() -> None:
    assert tallies.in_short(["a", "b"]) == "a; b"
    assert tallies.in_short(list("abcdefg")) == "a; b; c; d; e, and 2 more"
