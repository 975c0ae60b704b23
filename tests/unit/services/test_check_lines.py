# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter xmpp_check_lines: what is printed of one domain and of several."""

from __future__ import annotations

from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.filter.xmpp import FilterModule

xmpp_check_lines = FilterModule().filters()["xmpp_check_lines"]


def check(domain: str, *lines: str) -> dict[str, Any]:
    return {"item": {"domain": domain}, "lines": list(lines)}


ONE = check("example.org", "ok      message: there", "FAILED  room: no room. Look there")
TWO = check("two.example", "ok      message: there")
OK = "ok      PostgreSQL: the message lies in prosodyarchive on db1"


def test_one_domain() -> None:
    assert xmpp_check_lines([ONE]) == ONE["lines"]
    assert xmpp_check_lines([ONE], [{"item": ONE, "stdout": "1\n"}], "db1") == [*ONE["lines"], OK]


def test_several_domains_are_named() -> None:
    assert xmpp_check_lines([ONE, TWO], [{"item": TWO, "stdout": "1"}], "db1") == [
        "ok      example.org: message: there",
        "FAILED  example.org: room: no room. Look there",
        "ok      two.example: message: there",
        "ok      two.example: PostgreSQL: the message lies in prosodyarchive on db1",
    ]


def test_a_message_that_is_not_stored() -> None:
    for seen, word in (
        ({"stdout": "0"}, "no such row"),
        ({"stderr": "psql: gone\n"}, "psql: gone"),
        ({"msg": "x"}, "x"),
    ):
        [*_lines, last] = xmpp_check_lines([TWO], [{"item": TWO, **seen}], "db1")
        assert last.startswith(f"FAILED  PostgreSQL: the message is not in prosodyarchive on db1 ({word}). Does")


def test_what_was_not_asked_is_not_told() -> None:
    """Another storage, an empty group postgresql, a check that could not run."""
    assert xmpp_check_lines([TWO], [{"item": TWO, "skipped": True}], "") == TWO["lines"]
    assert xmpp_check_lines([{"item": {"domain": "x"}, "skipped": True}]) == []
