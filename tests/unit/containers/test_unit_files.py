# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the keeper understands of units of systemd."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.tests.unit import image_programs as programs

unit_files = programs.load("unit_files")


def test_a_unit_is_read_as_systemd_does() -> None:
    text = (
        "# a word\n[Unit]\nAfter=a b\n[Service]\nExecStart=/bin/a \\\n  --long\n"
        "Environment=A=1\nEnvironment=\nEnvironment=B=2\n"
    )
    assert unit_files.read(text) == {
        "Unit": {"After": ["a b"]},
        "Service": {"ExecStart": ["/bin/a --long"], "Environment": ["B=2"]},
    }
    with pytest.raises(unit_files.UnitError, match="no line of a unit"):
        unit_files.read("[Unit]\nnonsense\n")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("90", 90.0), ("15min", 900.0), ("1h 30min", 5400.0), ("2d", 172800.0), ("5 hours", 18000.0), ("infinity", None)],
)
def test_a_span_is_seconds(text: str, wanted: float | None) -> None:
    assert unit_files.seconds(text) == wanted


@pytest.mark.parametrize("text", ["", "soon", "5 fortnights", "1h, 2min"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(unit_files.UnitError):
        unit_files.seconds(text)


ELAPSE: list[tuple[str, dict[str, Any], list[float], float | None]] = [
    # the first time after its start, then after each begin or end of what it runs
    ("OnActiveSec=60\nOnUnitActiveSec=30", {}, [], 1060.0),
    ("OnActiveSec=60\nOnUnitActiveSec=30", {"begun": 1060.0, "ended": 1065.0}, [], 1090.0),
    ("OnActiveSec=60\nOnUnitInactiveSec=30", {"begun": 1060.0, "ended": 1065.0}, [], 1095.0),
    # what ran before this start of the timer does not count for it
    ("OnActiveSec=60\nOnUnitActiveSec=5000", {"begun": 900.0, "ended": 901.0}, [], 1060.0),
    ("OnActiveSec=60", {"begun": 1060.0, "ended": 1065.0}, [], None),
    ("OnCalendar=daily\nOnCalendar=weekly", {}, [5000.0, 3000.0], 3000.0),
]


@pytest.mark.parametrize(("text", "times", "calendar", "wanted"), ELAPSE)
def test_when_a_timer_elapses_next(
    text: str, times: dict[str, float], calendar: list[float], wanted: float | None
) -> None:
    given = unit_files.timer("a.timer", f"[Timer]\n{text}\n")
    assert given.unit == "a.service"
    assert unit_files.elapses(given, unit_files.Times(1000.0, **times), calendar) == wanted


def test_a_timer_that_never_elapses_is_refused() -> None:
    with pytest.raises(unit_files.UnitError, match="says nothing of when"):
        unit_files.timer("a.timer", "[Timer]\nPersistent=yes\n")


def test_a_service_is_read() -> None:
    found = unit_files.service(
        "a.service",
        '[Service]\nType=oneshot\nUser=prometheus\nSupplementaryGroups=a b\nEnvironment=A=1 "B=two words"\n'
        "EnvironmentFile=-/etc/default/a\nExecStartPre=-/bin/x\nExecStart=/bin/y 'one word' 5%%\nTimeoutStartSec=170\n"
        "SyslogLevel=warning\nLogLevelMax=notice\nUMask=0027\nNice=5\nProtectSystem=strict\n",
    )
    assert (found.user, found.groups, found.umask, found.nice, found.timeout) == (
        "prometheus",
        ("a", "b"),
        0o27,
        5,
        170,
    )
    assert found.environment == {"A": "1", "B": "two words"}
    assert found.environment_files == ((False, "/etc/default/a"),)
    assert found.prepare == ((False, ("/bin/x",)),)
    assert found.run == ((True, ("/bin/y", "one word", "5%")),)
    assert (found.level, found.level_max) == (4, 5)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Type=notify\nExecStart=/bin/a", "no oneshot"),
        ("Type=oneshot", "no ExecStart"),
        ("Type=oneshot\nExecStart=+/bin/a", "before a command is not understood"),
        ("Type=oneshot\nExecStart=/bin/a $OPTIONS", "variables"),
    ],
)
def test_what_a_service_says_in_vain_is_refused(text: str, why: str) -> None:
    with pytest.raises(unit_files.UnitError, match=why):
        unit_files.service("a.service", f"[Service]\n{text}\n")


def test_a_file_of_variables_is_read() -> None:
    assert unit_files.environment("# x\nA=1\nB=\"two words\"\n;C=3\nD='x'\n") == {"A": "1", "B": "two words", "D": "x"}


@pytest.mark.parametrize(("text", "wanted"), [("<3>bad", (3, "bad")), ("<b>bold", (4, "<b>bold")), ("", (4, ""))])
def test_a_line_may_say_how_grave_it_is(text: str, wanted: tuple[int, str]) -> None:
    assert unit_files.line(text, 4) == wanted
