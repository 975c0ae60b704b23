# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on the controller runs as whoever deploys: never with sudo, whatever an inventory says of its hosts.

`ansible_become: true` of an inventory is stronger than the keyword `become: false` of a task; only a variable of the
task is stronger (Ansible, "Variable precedence").
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/*.yml"), *ROOT.glob("molecule/**/*.yml")])


def delegated(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping below `node` that is a task for the controller."""
    if isinstance(node, dict):
        if node.get("delegate_to") == "localhost" or "local_action" in node:
            yield node
        for value in node.values():
            yield from delegated(value)
    elif isinstance(node, list):
        for item in node:
            yield from delegated(item)


TASKS = [
    pytest.param(task, id=f"{path.relative_to(ROOT)}: {task.get('name')}")
    for path in FILES
    for task in delegated(yaml.safe_load(path.read_text(encoding="utf-8")))
]


def test_there_are_tasks_for_the_controller():
    assert len(TASKS) > 5


@pytest.mark.parametrize("task", TASKS)
def test_a_task_for_the_controller_says_how_it_runs_there(task):
    given = task.get("vars", {})
    assert given.get("ansible_connection") == "local"
    assert given.get("ansible_become") is False


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody whose sudo lets nothing through, and says that it was asked."""
    for directory in ("bin", "home"):
        (tmp_path / directory).mkdir()
    sudo = tmp_path / "bin" / "sudo"
    sudo.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\necho 'sudo: a password is required' >&2\nexit 1\n")
    sudo.chmod(0o755)
    home = tmp_path / "home"
    return {
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "HOME": str(home),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_LOCAL_TEMP": str(home / "local"),
        "ANSIBLE_REMOTE_TEMP": str(home / "remote"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache"),
        "LC_ALL": "C.UTF-8",
    }


@pytest.mark.parametrize("fast", [False, True], ids=["ansible", "mitogen"])
def test_an_operator_without_sudo_gets_the_summary(tmp_path, environment, fast):
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(
        "all:\n  vars: {ansible_become: true, ansible_become_user: somebody, xmpp_domain: op.example}\n"
        "  children: {prosody: {hosts: {xmpp1: {ansible_host: 192.0.2.1}}}}\n"
    )
    if fast:
        strategies = list(Path(sys.prefix).glob("lib/python3*/site-packages/ansible_mitogen/plugins/strategy"))
        if not strategies:
            pytest.skip("no Mitogen here")
        environment |= {"ANSIBLE_STRATEGY": "mitogen_linear", "ANSIBLE_STRATEGY_PLUGINS": str(strategies[0])}
    summary = tmp_path / "home" / "summary.txt"
    done = subprocess.run(
        [
            *[sys.executable, "-m", "ansible", "playbook", "-i", str(inventory), str(ROOT / "playbooks/summary.yml")],
            *["-e", f"xmpp_summary_file={summary}"],
        ],
        env=environment,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "asked").exists()
    assert "op.example" in summary.read_text()
