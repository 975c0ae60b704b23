# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Prosody on a restored database is told, what it answers, and what is made of that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lupa
import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import (
    programs,
    scratch,
    throwaway,
    throwaway_lua,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Done
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.installation import Installation

WANTED = {
    "accounts": {"one.example": 2, "two.example": 1},
    "rooms": {"muc.one.example": 3},
    "archive": {"one.example": {'al"ice': 700, "bob": 4}},
}
GOOD = {
    "accounts": {"one.example": 2, "two.example": 1},
    "rooms": {"muc.one.example": 3},
    "archive": {"one.example": {'al"ice': [700, throwaway.READ], "bob": [4, 4]}},
}
# What Prosody gives a module, with a storage of three people, one of whom cannot be read
STUBS = """
local stub = ...
package = nil
local modules = {
  ["prosody.util.json"] = { decode = stub.decode, encode = stub.encode },
  ["prosody.core.storagemanager"] = { open = function () return { find = function (_, user, query)
    if user == "carol" then return nil, "her table\\nis broken" end
    local left = math.min(3, query.limit)
    return function () if user == "bob" and left == 1 then error("no XML") end
      left = left - 1; if left >= 0 then return left end end, 3
  end } end },
  ["prosody.core.usermanager"] = {
    users = function (host) if host == "two.example" then return nil, { text = "gone" } end
      return next, { alice = true, lost = true } end,
    user_exists = function (user) return user ~= "lost" end,
  },
  ["prosody.util.timer"] = { add_task = function (_, task) task() end },
}
function require(name) return modules[name] end
local rooms = { { _data = {} }, { _data = { locked = math.huge } } }
prosody = { shutdown = function () stub.ended = true end, hosts = {
  ["muc.one.example"] = { modules = { muc = { all_rooms = function ()
    local n = 0; return function () n = n + 1; return rooms[n] end end } } },
  ["muc.two.example"] = { modules = {} },
} }
module = { set_global = function () end, get_option_string = function () return "" end,
  hook = function (_, _, handle) handle() end }
io = { stdout = { write = function (_, ...) stub.said = table.concat({ ... }) end, flush = function () end } }
"""


def executed(text: str) -> tuple[dict[str, Any], list[tuple[str, ...]]]:
    """Out: the options of a configuration, and its hosts in order."""
    runtime = lupa.LuaRuntime(encoding="utf-8")
    hosts: list[tuple[str, ...]] = []
    runtime.globals().VirtualHost = lambda name: hosts.append(("VirtualHost", name))
    runtime.globals().Component = lambda name: lambda kind: hosts.append(("Component", name, kind))
    before = set(runtime.globals())
    runtime.execute(text)
    return {name: value for name, value in runtime.globals().items() if name not in before}, hosts


def test_it_has_what_was_restored_and_nothing_that_others_reach() -> None:
    options, hosts = executed(throwaway.configuration(WANTED, "pro'sody", "/var/there", 54329))
    assert hosts == [
        ("VirtualHost", "one.example"),
        ("VirtualHost", "two.example"),
        ("Component", "muc.one.example", "muc"),
    ]
    assert dict(options["sql"]) == {
        "driver": "PostgreSQL",
        "database": "pro'sody",
        "username": scratch.GUEST,
        "host": "/var/there",
        "port": 54329,
    }
    assert options["data_path"] == str(throwaway.PLACE)
    assert options["sql_manage_tables"] is False
    assert list(options["modules_enabled"].values()) == [throwaway_lua.NAME]
    assert {"c2s", "s2s"} <= set(options["modules_disabled"].values())
    assert json.loads(options["drill_wanted"]) == {
        "accounts": ["one.example", "two.example"],
        "rooms": ["muc.one.example"],
        "archive": {"one.example": ['al"ice', "bob"]},
        "read": throwaway.READ,
    }


def test_what_prosody_finds_is_said_and_what_it_cannot_have_too() -> None:
    runtime = lupa.LuaRuntime(encoding="latin-1")
    asked = {
        "accounts": ["one.example", "two.example"],
        "rooms": ["muc.one.example", "muc.two.example", "muc.three.example"],
        "archive": {"one.example": ["alice", "bob", "carol"]},
        "read": 2,
    }

    def plain(value: Any) -> Any:
        if lupa.lua_type(value) != "table":
            return value
        items = {key: plain(one) for key, one in value.items()}
        return list(items.values()) if items and all(isinstance(key, int) for key in items) else items

    stub = runtime.table_from(
        {
            "decode": lambda _text: runtime.table_from(asked, recursive=True),
            "encode": lambda value: json.dumps(plain(value)),
        }
    )
    runtime.execute("stubs, body = ...", STUBS, throwaway_lua.MODULE)
    runtime.execute("stub = ...; assert(load(stubs))(stub); assert(load(body))()", stub)
    assert stub["ended"] is True
    found = throwaway.answer(Done(0, "a warning\n" + stub["said"], ""))
    assert isinstance(found, dict)
    assert found["accounts"] == {"one.example": 1, "two.example": '{"text": "gone"}'}
    assert found["rooms"]["muc.one.example"] == 1
    assert found["rooms"]["muc.two.example"] == "mod_muc does not run"
    assert "nil" in found["rooms"]["muc.three.example"]
    archive = found["archive"]["one.example"]
    assert archive["alice"] == [3, 2]
    assert "no XML" in archive["bob"]
    assert archive["carol"] == "her table\nis broken"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"accounts": {"one.example": 1, "two.example": 1}}, ["finds 1 accounts of one.example"]),
        ({"accounts": [], "rooms": []}, ["no accounts of one", "no accounts of two", "no rooms of muc.one"]),
        ({"rooms": {"muc.one.example": "no\ndata"}}, ["rooms of muc.one.example in what was restored: no data"]),
        ({"archive": {"one.example": {'al"ice': [700, 499], "bob": "unclosed"}}},
         ["700 messages of al\"ice@one.example in what was restored and reads 499, and 700", "of bob@one.example"]),
        ({"archive": {}}, ["finds 0 messages of al", "finds 0 messages of bob"]),
    ],
)  # fmt: skip
def test_what_sql_counts_and_prosody_does_not_find(change: dict[str, Any], said: list[str]) -> None:
    problems = throwaway.unlike(WANTED, {**GOOD, **change})
    assert len(problems) == len(said)
    assert [text for text, problem in zip(said, problems, strict=True) if text not in problem] == []


