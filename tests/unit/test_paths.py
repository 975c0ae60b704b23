# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""plugin_utils/paths.py: a part is found by the path that a line begins with, left out, and what follows from that."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import paths

VALUES: dict[str, Any] = {
    "a_list": [{"name": "x", "options": {"k.with.dots": 1, "k": 2}}, None, {"name": "y"}],
    "a_map": {"c2s": {"rate": "5"}, 5: "five"},
}


@pytest.mark.parametrize(
    ("line", "steps"),
    [
        ("a_list[0].name: it is wrong", ("a_list", 0, "name")),
        ("a_list[0].options.k.with.dots: no", ("a_list", 0, "options", "k.with.dots")),
        ("a_list[0].options.k: no", ("a_list", 0, "options", "k")),
        ("a_list[2].nope is missing. Really.", ("a_list", 2, "nope")),
        ("a_list[7] (set in x.yml:3): no", ("a_list", 7)),
        ("a_map.c2s.rate: no", ("a_map", "c2s", "rate")),
        ("other is set nowhere", ("other",)),
        ("", ()),
        ("- no", ()),
    ],
)
def test_what_a_line_begins_with(line: str, steps: paths.Steps) -> None:
    assert paths.begins_with(line, VALUES) == steps


def test_a_part_is_left_out_and_the_others_keep_their_places() -> None:
    left = paths.without(VALUES, ("a_list", 0))
    assert left["a_list"] == [None, None, {"name": "y"}]
    assert paths.without(VALUES, ("a_map", "c2s", "rate"))["a_map"] == {"c2s": {}, 5: "five"}
    assert paths.without(VALUES, ("a_map", "nope"))["a_map"] == VALUES["a_map"]
    assert paths.without(VALUES, ("a_list", 9)) == VALUES
    assert VALUES["a_list"][0]["name"] == "x", "what was given is as it was"


@pytest.mark.parametrize(
    ("steps", "there"),
    [
        (("a_list", 0, "name"), ("a_list", 0, "name")),
        (("a_list", 2, "nope", "more"), ("a_list", 2)),
        (("a_list", 1, "name"), ("a_list",)),
        (("nope",), ()),
    ],
)
def test_as_far_as_there_is_something(steps: paths.Steps, there: paths.Steps) -> None:
    assert paths.present(VALUES, steps) == there


@pytest.mark.parametrize(
    ("line", "gone", "follows"),
    [
        ("a_list[0].name: a host needs a name", ("a_list", 0, "name"), True),
        ("a_list[0]: is nothing", ("a_list", 0, "name"), True),
        ("a_list: there is none", ("a_list", 0), True),
        ("a_list[2].name: no", ("a_list", 0, "name"), False),
        ("a_list[0].title: no", ("a_list", 0, "name"), False),
        ("b[0].jid: its domain is none of a_list (x)", ("a_list", 0, "name"), True),
        ("b[0].jid: its domain is none of a_list (x)", ("a_list", 0, "options", "k"), False),
        ("b[0].jid: its domain is none of a_list (x)", ("a_list",), True),
        ("b[0].jid: no", ("a_list",), False),
    ],
)
def test_what_only_follows(line: str, gone: paths.Steps, follows: bool) -> None:
    assert paths.follows(line, [gone], VALUES) is follows
    assert not paths.follows(line, [], VALUES)
