# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that are declared no more are not forgotten, and those of others never taken for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts import record, results
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.model import Account
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.modules import prosody_accounts
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner
from ansible_collections.allthingslinux.xmpp.tests.unit.accounts.test_accounts_modules import Admin


def existing(*names: str, disabled: tuple[str, ...] = ()) -> dict[str, Account]:
    return {name: Account(name, name not in disabled, "prosody:registered") for name in (*names, *disabled)}


def test_who_is_declared_no_more_and_can_sign_in_is_told():
    there = existing("alice", "bob", "stranger", disabled=("carol",))
    assert record.undeclared(["alice", "bob", "carol", "gone"], {"alice"}, there) == ["bob"]


def test_who_exists_stays_in_memory_until_gone():
    there = existing("bob", disabled=("carol",))
    kept = record.updated(["bob", "carol", "gone", "dave"], ["alice", "dave"], {"dave"}, there)
    assert kept == {"alice", "bob", "carol"}


def test_the_file_is_for_root_and_written_only_when_it_changes(tmp_path: Path):
    path = tmp_path / "state" / "accounts.json"
    assert record.read(path) == {}
    record.write(path, "op.test", [])
    assert not path.exists()
    record.write(path, "op.test", {"bob", "alice"})
    record.write(path, "two.test", ["carol"])
    assert record.read(path) == {"op.test": ["alice", "bob"], "two.test": ["carol"]}
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.stat().st_ino
    record.write(path, "op.test", ["bob", "alice"])
    assert path.stat().st_ino == before
    assert [file.name for file in path.parent.iterdir()] == ["accounts.json"]


@pytest.mark.parametrize("text", ["", "[]", '{"op.test": "alice"}', "{"])
def test_a_file_that_is_something_else_is_named(tmp_path: Path, text: str):
    path = tmp_path / "accounts.json"
    path.write_text(text)
    with pytest.raises(XmppError, match=str(path)):
        record.read(path)


def test_many_names_are_one_line():
    (line,) = results.undeclared([f"user{number}" for number in range(30)], "op.test")
    assert "user0@op.test, " in line
    assert " and 10 more. " in line
    assert "state: absent" in line
    assert results.undeclared([], "op.test") == []


@pytest.mark.parametrize("check", [False, True])
def test_the_module_remembers_and_tells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, check: bool):
    monkeypatch.setattr(connection, "connect", lambda _params: Admin())
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps({"pg.example": ["romeo", "gone"], "other.example": ["x"]}))
    before = path.read_text()
    options: dict[str, Any] = {
        "host": "pg.example",
        "accounts": [{"name": "new", "password": "hunter22"}],
        "record": str(path),
    }
    result = module_runner.run(prosody_accounts, check=check, **options)
    assert result["undeclared"] == ["romeo"]
    assert any("romeo@pg.example" in warning and "state: absent" in warning for warning in result["warnings"])
    if check:
        assert path.read_text() == before
    else:
        assert record.read(path) == {"pg.example": ["new", "romeo"], "other.example": ["x"]}
    # whoever was never declared is nobody's business here
    assert "juliet" not in json.dumps(result["warnings"])