def test_one_that_does_not_come_up() -> None:
    why = throwaway.answer(Done(1, "", "lua5.4: module 'prosody.util.startup' not found:\n\tno field"))
    assert why == "lua5.4: module 'prosody.util.startup' not found: no field"
    assert throwaway.answer(Done(0, f"{throwaway_lua.MARK}no answer\n", "")) == "no answer"


class Known(programs.Programs):
    """Programs that answer what was counted, and what Prosody said."""

    def __init__(self, counted: dict[str, Any], done: Done) -> None:
        self.counted, self.done, self.started = counted, done, 0

    def sql(self, statements: str, *_words: Any, **_more: Any) -> str:
        return json.dumps(self.counted) if statements.startswith("WITH") else ""

    def prosody(self, installed: Installation, config: Path, seconds: float) -> Done:
        self.started += 1
        return self.done


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(throwaway, "PLACE", tmp_path / "prosody")
    monkeypatch.setattr(throwaway.shutil, "chown", lambda *_words: None)
    there = Installation(tmp_path, (), tmp_path, tmp_path, "lua", (tmp_path / "prosody",))
    monkeypatch.setattr(throwaway.installation, "find_or_none", lambda: there)
    return tmp_path


WHERE = {"socket": "/nowhere", "port": 1}


def test_prosody_is_asked(installed: Path) -> None:
    known = Known(WANTED, Done(0, f"{throwaway_lua.MARK}{json.dumps(GOOD)}\n", ""))
    assert throwaway.ask(known, "prosody", WHERE, [1]) == {"problems": [], "accounts": 3, "rooms": 3, "archives": 2}
    assert (installed / "prosody").stat().st_mode & 0o777 == 0o700


def test_a_drill_fails_where_it_does_not_answer(installed: Path) -> None:
    found = throwaway.ask(Known(WANTED, Done(1, "", "no")), "prosody", WHERE, [1])
    assert found == {"problems": ["Prosody does not come up on what was restored: no"]}


def test_nothing_is_asked_of_a_database_without_people_or_a_host_without_prosody(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = Known({"accounts": None, "rooms": None, "archive": None}, Done(0, "", ""))
    assert throwaway.ask(empty, "prosody", WHERE, []) == {}
    alone = Known(WANTED, Done(0, "", ""))
    monkeypatch.setattr(throwaway.installation, "find_or_none", lambda: None)
    assert throwaway.ask(alone, "prosody", WHERE, []) == {}
    assert (empty.started, alone.started) == (0, 0)


def test_a_program_that_does_not_end_is_ended() -> None:
    done = programs.run("sleep", "60", seconds=0.1)
    assert done.code < 0
    assert "did not end" in done.why
