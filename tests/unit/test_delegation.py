# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on the controller runs as whoever deploys: never with sudo, whatever an inventory says of its hosts.

`ansible_become: true` of an inventory is stronger than the keyword `become: false` of a task; only a variable of the
task is stronger (Ansible, "Variable precedence").
"""

from __future__ import annotations

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
