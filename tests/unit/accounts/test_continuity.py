# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change would leave behind: readers, planner, and the module in check and in earnest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lupa.lua54 as lupa
import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts import continuity
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.continuity import Place, objections
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction import reading
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import ConfigUnreadable, Model
from ansible_collections.allthingslinux.xmpp.plugins.modules import prosody_continuity
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.places import places
from ansible_collections.allthingslinux.xmpp.tests.unit.module_runner import FakeSocket, run

D = "example.org"
POSTGRESQL = {"driver": "PostgreSQL", "database": "prosody", "host": "/run/postgresql"}
# as Prosody 13.0.1 answers; an empty Lua table is an empty list in JSON
ANSWER = {
    D: {
        "authentication": None,
        "password_hash": "SHA-256",
        "driver": "sql",
        "sql": {**POSTGRESQL, "port": 5432},
        "accounts": 4,
        "keys": {"length 64": 3, "length 40": 1, "length 0": 1},
    },
    "empty.example": {"driver": "internal", "sql": [], "accounts": 0, "keys": []},
    "blind.example": {"driver": "sql", "sql": POSTGRESQL, "accounts": 0, "keys": [], "unseen": "no database"},
}


def test_the_answer_of_a_server() -> None:
    assert continuity.answer(ANSWER) == {
        D: Place("internal_hashed", "SHA-256", "sql", POSTGRESQL, 4, {"SHA-256": 3, "SHA-1": 1}),
        "empty.example": Place(),
        "blind.example": Place(driver="sql", database=POSTGRESQL, accounts=None, unseen="no database"),
    }


@pytest.mark.parametrize("data", [None, [], "text", 5])
def test_an_answer_that_is_none(data: Any) -> None:
    with pytest.raises(XmppError, match="where its hosts were asked for"):
        continuity.answer(data)


def test_the_question_is_one_short_line_of_lua() -> None:
    question = continuity.question()
    assert "\n" not in question
    assert len(question) < 9000
    assert lupa.LuaRuntime().eval("function(text) return load(text) ~= nil end")(question)


def test_the_password_of_a_database_is_not_kept() -> None:
    assert continuity.database({**POSTGRESQL, "password": "hunter2", "port": "5433"}) == {**POSTGRESQL, "port": "5433"}


HASHED = Place(password_hash="SHA-1", accounts=3, keys={"SHA-1": 3})
NEW = Place(password_hash="SHA-256")
SQL = Place(password_hash="SHA-1", driver="sql", database=POSTGRESQL)

# (now, then, kinds objected to, words in the text)
CASES: list[tuple[Place, Place | None, list[str], str]] = [
    (HASHED, Place(password_hash="SHA-1"), [], ""),
    (HASHED, NEW, ["password_hash"], "3 of the 3 that were looked at with a password kept as SHA-1"),
    (Place(password_hash="SHA-1", accounts=0), NEW, [], ""),
    # the data counts, not what the configuration says
    (Place(password_hash="SHA-256", accounts=2, keys={"SHA-1": 1, "SHA-256": 1}), NEW, ["password_hash"], "1 of the 2"),
    (Place(password_hash="SHA-1", accounts=2, keys={"SHA-256": 2}), NEW, [], ""),
    (Place(password_hash="SHA-1", accounts=2), NEW, [], ""),  # accounts without a password
    (Place(accounts=None, unseen="no database", password_hash="SHA-1"), NEW, ["password_hash"], "no database"),
    (Place(accounts=None, unseen="no database", password_hash="SHA-256"), NEW, [], ""),
    (Place(accounts=1), SQL, ["storage"], "has 1 account in storage internal; with PostgreSQL database prosody on"),
    (Place(accounts=1000), SQL, ["storage"], "1000 or more accounts"),
    (Place(accounts=None, unseen="x", driver="sql", database=POSTGRESQL), Place(), ["storage"], "cannot be counted"),
    (
        Place(password_hash="SHA-1", driver="sql", database=POSTGRESQL, accounts=1, keys={"SHA-1": 1}),
        SQL,
        [],
        "",
    ),
    (
        Place(driver="sql", database={**POSTGRESQL, "database": "old"}, accounts=1),
        SQL,
        ["storage"],
        "PostgreSQL database old on /run/postgresql",
    ),
    (Place(accounts=1), Place(authentication="ldap"), ["authentication"], "ldap does not know"),
    (Place(authentication="ldap", accounts=1), Place(authentication="ldap", password_hash="SHA-256"), [], ""),
    (Place(accounts=2), None, ["hosts"], "is not among the wanted hosts"),
    (Place(accounts=0), None, [], ""),
    (Place(accounts=None, unseen="x"), None, [], ""),
]


@pytest.mark.parametrize(("now", "then", "kinds", "words"), CASES)
def test_objections(now: Place, then: Place | None, kinds: list[str], words: str) -> None:
    found = objections({D: now}, {D: then} if then else {})
    assert [item.kind for item in found] == kinds
    assert all(words in item.text and item.text.startswith(D) for item in found)
    assert all(f"({item.kind})" in item.text for item in found)
    assert objections({D: now}, {D: then} if then else {}, kinds) == []


