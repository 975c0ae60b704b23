# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services in other containers, as the keeper sees them without the engine: processes of one number space.

The first process of each container has no parent there (pid_namespaces(7)), and each service has a user of its own.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))
import unit_names

PROC = Path("/proc")
#: what the keeper was told of services, for who has not its environment
KNOWN = Path("/run/xmpp/services.json")


class Process(NamedTuple):
    """One that lives. name: comm; owner: a number; started: ticks since the machine did (proc_pid_stat(5))."""

    pid: int
    name: str
    owner: int
    started: int


def without_parent(proc: Path = PROC) -> Iterator[Process]:
    """Those that came in by the engine: what a container began with, and what was begun in it later, as a check."""
    for stat in proc.glob("[0-9]*/stat"):
        try:
            about, owner = stat.read_text("utf-8", "replace"), stat.parent.stat().st_uid
        except OSError:
            continue
        name, _close, rest = about.partition(" (")[2].rpartition(") ")
        state, parent, *fields = rest.split()
        if parent == "0" and state not in "ZX":
            yield Process(int(stat.parent.name), name, owner, int(fields[17]))


def first(user: int, program: str = "", proc: Path = PROC) -> int:
    """The number of the process that a container of this user began with; 0 where none runs.

    What a health check begins in it has no parent either, so it is the oldest one; program: how it is called (comm).
    """
    found = [(one.started, one.pid) for one in without_parent(proc) if one.owner == user and program in ("", one.name)]
    return min(found)[1] if found else 0


def known(path: Path = KNOWN) -> dict[str, dict[str, Any]]:
    """What there is to know of services; nothing where there is no keeper."""
    try:
        found: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))
        return found
    except OSError:
        return {}


class Processes:
    """services: name → its user (a number), reload (a signal), and perhaps program."""

    def __init__(self, services: Mapping[str, Mapping[str, Any]], proc: Path = PROC) -> None:
        self.services, self.proc = services, proc

    def pid(self, name: str) -> int:
        """The first process of a service; 0 where it does not run, or nobody knows of it."""
        about = self.services.get(name)
        return first(int(about["user"]), str(about.get("program", "")), self.proc) if about else 0

    def properties(self, unit: str, name: str) -> dict[str, str]:
        """What systemctl show would say, as far as anybody asks."""
        known, pid = name in self.services, self.pid(name)
        full = unit_names.full_name(unit)
        return {
            "Id": full,
            "Names": full,
            "LoadState": "loaded" if known else "not-found",
            "ActiveState": "active" if pid else "inactive",
            "SubState": "running" if pid else "dead",
            "UnitFileState": "enabled" if known else "",
            "MainPID": str(pid),
        }

    def reload(self, name: str) -> str:
        """Have it read its files again. Out: why that cannot be, or nothing."""
        pid = self.pid(name)
        if not pid:
            return f"{name} does not run"
        try:
            os.kill(pid, signal.Signals[f"SIG{self.services[name].get('reload', 'HUP')}"])
        except OSError as error:
            return f"{name} cannot be told: {error}"
        return ""
