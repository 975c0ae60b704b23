# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that is watched, as its tests see it: what Prometheus knows, and what the operator was told."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until_empty

# Where receiver.py, which stands for the operator, writes what comes
NOTES = "/root/received.jsonl"
FETCH = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())"


def fetch(host: Any, url: str) -> str:
    """Out: what the URL gives, asked on the host itself."""
    return host.check_output("python3 -c %s %s", FETCH, url)


def query(host: Any, expression: str) -> list[dict[str, Any]]:
    """Out: the result of an expression, as Prometheus gives it."""
    answer = json.loads(fetch(host, f"http://127.0.0.1:9090/api/v1/query?query={quote(expression)}"))
    return answer["data"]["result"]


# The disk of the machine on which containers run fills for reasons of its own
FIRING = 'ALERTS{alertstate="firing", mountpoint!="/"}'


def firing(host: Any) -> set[str]:
    """Out: the alerts that fire now, without the one that always does."""
    return {sample["metric"]["alertname"] for sample in query(host, FIRING)} - {"XmppWatchdog"}


def fired(host: Any, seconds: float) -> set[str]:
    """Out: the alerts that fired at some time in the last seconds."""
    found = query(host, f"max_over_time({FIRING}[{max(1, int(seconds))}s])")
    return {sample["metric"]["alertname"] for sample in found}


def told(host: Any, kind: str, text: str) -> bool:
    """Whether something with this text came to the operator. kind: "alerts", "mail", "heartbeat"."""
    notes = [json.loads(line) for line in host.run(f"cat {NOTES}").stdout.splitlines()]
    return any(note["kind"] == kind and text in note["text"] for note in notes)


def put(host: Any, path: str, text: str) -> None:
    """Write a file on the host."""
    host.check_output("mkdir -p $(dirname %s) && printf %%s %s > %s", path, text, path)


def wait_for(wanted: set[str], found: Callable[[], set[str]], seconds: float) -> None:
    """Wait until `found` has all that is wanted. Raises AssertionError with what is missing."""
    end = time.monotonic() + seconds
    while missing := wanted - found():
        assert time.monotonic() < end, f"not within {seconds} s: {', '.join(sorted(missing))}"
        time.sleep(3)


def wait_until_gone(host: Any, alerts: set[str], seconds: float) -> None:
    """Wait until none of the alerts fires. Raises AssertionError with those that do."""
    wait_until_empty(lambda: sorted(firing(host) & alerts), seconds, 3)
