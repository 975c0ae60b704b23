# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module service_data: what it refuses, and what it says of what it did."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.moving.counts import MovingError
from ansible_collections.allthingslinux.xmpp.plugins.modules import service_data
from ansible_collections.allthingslinux.xmpp.tests.unit.module_runner import run

COUNTS = {"chat.example": {"accounts": 2}}


class Kept:
    """What is there."""

    done: ClassVar[list[str]] = []
    room = True

    def __init__(self, *_given: Any) -> None:
        self.done.clear()

    def count(self) -> dict[str, dict[str, int]]:
        return COUNTS

    def size(self) -> int:
        return 5

    def room_for(self, size: int) -> None:
        if not self.room:
            raise MovingError(f"no room for {size}")

    def save(self) -> None:
        self.done.append("save")

    def load(self, stamp: str) -> str:
        self.done.append(f"load {stamp}")
        return "aside"


@pytest.fixture(autouse=True)
def service(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    state = {"runs": False}

    class Service:
        def __init__(self, _run: Any) -> None:
            pass

        def is_active(self) -> bool:
            return state["runs"]

    monkeypatch.setattr(service_data, "Service", Service)
    monkeypatch.setattr(service_data, "Kept", Kept)
    monkeypatch.setattr(Kept, "room", True)
    return state


def test_what_runs_is_looked_at(service: dict[str, bool]) -> None:
    service["runs"] = True
    result = run(service_data, action="look")
    assert (result["changed"], result["counts"], result["size"]) == (False, COUNTS, 5)
    assert result["lines"] == ["  chat.example             accounts 2"]


def test_nothing_is_taken_from_where_nobody_is_served() -> None:
    assert "Prosody does not run here" in run(service_data, action="look")["msg"]


@pytest.mark.parametrize(
    ("action", "said"), [("ready", "cannot be replaced"), ("save", "cannot be saved"), ("load", "cannot be replaced")]
)
def test_a_server_that_runs_is_left_alone(service: dict[str, bool], action: str, said: str) -> None:
    service["runs"] = True
    assert said in run(service_data, action=action, counts=COUNTS)["msg"]
    assert Kept.done == []


def test_it_is_saved_and_loaded() -> None:
    saved = run(service_data, action="save")
    assert (saved["changed"], saved["counts"], Kept.done) == (True, COUNTS, ["save"])
    loaded = run(service_data, action="load", counts=COUNTS, stamp="s1")
    assert (loaded["changed"], loaded["aside"], Kept.done) == (True, "aside", ["load s1"])


def test_what_did_not_arrive_fails() -> None:
    result = run(service_data, action="load", counts={"chat.example": {"accounts": 3}})
    assert result["msg"] == "Not all arrived: chat.example, accounts: 3 before, 2 after"


@pytest.mark.parametrize("action", ["ready", "save"])
def test_there_has_to_be_room(monkeypatch: pytest.MonkeyPatch, action: str) -> None:
    assert run(service_data, action="ready", size=7)["changed"] is False
    monkeypatch.setattr(Kept, "room", False)
    assert "no room for" in run(service_data, action=action, size=7)["msg"]
    assert Kept.done == []


@pytest.mark.parametrize("action", ["save", "load"])
def test_a_check_does_nothing(action: str) -> None:
    assert run(service_data, check=True, action=action)["changed"] is True
    assert Kept.done == []


def test_a_stamp_is_no_path() -> None:
    assert "stamp: up to 20" in run(service_data, action="load", stamp="../x")["msg"]