def test_a_new_host_is_no_matter() -> None:
    assert objections({}, {D: NEW}) == []


def test_accounts_in_files(tmp_path: Path) -> None:
    directory = tmp_path / "b%c3%bccher%2eexample" / "accounts"
    directory.mkdir(parents=True)
    (directory / "a.dat").write_text(f'return {{\n\t["stored_key"] = "{"0" * 40}";\n}};')
    (directory / "b.dat").write_text(f'return {{\n\t["stored_key"] = "{"0" * 64}";\n}};')
    (directory / "c.dat").write_text('return {\n\t["password"] = "plain";\n};')
    assert continuity.files(tmp_path, "bücher.example") == (3, {"SHA-1": 1, "SHA-256": 1})
    assert continuity.files(tmp_path, D) == (0, {})


def test_a_stopped_server(tmp_path: Path) -> None:
    (tmp_path / "example%2eorg" / "accounts").mkdir(parents=True)
    (tmp_path / "example%2eorg" / "accounts" / "a.dat").write_text('["stored_key"] = "' + "0" * 40 + '"')
    model = Model(
        hosts={
            "*": {"storage": {"accounts": "internal"}, "default_storage": "sql", "sql": POSTGRESQL},
            D: {"defined": True},
            "sql.example": {"defined": True, "storage": "sql", "password_hash": "SHA-256"},
            "memory.example": {"defined": True, "storage": "memory"},
            "muc.example.org": {"component_module": "muc"},
        }
    )
    assert continuity.configured(model, tmp_path) == {
        D: Place(accounts=1, keys={"SHA-1": 1}),
        "sql.example": Place(
            password_hash="SHA-256", driver="sql", database=POSTGRESQL, accounts=None, unseen="Prosody does not run"
        ),
        "memory.example": Place(driver="memory"),
    }


WANTED = {D: {"authentication": "internal_hashed", "password_hash": "SHA-256", "storage": "sql", "sql": POSTGRESQL}}


@pytest.mark.parametrize("check", [False, True])
def test_the_module_objects(monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    socket = FakeSocket(lambda *_call: {D: ANSWER[D]})
    monkeypatch.setattr(connection, "connect", lambda _params: socket)
    result = run(prosody_continuity, check=check, hosts=WANTED)
    assert result["failed"]
    assert result["source"] == "server"
    assert [item["kind"] for item in result["objections"]] == ["password_hash"]
    assert "Nothing was changed" in result["msg"]
    assert len(socket.calls) == 1
    result = run(prosody_continuity, check=check, hosts=WANTED, accept=["password_hash"])
    assert result["changed"] is False
    assert "failed" not in result


def unavailable(reason: str) -> Any:
    def connect(_params: dict[str, Any]) -> Any:
        raise AdminUnavailable("not there", reason)

    return connect


def test_nothing_installed_is_nothing_to_lose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "connect", unavailable("missing"))
    monkeypatch.setattr(reading, "find", lambda: None)
    result = run(prosody_continuity, hosts=WANTED)
    assert (result["source"], result["objections"]) == ("none", [])


def test_a_broken_configuration_of_a_stopped_server_can_be_repaired(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Broken:
        def read(self, path: str, run_command: Any) -> Any:
            raise ConfigUnreadable(f"{path}:1: unexpected symbol")

    (tmp_path / "prosody.cfg.lua").write_text("(")
    monkeypatch.setattr(connection, "connect", unavailable("refused"))
    monkeypatch.setattr(reading, "find", Broken)
    warnings: list[str] = []
    monkeypatch.setattr(prosody_continuity.AnsibleModule, "warn", lambda _self, text: warnings.append(text))
    result = run(prosody_continuity, hosts=WANTED, config=str(tmp_path / "prosody.cfg.lua"))
    assert result["source"] == "none"
    assert "unexpected symbol" in warnings[0]


def test_a_server_that_does_not_answer_is_no_reason_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "connect", unavailable("timeout"))
    assert run(prosody_continuity, hosts=WANTED)["msg"] == "not there"


def test_places_of_settings() -> None:
    settings = {
        "hosts": [
            {"name": D},
            {"name": "guests.example", "authentication": "anonymous", "storage": "memory"},
            {"name": "old.example", "options": {"password_hash": "SHA-1"}},
        ],
        "storage": "postgresql",
        "database_host": "192.0.2.1",
    }
    sql = {"driver": "PostgreSQL", "database": "prosody", "host": "192.0.2.1"}
    plain = {"authentication": "internal_hashed", "password_hash": "SHA-256", "storage": "sql", "sql": sql}
    assert places(settings) == {
        D: plain,
        "guests.example": {"authentication": "anonymous", "password_hash": "SHA-256", "storage": "memory"},
        "old.example": {**plain, "password_hash": "SHA-1"},
    }
    assert places({**settings, "stores": {"accounts": "internal"}})[D]["storage"] == "internal"
    assert places({**settings, "stores": {"archive": "none"}})[D]["storage"] == "sql"
