# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the Prometheus of a host, on the host itself, as somebody who came through a tunnel would."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

FETCH = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())"


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus that listens on loopback of a host of testinfra."""

    host: Any
    port: int = 9090

    def fetch(self, path: str) -> str:
        """Out: what is at the path. Raises AssertionError where that is an error."""
        text: str = self.host.check_output("python3 -c %s %s", FETCH, f"http://127.0.0.1:{self.port}{path}")
        return text

    def answers(self) -> bool:
        """Whether it has begun to answer, which is a while after its process has."""
        return bool(self.host.run("python3 -c %s %s", FETCH, f"http://127.0.0.1:{self.port}/-/ready").rc == 0)

    def get(self, path: str) -> Any:
        """In: a path below /api/v1. Out: its data."""
        return json.loads(self.fetch(f"/api/v1/{path}"))["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Out: the samples of an expression, each with "metric" (labels) and "value"."""
        result: list[dict[str, Any]] = self.get(f"query?query={quote(expression)}")["result"]
        return result

    def firing(self, name: str) -> list[dict[str, str]]:
        """Out: the labels of each alert of the name that fires."""
        return [one["metric"] for one in self.query(f'ALERTS{{alertname="{name}",alertstate="firing"}}')]

    def targets(self) -> dict[tuple[str, str], str]:
        """Out: (job, instance) → "up", or why not."""
        return {
            (one["labels"]["job"], one["labels"]["instance"]): one["lastError"] or one["health"]
            for one in self.get("targets?state=active")["activeTargets"]
        }

    def all_up(self, least: int) -> bool:
        """Whether there are so many targets, and each was fetched."""
        states = list(self.targets().values())
        return len(states) >= least and set(states) == {"up"}
