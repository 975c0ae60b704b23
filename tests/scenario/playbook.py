# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a playbook against the hosts of a Molecule scenario, as an operator does with bin/deploy --fast.

Molecule's own runs (check, converge, idempotence) have Ansible's own strategy, so that both are proved.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
_TASKS = re.compile(r"^TASK \[(.*?)\] \**$|^changed: (.*)$", re.MULTILINE)
_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """What a run of ansible-playbook gave: exit code, everything it printed, and the changed tasks of each host."""

    code: int
    output: str

    @property
    def changed(self) -> dict[str, int]:
        """Out: host → number of changed tasks, read from the recap. Raises AssertionError where there is none."""
        recap = {match[1]: int(match[3]) for match in _RECAP.finditer(self.output)}
        assert recap, f"no recap in the output:\n{self.output[-3000:]}"
        return recap

    def assert_ok(self) -> Run:
        """Out: itself. Raises AssertionError with the end of the output where the run failed."""
        assert self.code == 0, self.output[-6000:]
        return self

    def assert_unchanged(self) -> Run:
        """Out: itself. Raises AssertionError where the run failed or a task changed (or would change) anything."""
        self.assert_ok()
        assert not any(self.changed.values()), f"changed: {self.changed_tasks}\n{self.output[-6000:]}"
        return self

    @property
    def changed_tasks(self) -> list[str]:
        """Out: task and host of each line that says changed, in the order of the output."""
        task, found = "", []
        for match in _TASKS.finditer(self.output):
            task = match[1] or task
            if match[2]:
                found.append(f"{task} {match[2]}")
        return found


def environment(**more: str) -> dict[str, str]:
    """Out: the environment of ansible-playbook with Mitogen's strategy, as bin/deploy --fast sets it, and `more`."""
    (strategies,) = Path(sys.prefix).glob("lib/python3*/site-packages/ansible_mitogen/plugins/strategy")
    return {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_STRATEGY": "mitogen_linear",
        "ANSIBLE_STRATEGY_PLUGINS": str(strategies),
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        **more,
    }


def playbook(name: str, *options: str, timeout: int = 600) -> Run:
    """Run playbooks/<name>.yml (or a path) on the scenario's inventory; in: further options of ansible-playbook."""
    path = Path(name) if "/" in name else ROOT / "playbooks" / f"{name}.yml"
    done = subprocess.run(
        _command(path, *options),
        cwd=ROOT,
        # Molecule forces colours on, and they would stand inside of the recap
        env=environment(ANSIBLE_FORCE_COLOR="0", ANSIBLE_NOCOLOR="1"),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
    )
    return Run(done.returncode, done.stdout)


@dataclass(frozen=True)
class Results:
    """What a run gave, as data: exit code, what it printed, and (task, result) for each host and item in order."""

    code: int
    output: str
    tasks: list[tuple[str, dict[str, Any]]]


def results(path: Path, *options: str, timeout: int = 600, **more: str) -> Results:
    """Run a playbook on the scenario's inventory; more: of the environment. Out: what each task gave."""
    done = subprocess.run(
        _command(path, *options),
        cwd=ROOT,
        env=environment(ANSIBLE_STDOUT_CALLBACK="ansible.posix.json", **more),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    found = re.search(r"(?m)^\{", done.stdout)
    assert found, done.stdout + done.stderr
    return Results(done.returncode, done.stdout + done.stderr, list(_tasks(json.loads(done.stdout[found.start() :]))))


def module(host: str, name: str, options: dict[str, Any]) -> str:
    """Run a module of the collection once; out: all that it printed."""
    command = ["ansible", host, "-i", os.environ["MOLECULE_INVENTORY_FILE"], "-m", f"allthingslinux.xmpp.{name}"]
    done = subprocess.run(
        [*command, "-a", json.dumps(options)],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        text=True,
        capture_output=True,
        check=False,
    )
    return done.stdout + done.stderr


def _command(path: Path, *options: str) -> list[str]:
    return ["ansible-playbook", "-i", os.environ["MOLECULE_INVENTORY_FILE"], str(path), *options]


def _tasks(told: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for task in (task for play in told["plays"] for task in play["tasks"]):
        for result in task["hosts"].values():
            for one in result.get("results") or [result]:
                yield task["task"]["name"], one
