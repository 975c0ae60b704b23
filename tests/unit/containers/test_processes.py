# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of other containers, found among the processes of one number space."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.tests.unit import image_programs as programs

processes = programs.load("processes")
companion = programs.load("companion")

ME = os.getuid()


def process(proc: Path, pid: int, name: str, parent: int, started: int, state: str = "S") -> None:
    """A stat file as proc_pid_stat(5) has it."""
    (proc / str(pid)).mkdir()
    fields = [state, str(parent), *["0"] * 17, str(started), "0"]
    (proc / str(pid) / "stat").write_text(f"{pid} ({name}) {' '.join(fields)}\n", "utf-8")


def test_the_first_process_of_a_container_is_the_oldest_without_a_parent(tmp_path: Path) -> None:
    process(tmp_path, 40, "a) name (odd", 0, 700)
    process(tmp_path, 41, "child", 40, 600)
    # a health check, which the engine began in the same container
    process(tmp_path, 42, "check", 0, 900)
    process(tmp_path, 43, "gone", 0, 100, "Z")
    assert processes.first(ME, proc=tmp_path) == 40
    assert processes.first(ME, "check", tmp_path) == 42
    assert processes.first(ME + 1, proc=tmp_path) == 0


def test_a_service_is_shown_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process(tmp_path, 40, "turnserver", 0, 700)
    known = processes.Processes({"coturn": {"user": ME, "reload": "USR2"}, "nginx": {"user": ME + 1}}, tmp_path)
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: told.append((pid, number)))
    shown = known.properties("coturn", "coturn")
    assert (shown["Id"], shown["ActiveState"], shown["MainPID"]) == ("coturn.service", "active", "40")
    assert known.reload("coturn") == ""
    assert told == [(40, signal.SIGUSR2)]
    assert known.reload("nginx") == "nginx does not run"
    assert known.properties("nginx", "nginx")["ActiveState"] == "inactive"
    assert known.properties("exim4", "exim4")["LoadState"] == "not-found"


def test_a_companion_stays_for_who_is_at_work_but_not_for_ever(tmp_path: Path) -> None:
    process(tmp_path, 1, "python3", 0, 0)
    assert not companion.is_at_work(tmp_path, 1000.0)
    # a restore, begun by the engine at 5 s, and a process of its own
    process(tmp_path, 40, "python3", 0, 500)
    process(tmp_path, 41, "pgbackrest", 40, 600)
    assert companion.is_at_work(tmp_path, 1000.0)
    assert not companion.is_at_work(tmp_path, 1000.0 + companion.LONGEST)
