# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bin/test prints."""

from __future__ import annotations

import pytest
from ladder.report import Outcome, counts, failures, reasons, sign_of_life, table

LOG = """TASK [Something] ****
ok: [host]
============================= 12 passed in 3.20s ==============================
tests/x.py ..F
=================== 1 failed, 11 passed in 131.51s (0:02:11) ====================
3 passed, 1 skipped in 0.10s
"""


def test_lines_of_pytest_are_found() -> None:
    assert counts(LOG) == [
        "12 passed in 3.20s",
        "1 failed, 11 passed in 131.51s (0:02:11)",
        "3 passed, 1 skipped in 0.10s",
    ]


@pytest.mark.parametrize(
    ("tail", "line"),
    [
        ("", ""),
        ("nothing\nto see", ""),
        ("TASK [One] ***\nok: [host]\n", "TASK [One] ***"),
        ("TASK [One]\n" + "x\n" * 50, ""),
        ("== " + "y" * 300, "== " + "y" * 107),
    ],
)
def test_a_sign_of_life(tail: str, line: str) -> None:
    assert sign_of_life(tail) == line


def test_the_table_has_a_line_for_each() -> None:
    text = table(
        [
            Outcome("lint", True, 86.2, 80.1, 2, ".cache/test/lint.log"),
            Outcome("molecule/x", False, 3, 1, 1, ".cache/test/molecule-x.log"),
            Outcome("molecule/y", False, 0, 0, 0, "not run, as images failed"),
        ],
        90,
    )
    assert [line.split() for line in text.splitlines()[1:-1]] == [
        ["lint", "passed", "86", "80", "2"],
        ["molecule/x", "FAILED", "3", "1", "1", ".cache/test/molecule-x.log"],
        ["molecule/y", "FAILED", "0", "0", "-", "not", "run,", "as", "images", "failed"],
        ["the", "whole", "90", "81"],
    ]


def test_what_failed_stands_at_the_end():
    log = (
        "PLAY [x]\nfatal: [one]: FAILED! => {}\n    def test_a():\n>       assert x\nE   AssertionError: not so\n"
        "EE no\nFAILED tests/test_a.py::test_a - AssertionError: not so\nERROR    Molecule executed 1 scenario\n"
    )
    said = reasons(log)
    assert said == (
        "fatal: [one]: FAILED! => {}",
        "E   AssertionError: not so",
        "FAILED tests/test_a.py::test_a - AssertionError: not so",
    )
    outcomes = [
        Outcome("molecule/x", False, 3, 1, 1, "x.log", said),
        Outcome("lint", True, 3, 1, 1, "lint.log"),
        Outcome("molecule/y", False, 0, 0, 0, "not run"),
    ]
    assert failures(outcomes).splitlines() == ["molecule/x", *(f"  {line}" for line in said)]
    assert len(reasons(log * 20)) == 12
