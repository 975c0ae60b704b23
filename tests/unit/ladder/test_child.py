# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rung that runs: how it ends, what it used, and that none of its processes outlives it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from ladder.child import Child, marked
from ladder.rung import Rung


def started(script: str, tmp_path: Path, **environment: str) -> Child:
    """Out: a rung that runs a script of the shell."""
    return Child(Rung("a/b", ("bash", "-c", script)), 1, tmp_path / "log", {**os.environ, **environment})


def finished(child: Child) -> Child:
    """Out: the same, when it has ended."""
    end = time.monotonic() + 20
    while not child.ended():
        assert time.monotonic() < end
        time.sleep(0.02)
    return child


def wait_for(file: Path) -> None:
    """Wait until a script has made a file."""
    end = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(("script", "status"), [("true", 0), ("exit 3", 3), ("kill -9 $$", -9)])
def test_how_it_ends(script: str, status: int, tmp_path: Path) -> None:
    assert finished(started(script, tmp_path)).status == status


def test_everything_it_says_is_in_its_log(tmp_path: Path) -> None:
    finished(started("echo one; echo $GIVEN >&2; read -r || echo no input", tmp_path, GIVEN="two"))
    assert (tmp_path / "log").read_text() == "one\ntwo\nno input\n"


def test_the_processors_of_its_children_are_counted(tmp_path: Path) -> None:
    work = f"{os.sys.executable} -c 'import time\nwhile time.process_time() < 0.5: pass'"  # type: ignore[attr-defined]
    child = finished(started(f"({work}) ; sleep 0.2", tmp_path))
    assert 0.5 <= child.cpu < 2
    assert child.seconds >= child.cpu * 0.9 + 0.1


@pytest.mark.parametrize(
    "script",
    [
        "touch there; sleep 100",
        "trap '' TERM; touch there; while :; do sleep 1; done",
        "(setsid sleep 100 &) ; touch there; sleep 100",
        "setsid bash -c 'trap \"\" TERM; touch there; while :; do sleep 1; done' & wait",
    ],
    ids=["one", "deaf", "its own session", "both"],
)
def test_nothing_of_it_is_left(script: str, tmp_path: Path) -> None:
    child = started(f"cd {tmp_path}; {script}", tmp_path)
    wait_for(tmp_path / "there")
    assert list(marked(child.mark))
    child.end(0.5)
    assert child.ended()
    end = time.monotonic() + 5
    while list(marked(child.mark)):
        assert time.monotonic() < end
        time.sleep(0.02)
