# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Processor time, memory, open files and restarts of each service, from systemd, its control groups and /proc.

python3 -m …monitor.services RESULT UNIT…: needs root, to count the open files of others.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor.textfile import Metric, Sample, render, write

ACTIVE = Metric("xmpp_service_active", "gauge", "Whether the unit runs.")
RESTARTS = Metric("xmpp_service_restarts_total", "counter", "How often systemd restarted the unit by itself.")
MEMORY = Metric(
    "xmpp_service_memory_bytes", "gauge", "Memory of all processes of the unit that is their own or shared."
)
CPU = Metric("xmpp_service_cpu_seconds_total", "counter", "Processor time of the unit since its start.")
FILES = Metric("xmpp_service_open_files", "gauge", "Open files of the main process of the unit.")
MOST_FILES = Metric("xmpp_service_max_open_files", "gauge", "How many files the main process may open.")
PROCESSES = Metric("xmpp_service_processes", "gauge", "Processes of the unit.")
PROPERTIES = "Id,LoadState,ActiveState,NRestarts,MainPID,ControlGroup,CPUUsageNSec"


def blocks(text: str) -> list[dict[str, str]]:
    """In: output of systemctl show for several units. Out: the properties of each."""
    return [
        dict(line.partition("=")[::2] for line in block.splitlines() if "=" in line)
        for block in text.strip().split("\n\n")
        if block.strip()
    ]


def most_files(limits: str) -> float | None:
    """In: /proc/PID/limits. Out: the soft limit of open files, None where there is none."""
    for line in limits.splitlines():
        if line.startswith("Max open files"):
            value = line.split()[3]
            return None if value == "unlimited" else float(value)
    return None


def memory(status: Iterable[str]) -> int:
    """In: texts of /proc/PID/status. Out: bytes in memory, with what is shared (a database's buffers) counted once."""
    own = shared = 0
    for text in status:
        fields = dict(line.partition(":")[::2] for line in text.splitlines())
        own += _kilobytes(fields.get("RssAnon", ""))
        shared = max(shared, _kilobytes(fields.get("RssShmem", "")) + _kilobytes(fields.get("RssFile", "")))
    return (own + shared) * 1024


def _kilobytes(text: str) -> int:
    return int(text.split()[0]) if text.split() else 0


def samples_of(unit: Mapping[str, str], proc: Path, cgroups: Path) -> list[Sample]:
    """In: properties of a unit; where /proc and the control groups are. Out: what is known of it."""
    labels = {"unit": unit["Id"].removesuffix(".service")}
    active = unit.get("ActiveState") in ("active", "reloading")
    found = [Sample(ACTIVE, active, labels), Sample(RESTARTS, float(unit.get("NRestarts") or 0), labels)]
    main_process = proc / unit.get("MainPID", "0")
    if not active or not unit.get("ControlGroup") or main_process.name == "0":
        return found
    if unit.get("CPUUsageNSec", "").isdigit():
        found.append(Sample(CPU, int(unit["CPUUsageNSec"]) / 1e9, labels))
    texts = []
    for number in _processes(cgroups / unit["ControlGroup"].lstrip("/")) or [main_process.name]:
        try:
            texts.append((proc / number / "status").read_text(encoding="utf-8"))
        except OSError:
            continue
    found += [Sample(MEMORY, memory(texts), labels), Sample(PROCESSES, len(texts), labels)]
    try:
        found.append(Sample(FILES, sum(1 for _file in (main_process / "fd").iterdir()), labels))
        most = most_files((main_process / "limits").read_text(encoding="utf-8"))
    except OSError:
        return found
    return found if most is None else [*found, Sample(MOST_FILES, most, labels)]


def _processes(group: Path) -> list[str]:
    try:
        return (group / "cgroup.procs").read_text(encoding="utf-8").split()
    except OSError:
        return []


def main(arguments: list[str]) -> int:
    """In: path of the result, names of the units."""
    command = ["systemctl", "show", f"--property={PROPERTIES}", *arguments[1:]]
    # a program of its own under systemd: there is no AnsibleModule
    shown = subprocess.run(  # pylint: disable=ansible-bad-function
        command, capture_output=True, text=True, timeout=20, check=True
    ).stdout
    found = [
        sample
        for unit in blocks(shown)
        if unit.get("LoadState") == "loaded"
        for sample in samples_of(unit, Path("/proc"), Path("/sys/fs/cgroup"))
    ]
    write(Path(arguments[0]), render(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
