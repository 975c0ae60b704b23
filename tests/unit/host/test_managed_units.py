# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that shall run: what systemd says, what follows, and what the module does of it."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host.units import Step, Unit, plan, read
from ansible_collections.allthingslinux.xmpp.plugins.modules import managed_units
from ansible_collections.allthingslinux.xmpp.tests.unit.module_runner import run

SHOWN = """LoadState=loaded
ActiveState=active
UnitFileState=enabled

LoadState=loaded
ActiveState=failed
UnitFileState=static

LoadState=not-found
ActiveState=inactive
UnitFileState=

LoadState=loaded
ActiveState=inactive
UnitFileState=disabled
"""
FIRST, SECOND, THIRD, FOURTH = SHOWN.split("\n\n")
NAMES = ["a.service", "b.service", "c.timer", "d.timer"]


def test_what_systemd_says_is_read() -> None:
    assert read(NAMES, SHOWN) == [
        Unit("a.service", True, True, True),
        Unit("b.service", True, True, False, True),
        Unit("c.timer", False, False, False),
        Unit("d.timer", True, False, False),
    ]
    assert read([], "") == []


def test_only_what_is_left_is_done() -> None:
    units = read(NAMES, SHOWN)
    rest = [Step("b.service", "start"), Step("c.timer", "missing"), Step("d.timer", "enable"), Step("d.timer", "start")]
    assert plan(units, []) == rest
    assert plan(units, ["a.service"]) == [Step("a.service", "restart"), *rest]


class Systemctl:
    """Answers `show` with a text, and notes everything else."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.done: list[list[str]] = []

    def __call__(self, words: list[str], **_options: Any) -> tuple[int, str, str]:
        if words[1] == "show":
            return 0, self.shown, ""
        self.done.append(words[1:])
        return (1, "", "Job failed.") if words[2:] == ["bad.service"] else (0, "", "")


def module(shown: str, units: list[str], **options: Any) -> tuple[dict[str, Any], list[list[str]]]:
    systemctl = Systemctl(shown)
    with patch.object(AnsibleModule, "run_command", systemctl):
        return run(managed_units, units=units, **options), systemctl.done


def test_what_runs_is_left_alone() -> None:
    result, done = module(FIRST, ["a.service"])
    assert (result["changed"], result["changed_units"], done) == (False, [], [])


def test_systemd_reads_its_files_before_it_is_asked() -> None:
    result, done = module(FIRST, ["a.service"], restart=["a.service"], daemon_reload=True)
    assert result["changed_units"] == ["a.service"]
    assert done == [["daemon-reload"], ["restart", "a.service"]]


def test_what_failed_too_often_may_start_again() -> None:
    _result, done = module(SECOND, ["b.service"])
    assert done == [["reset-failed", "b.service"], ["start", "b.service"]]


@pytest.mark.parametrize("check", [True, False])
def test_a_unit_that_is_not_there_is_a_change_in_a_check_and_an_error_else(check: bool) -> None:
    result, done = module(THIRD, ["c.timer"], check=check)
    assert done == []
    assert result.get("changed", False) is check
    assert result.get("failed", False) is not check
    assert check or "systemd does not know c.timer" in result["msg"]


def test_what_systemd_refuses_is_told() -> None:
    result, _done = module(FOURTH, ["bad.service"])
    assert "systemctl enable bad.service failed: Job failed." in result["msg"]


def test_a_check_does_nothing() -> None:
    result, done = module(FOURTH, ["d.timer"], check=True, daemon_reload=True)
    assert (result["changed_units"], done) == (["d.timer"], [])
