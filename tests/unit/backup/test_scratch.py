# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database beside the live one that is left over is ended where it is the one, and nobody else by its number."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import scratch
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Done


class Programs:
    def __init__(self) -> None:
        self.stopped = 0

    def as_postgres(self, *words: str) -> Done:
        self.stopped += words[-1] == "stop"
        return Done(0, "", "")


class Settings:
    cluster = "17"


@pytest.mark.parametrize(("argument", "stopped"), [("its data directory", 1), ("that of another one", 0)])
def test_what_a_killed_drill_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argument: str, stopped: int
) -> None:
    """Who has the number may be the live server, where each container counts its processes for itself."""
    place, programs = tmp_path / "xmpp-drill", Programs()
    monkeypatch.setattr(scratch, "PLACE", place)
    (place / "data").mkdir(parents=True)
    given: Any = f"{place}/data" if stopped else f"{tmp_path}/17/main"
    with subprocess.Popen(["sh", "-c", "echo; read line", given], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as one:
        assert one.stdout
        one.stdout.readline()
        (place / "data" / "postmaster.pid").write_text(f"{one.pid}\n{place}/data\n")
        scratch.remove(programs, Settings())  # type: ignore[arg-type]
        one.kill()
    assert programs.stopped == stopped, argument
    assert not place.exists()
    (place / "data").mkdir(parents=True)
    scratch.remove(programs, Settings())  # type: ignore[arg-type]
    assert programs.stopped == stopped
