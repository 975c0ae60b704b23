# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a playbook of the collection against the hosts of a Molecule scenario, as an operator would."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
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
        assert not any(self.changed.values()), self.output[-6000:]
        return self


def playbook(name: str, *options: str, timeout: int = 600) -> Run:
    """Run playbooks/<name>.yml (or a path) on the scenario's inventory; in: further options of ansible-playbook."""
    path = Path(name) if "/" in name else ROOT / "playbooks" / f"{name}.yml"
    command = ["ansible-playbook", "-i", os.environ["MOLECULE_INVENTORY_FILE"], str(path), *options]
    # Molecule forces colours on, and they would stand inside of the recap
    colours = {"ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1"}
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **colours}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
    )
    return Run(done.returncode, done.stdout)
