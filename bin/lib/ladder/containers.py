# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers of scenarios: what they use of the processors, and that none is left behind."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException

from .rung import Rung

# not there yet, busy, or a container is gone between two questions (what requests raises is an OSError)
_FAULTS = (DockerException, OSError, KeyError, ValueError)


def owner(container: str, rungs: Collection[Rung]) -> str | None:
    """Out: the rung that a container belongs to. Its own name says so, or that it begins with that of one of its hosts.

    Where two fit, it belongs to the longer name: xmpp-spread-db-1 to xmpp-spread-db, not to xmpp-spread.
    """
    fits = [
        (len(name), rung.name)
        for rung in rungs
        for name in rung.containers
        if container == name or container.startswith(f"{name}-")
    ]
    return max(fits)[1] if fits else None


class Usage:
    """Processor seconds of containers, from readings of counters that begin anew with each start of one."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], float] = {}
        self._before: dict[tuple[str, str], float] = defaultdict(float)

    def note(self, rung: str, container: str, seconds: float) -> None:
        """In: what the counter of a container of a rung shows."""
        key = (rung, container)
        if seconds < self._last.get(key, 0.0):
            self._before[key] += self._last[key]
        self._last[key] = seconds

    def of(self, rung: str) -> float:
        """Out: the seconds of all containers that the rung had."""
        return sum(last + self._before[key] for key, last in self._last.items() if key[0] == rung)


def group_of(text: str) -> str:
    """In: /proc/PID/cgroup of the first process of a container. Out: the group (of version 2) of the whole container.

    systemd is in a group of its own below it.
    """
    (path,) = (line[3:] for line in text.splitlines() if line.startswith("0::"))
    return path.removesuffix("/init.scope").lstrip("/")


def counted(pid: int, proc: Path = Path("/proc")) -> float:
    """Out: the seconds that the control group of a container of this machine shows. In: its first process."""
    mounts = [line.split() for line in (proc / "mounts").read_text(encoding="utf-8").splitlines()]
    for top in (Path(fields[1]) for fields in mounts if fields[2] == "cgroup2"):
        file = top / group_of((proc / str(pid) / "cgroup").read_text(encoding="utf-8")) / "cpu.stat"
        if file.exists():
            return int(file.read_text(encoding="utf-8").split()[1]) / 1e6
    return 0.0


class Engine:
    """The Docker engine. It may not be there yet, or busy: what cannot be asked is left out."""

    def __init__(self) -> None:
        self._client: Any = None

    def _api(self) -> Any:
        if self._client is None:
            self._client = docker.from_env(timeout=10)
        return self._client.api

    def read(self, rungs: Collection[Rung], usage: Usage) -> None:
        """Note what the containers of the rungs have used until now."""
        with contextlib.suppress(*_FAULTS):
            for container in self._api().containers():
                rung = owner(container["Names"][0].lstrip("/"), rungs)
                if rung:
                    usage.note(rung, container["Id"], self._seconds(container["Id"]))

    def _seconds(self, container: str) -> float:
        """Out: what a container has used. Where there are two versions of control groups, the engine does not know."""
        stats = self._api().stats(container, stream=False, one_shot=True)
        told = stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
        return told or counted(self._api().inspect_container(container)["State"]["Pid"])

    def remove(self, rungs: Collection[Rung]) -> Mapping[str, str]:
        """Remove what scenarios left: containers with their volumes, and networks. Out: what was not, and why."""
        kept: dict[str, str] = {}
        try:
            api = self._api()
            for container in api.containers(all=True):
                name = container["Names"][0].lstrip("/")
                if owner(name, rungs):
                    _try(kept, name, partial(api.remove_container, container["Id"], v=True, force=True))
            wanted = {network for rung in rungs for network in rung.networks}
            for network in api.networks():
                if network["Name"] in wanted:
                    _try(kept, network["Name"], partial(api.remove_network, network["Id"]))
        except _FAULTS as error:
            kept["containers"] = str(error)
        return kept


def _try(kept: dict[str, str], name: str, what: Callable[[], Any]) -> None:
    try:
        what()
    except _FAULTS as error:
        kept[name] = str(error)
