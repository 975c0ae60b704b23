# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of the benchmark of a run that changes nothing."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.allthingslinux.xmpp.tests.benchmarks.noop import empty, totals


def task(role: str, kind: str, ran: int, seconds: float) -> dict[str, Any]:
    return {"role": role, "kind": kind, "name": "x", "ran": ran, "changed": 0, "seconds": seconds}


TASKS = [
    task("prosody", "stat", 1, 1.0),
    task("prosody", "stat", 0, 0.25),
    task("", "debug", 1, 0.5),
    task("coturn", "managed_files", 2, 2.0),
]


def test_the_longest_comes_first() -> None:
    assert totals(TASKS, "role") == [("coturn", 1, 1, 2.0), ("prosody", 2, 1, 1.25), ("(playbook)", 1, 1, 0.5)]
    assert totals(TASKS, "kind")[1] == ("stat", 2, 1, 1.25)


def test_the_empty_play_has_as_many_tasks_of_each_sort() -> None:
    [play] = json.loads(empty(TASKS, "chat"))
    assert play["hosts"] == "chat"
    kinds = [(next(iter(one)), one.get("when", True)) for one in play["tasks"]]
    assert kinds.count(("ansible.builtin.ping", True)) == 2
    assert kinds.count(("ansible.builtin.debug", True)) == 1
    assert kinds.count(("ansible.builtin.ping", False)) == 1
    assert len(kinds) == len(TASKS)
