# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What systemd counts of a unit, counted by its processes where there is none: beside services in containers.

Their traffic is not to be told apart there, since they share a network.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor.textfile import write

#: property of a unit here alone: the numbers of its processes
MEMBERS = "Processes"


def fields(stat: str) -> list[str]:
    """In: /proc/PID/stat. Out: what follows the name of the program, from the state on (proc_pid_stat(5), field 3)."""
    return stat.rpartition(")")[2].split()


def tree(stats: Mapping[str, str], root: str) -> list[str]:
    """In: number of each process → /proc/NUMBER/stat; the first one. Out: that one, and all that come from it."""
    found = [root] if root in stats else []
    for number in found:
        found += [child for child, stat in stats.items() if fields(stat)[1] == number]
    return found


def processor_seconds(stats: Iterable[str], ticks: int) -> float:
    """In: texts of /proc/PID/stat; ticks of a second. Out: what they used, and those of their children that ended."""
    return sum(sum(map(int, fields(stat)[11:15])) for stat in stats) / ticks


def counted(
    unit: Mapping[str, str], stats: Mapping[str, str], before: Sequence[object], ticks: int
) -> tuple[dict[str, str], tuple[str, int]]:
    """In: properties of a unit; all processes; when its main one started at the last look, and how often that was new.

    Out: the properties with what systemd would have counted; what is to be known at the next look.
    """
    main = unit.get("MainPID", "0")
    last, times = (str(before[0]), int(str(before[1]))) if len(before) == 2 else ("", 0)
    start = fields(stats[main])[19] if main in stats else ""
    times += bool(last and start and last != start)
    found = {**unit, "NRestarts": str(times)}
    if start:
        ours = tree(stats, main)
        used = processor_seconds((stats[number] for number in ours), ticks)
        found |= {"CPUUsageNSec": str(round(used * 1e9)), MEMBERS: " ".join(ours)}
    return found, (start or last, times)


def complete(units: Iterable[Mapping[str, str]], proc: Path, notes: Path) -> list[dict[str, str]]:
    """The properties of units, completed where systemd did not count. notes: a file for what the next look has to know.

    Raises OSError.
    """
    found = [dict(unit) for unit in units]
    if all(unit.get("NRestarts") for unit in found):
        return found
    try:
        before = json.loads(notes.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        before = {}
    stats, now = _stats(proc), {}
    for place, unit in enumerate(found):
        if not unit.get("NRestarts"):
            name = unit["Id"]
            found[place], now[name] = counted(unit, stats, before.get(name, ()), os.sysconf("SC_CLK_TCK"))
    write(notes, json.dumps(now))
    return found


def _stats(proc: Path) -> dict[str, str]:
    found = {}
    for path in proc.glob("[0-9]*/stat"):
        try:
            found[path.parent.name] = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            # it ended
            continue
    return found
