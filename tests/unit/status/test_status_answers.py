# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts answer to playbook status, also those that do not."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.filter.xmpp import xmpp_status, xmpp_status_seen

CONDITION: dict[str, Any] = {"units": {"prosody": "active"}, "packages": {}, "lists_age": 60, "disks": []}
SKIPPED = {"skipped": True, "changed": False}
STATE = {"a": 1}


def prometheus(*results: list[Any]) -> dict[str, Any]:
    return {"results": [{"json": {"data": {"result": result}}} for result in results]}


ALERT = {"metric": {"alertname": "XmppDown", "severity": "critical", "domain": "chat.test"}, "value": [0, "1"]}
FIGURES = [[{"metric": {}, "value": [0, number]}] for number in ("1795000000", "11", "12")]


def test_everything_is_sorted() -> None:
    hosts: dict[str, dict[str, Any]] = {
        "one": {
            "host": CONDITION,
            "prosody": {"running": True},
            "databases": {"rc": 0, "stdout_lines": ["prosody|8017587", "odd|name|7"]},
            "backup": {"content": base64.b64encode(json.dumps(STATE).encode()).decode()},
            "watched": SKIPPED,
        },
        "three": {"host": CONDITION, "contained": True},
        "two": {"host": CONDITION, "prosody": SKIPPED, "watched": prometheus([ALERT], *FIGURES)},
    }
    seen = xmpp_status_seen(hosts)
    assert seen["hosts"] == {"one": CONDITION, "two": CONDITION, "three": {**CONDITION, "contained": True}}
    assert seen["prosody"] == {"one": {"running": True}}
    assert seen["databases"] == {"one": [["prosody", "8017587"], ["odd|name", "7"]]}
    assert seen["backups"] == {"one": STATE}
    assert seen["alerts"] == [{"name": "XmppDown", "severity": "critical", "where": "chat.test"}]
    assert seen["probe"] == ["1795000000", "11", "12"]
    assert seen["unreachable"] == []


@pytest.mark.parametrize(
    "watched",
    [
        {"results": [{"status": -1, "msg": "Connection refused"}] * 4},
        {"results": [{"json": {"error": "unavailable"}}] * 4},
        {"failed": True, "msg": "no"},
        SKIPPED,
        {},
        None,
    ],
)
def test_a_prometheus_that_does_not_answer_takes_nothing_else_along(watched: Any) -> None:
    seen = xmpp_status_seen({"one": {"host": CONDITION, "prosody": {"running": True}, "watched": watched}})
    assert seen["alerts"] is None
    assert "probe" not in seen
    screen = "\n".join(xmpp_status(seen, now=1_795_000_000.0))
    assert "one: prosody active" in screen
    assert "nobody watches" in screen


@pytest.mark.parametrize("answer", [None, {"unreachable": True}, {}, {"failed": True, "msg": "no such container"}])
def test_a_host_that_is_away_is_named(answer: Any) -> None:
    seen = xmpp_status_seen({"one": {"host": answer, "prosody": {"unreachable": True}}, "two": {"host": CONDITION}})
    assert seen["unreachable"] == ["one"]
    assert list(seen["hosts"]) == ["two"]


@pytest.mark.parametrize("backup", [{"content": "e30"}, {"content": "bm90IGpzb24="}, {"msg": "file not found"}])
def test_a_state_of_backups_that_is_none_is_not_shown(backup: Any) -> None:
    assert xmpp_status_seen({"one": {"host": CONDITION, "backup": backup}})["backups"] == {}


def test_a_prosody_and_databases_that_do_not_answer() -> None:
    answers = {
        "host": CONDITION,
        "prosody": {"failed": True},
        "databases": {"rc": 2, "stdout_lines": ["psql: error | no"]},
    }
    seen = xmpp_status_seen({"one": answers})
    assert seen["prosody"] == {"one": {"running": False}}
    assert seen["databases"] == {}
