# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Processor time, memory, open files, traffic and restarts of each service, from systemd, its control groups and /proc.

coturn, which has no metrics in Debian's build, is asked for nothing: its relays are the UDP ports that it holds open.
Where there is no systemd, `processes` counts what it would have counted.

python3 -m …monitor.services RESULT UNIT…: needs root, to count the open files of others. A unit with a hyphen before
its name is one that this host need not have: it counts where it is enabled.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor.processes import MEMBERS, complete
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
RECEIVED = Metric("xmpp_service_received_bytes_total", "counter", "Bytes over IP that came to the unit.")
SENT = Metric("xmpp_service_sent_bytes_total", "counter", "Bytes over IP that the unit sent.")
RELAYS = Metric("xmpp_turn_relays", "gauge", "Relays that the TURN server holds open.")
PROPERTIES = "Id,ActiveState,UnitFileState,NRestarts,MainPID,ControlGroup,CPUUsageNSec,IPIngressBytes,IPEgressBytes"


def blocks(text: str) -> list[dict[str, str]]:
    """In: output of systemctl show for several units. Out: the properties of each."""
    return [
        dict(line.partition("=")[::2] for line in block.splitlines() if "=" in line)
        for block in text.strip().split("\n\n")
        if block.strip()
    ]


def expected(units: Iterable[Mapping[str, str]], asked: Iterable[str]) -> list[Mapping[str, str]]:
    """In: properties of units; their names, as they were asked for. Out: those that this host is to run."""
    optional = {name[1:].removesuffix(".service") for name in asked if name.startswith("-")}
    return [
        unit
        for unit in units
        if unit["Id"].removesuffix(".service") not in optional or unit.get("UnitFileState") == "enabled"
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


def relay_ports(config: str) -> range:
    """In: configuration of coturn. Out: the ports on which it relays."""
    found = {"min-port": 49152, "max-port": 65535}
    for line in config.splitlines():
        name, _equals, value = line.partition("=")
        if name.strip() in found and value.strip().isdigit():
            found[name.strip()] = int(value)
    return range(found["min-port"], found["max-port"] + 1)


def relays(table: str, user: str, ports: range) -> int:
    """In: /proc/net/udp or udp6; number of the user of coturn; ports. Out: how many of the ports that user has open."""
    sockets = [line.split() for line in table.splitlines()[1:]]
    return sum(len(one) > 7 and one[7] == user and int(one[1].rpartition(":")[2], 16) in ports for one in sockets)


def relays_of(process: Path) -> list[int]:
    """In: /proc/PID of a service. Out: the number of its relays if it is coturn; its network may be one of its own."""
    try:
        if _read(process / "comm").strip() != "turnserver":
            return []
        arguments = _read(process / "cmdline").split("\0")
        config = Path(arguments[arguments.index("-c") + 1] if "-c" in arguments else "/etc/turnserver.conf")
        # one that was put together where only coturn sees it: its ports stand in what it was made of
        ports = relay_ports(_read(config if config.exists() else Path("/etc/xmpp/coturn/turnserver.conf")))
        user = dict(line.partition(":")[::2] for line in _read(process / "status").splitlines())["Uid"].split()[0]
        tables = [_read(path) for path in (process / "net/udp", process / "net/udp6") if path.exists()]
    except OSError:
        return []
    return [sum(relays(table, user, ports) for table in tables)]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _kilobytes(text: str) -> int:
    return int(text.split()[0]) if text.split() else 0


def samples_of(unit: Mapping[str, str], proc: Path, cgroups: Path) -> list[Sample]:
    """In: properties of a unit; where /proc and the control groups are. Out: what is known of it."""
    labels = {"unit": unit["Id"].removesuffix(".service")}
    active = unit.get("ActiveState") in ("active", "reloading")
    found = [Sample(ACTIVE, active, labels), Sample(RESTARTS, float(unit.get("NRestarts") or 0), labels)]
    main_process = proc / unit.get("MainPID", "0")
    numbers = unit.get(MEMBERS, "").split()
    if not active or not (unit.get("ControlGroup") or numbers) or main_process.name == "0":
        return found
    # what systemd does not count has no number there
    for metric, name, scale in (
        (CPU, "CPUUsageNSec", 1e9),
        (RECEIVED, "IPIngressBytes", 1),
        (SENT, "IPEgressBytes", 1),
    ):
        if unit.get(name, "").isdigit():
            found.append(Sample(metric, int(unit[name]) / scale, labels))
    texts = []
    for number in numbers or _processes(cgroups / unit["ControlGroup"].lstrip("/")) or [main_process.name]:
        try:
            texts.append((proc / number / "status").read_text(encoding="utf-8"))
        except OSError:
            continue
    found += [Sample(MEMORY, memory(texts), labels), Sample(PROCESSES, len(texts), labels)]
    found += [Sample(RELAYS, number, labels) for number in relays_of(main_process)]
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
    asked = arguments[1:]
    command = ["systemctl", "show", f"--property={PROPERTIES}", *(name.removeprefix("-") for name in asked)]
    # a program of its own under systemd: there is no AnsibleModule
    shown = subprocess.run(  # pylint: disable=ansible-bad-function
        command, capture_output=True, text=True, timeout=20, check=True
    ).stdout
    result, proc = Path(arguments[0]), Path("/proc")
    units = complete(expected(blocks(shown), asked), proc, result.with_suffix(".json"))
    write(result, render(sample for unit in units for sample in samples_of(unit, proc, Path("/sys/fs/cgroup"))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
