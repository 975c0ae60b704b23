# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module prosody_storage: what it says and does, with a server that answers from a script and nothing that copies."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.storage import planner
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.storage.move import Moved
from ansible_collections.allthingslinux.xmpp.plugins.modules import prosody_storage
from ansible_collections.allthingslinux.xmpp.tests.unit.module_runner import run

HOST = "example.org"
COUNTS = {HOST: {"accounts": (2, 0), "archive": (0, 7)}}
SQLITE = {"driver": "SQLite3", "database": "prosody.sqlite"}
WANTED: dict[str, Any] = {"hosts": {HOST: {"storage": "sql", "sql": SQLITE}}, "database": SQLITE, "stamp": "s1"}


class Move:
    """What would carry it over."""

    before, after = "internal", "sqlite"

    def __init__(self) -> None:
        self.done, self.look_at = list[str](), planner.Look(COUNTS)

    def look(self) -> planner.Look:
        return self.look_at

    def copy(self, _service: Any) -> Moved:
        self.done.append("copy")
        return Moved(COUNTS, "/var/lib/prosody/before-s1", 1.5)

    def undo(self) -> None:
        self.done.append("undo")


class Socket:
    """A server with its data in files."""

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_all: object) -> None:
        pass

    def lua_json(self, _chunk: str) -> Any:
        return {HOST: {"driver": "internal", "data_path": "/var/lib/prosody", "accounts": 2}}


@pytest.fixture
def move(monkeypatch: pytest.MonkeyPatch) -> Move:
    found = Move()
    monkeypatch.setattr(connection, "connect", lambda _params: Socket())
    monkeypatch.setattr(prosody_storage, "prepared", lambda _module, _now: found)
    return found


def test_it_copies_and_says_what(move: Move) -> None:
    result = run(prosody_storage, **WANTED)
    assert (result["changed"], result["settled"], move.done) == (True, False, ["copy"])
    assert result["counts"] == {HOST: {"accounts": [2, 0], "archive": [0, 7]}}
    assert (result["aside"], result["seconds"]) == ("/var/lib/prosody/before-s1", 1.5)
    assert result["lines"][0] == "from files to SQLite: 2 entries and 7 messages"


def test_a_check_looks_alone(move: Move) -> None:
    result = run(prosody_storage, check=True, **WANTED)
    assert (result["changed"], result["lines"] != [], move.done) == (True, True, [])


def test_what_is_there_already_is_no_change(move: Move) -> None:
    result = run(prosody_storage, hosts={HOST: {"storage": "internal"}}, stamp="s1")
    assert (result["changed"], result["settled"], move.done) == (False, True, [])


@pytest.mark.parametrize(
    ("given", "look", "said"),
    [
        ({"hosts": {HOST: {"storage": "memory"}}}, planner.Look(COUNTS), "storage memory"),
        ({}, planner.Look(COUNTS, bytes=10**9, free=10**9), "1000 MB are free"),
        ({"stamp": "no; no"}, planner.Look(COUNTS), "stamp"),
    ],
)
def test_what_is_not_safe_is_refused_before_anything_stops(
    move: Move, given: dict[str, Any], look: planner.Look, said: str
) -> None:
    move.look_at = look
    result = run(prosody_storage, **{**WANTED, **given})
    assert result["failed"]
    assert said in result["msg"]
    assert move.done == []


def test_a_prosody_that_does_not_run_is_to_be_started(move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_params: Any) -> Any:
        raise AdminUnavailable("nobody is there", "refused")

    monkeypatch.setattr(connection, "connect", refused)
    assert "systemctl start prosody" in run(prosody_storage, **WANTED)["msg"]


def test_a_copy_is_taken_back_also_where_a_domain_came_in_between(move: Move) -> None:
    assert run(prosody_storage, check=True, undo=True, **WANTED)["changed"]
    assert move.done == []
    assert run(prosody_storage, undo=True, **WANTED)["changed"]
    assert move.done == ["undo"]


def test_who_takes_back_waits_for_a_server_that_was_just_started(move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = list[int]()

    def later(_params: Any) -> Socket:
        tries.append(1)
        if len(tries) < 3:
            raise AdminUnavailable("nobody is there", "refused")
        return Socket()

    monkeypatch.setattr(connection, "connect", later)
    monkeypatch.setattr(prosody_storage.time, "sleep", lambda _seconds: None)
    assert run(prosody_storage, undo=True, **WANTED)["changed"]
    assert (len(tries), move.done) == (3, ["undo"])
