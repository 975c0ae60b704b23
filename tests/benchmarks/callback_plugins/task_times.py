# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down when each task began, of which role and kind it is, and whether it was done at all."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: task_times
type: aggregate
short_description: When each task began
description:
  - Writes a line of JSON for each task to the file that the environment variable C(TASK_TIMES) names.
"""


class CallbackModule(CallbackBase):
    """What tests/benchmarks/noop.py reads."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_times"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[dict[str, Any]] = []

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        role = getattr(task, "_role", None)
        self._lines.append(
            {
                "at": time.monotonic(),
                "role": role.get_name().rpartition(".")[2] if role else "",
                "kind": str(task.action).rpartition(".")[2],
                "name": str(task.get_name()),
                "ran": 0,
                "changed": 0,
            }
        )

    def _ended(self, result: Any) -> None:
        if self._lines:
            self._lines[-1]["ran"] += 1
            self._lines[-1]["changed"] += bool(getattr(result, "_result", {}).get("changed"))

    def v2_runner_on_ok(self, result: Any) -> None:
        self._ended(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._ended(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        end = {"at": time.monotonic(), "role": "", "kind": "end", "name": "", "ran": 0, "changed": 0}
        text = "".join(json.dumps(line) + "\n" for line in [*self._lines, end])
        Path(os.environ["TASK_TIMES"]).write_text(text, encoding="utf-8")
