# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data carried into another storage: what is refused, what is counted, and what is there after each way to fail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.continuity import Place
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.datamanager import encoded
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.installation import Installation
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.storage import lua, move, planner, runner

POSTGRESQL = {"driver": "PostgreSQL", "database": "prosody", "host": "/run/postgresql"}
SQLITE = {"driver": "SQLite3", "database": "prosody.sqlite"}
HOSTS = ("example.org", "muc.example.org")


def places(driver: str = "internal", database: Mapping[str, str] | None = None, **more: Any) -> dict[str, Place]:
    """The same place for a domain and its rooms."""
    return {
        host: Place(
            driver=driver, database=database or {}, module="muc" if host.startswith("muc") else "",
            data_path="/var/lib/prosody", **more,
        )
        for host in HOSTS
    }  # fmt: skip


FILES, IN_SQLITE, IN_POSTGRESQL = places(), places("sql", SQLITE), places("sql", POSTGRESQL)


@pytest.mark.parametrize("now", [FILES, IN_SQLITE, IN_POSTGRESQL])
@pytest.mark.parametrize("then", [FILES, IN_SQLITE, IN_POSTGRESQL])
def test_each_of_the_three_goes_to_each_other_one(now: dict[str, Place], then: dict[str, Place]) -> None:
    assert planner.settled(now, then) is (now is then)
    if now is not then:
        assert planner.objections(now, then) == []


ELSEWHERE = {**POSTGRESQL, "host": "db.example.org"}
REFUSED = {
    "two databases": (IN_POSTGRESQL, places("sql", ELSEWHERE), "PostgreSQL in another place"),
    "memory": (FILES, places("memory"), "storage memory"),
    "mysql": (places("sql", {"driver": "MySQL", "database": "x"}), FILES, "MySQL database x"),
    "stores elsewhere": (places(stores={"archive": "sql"}), IN_POSTGRESQL, "prosody_stores"),
    "a domain that goes": (FILES, {HOSTS[0]: IN_SQLITE[HOSTS[0]]}, "muc.example.org would be no more"),
    "nothing": ({}, IN_SQLITE, "no domain"),
    "two storages": ({HOSTS[0]: FILES[HOSTS[0]], HOSTS[1]: IN_SQLITE[HOSTS[1]]}, IN_POSTGRESQL, "several storages"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_safe_is_refused(name: str) -> None:
    now, then, words = REFUSED[name]
    (said,) = planner.objections(now, then)
    assert words in said


def test_files_do_not_take_an_archive_that_they_would_not_add_to() -> None:
    look = planner.Look({}, longest=10_001)
    assert "10001 messages" in planner.objections_to(look, "internal")[0]
    assert planner.objections_to(look, "sqlite") == []


def test_room_is_wanted_for_all_and_half_as_much() -> None:
    assert planner.objections_to(planner.Look({}, bytes=100, free=150), "sqlite") == []
    assert "0 MB are free" in planner.objections_to(planner.Look({}, bytes=100, free=149), "sqlite")[0]
    assert planner.objections_to(planner.Look({}, bytes=100, free=None), "postgresql") == []


def test_what_is_said_beforehand() -> None:
    counts = {"example.org": {"accounts": (12, 0), "archive": (0, 40_000)}, "proxy.example.org": {}}
    said = planner.lines(counts, "internal", "postgresql")
    assert said[0] == "from files to PostgreSQL: 12 entries and 40000 messages"
    assert said[1].split() == ["example.org", "archive", "40000,", "accounts", "12"]
    assert "about 25 s" in said[-1]
    assert len(said) == 3


def test_each_store_of_each_domain_is_compared_both_ways() -> None:
    before = {"example.org": {"accounts": (2, 0), "archive": (0, 5)}, "muc.example.org": {"config": (1, 0)}}
    assert planner.differences(before, before) == []
    after = {"example.org": {"accounts": (2, 0), "archive": (0, 4), "vcard": (1, 0)}}
    assert planner.differences(before, after) == [
        "example.org, archive: 0 entries and 5 messages before, 0 entries and 4 messages after",
        "example.org, vcard: 0 entries before, 1 entries after",
        "muc.example.org, config: 1 entries before, 0 entries after",
    ]


class Service:
    """A Prosody that is told to stop and start."""

    def __init__(self) -> None:
        self.done = list[str]()

    def stop(self) -> None:
        self.done.append("stop")

    def start(self) -> None:
        self.done.append("start")


class Program:
    """What copies: answers with counts, writes files where it is told to, or fails."""

    def __init__(self, data: Path, why: str = "", lost: bool = False) -> None:
        self.data, self.why, self.lost, self.jobs = data, why, lost, list[dict[str, Any]]()

    def run(self, step: str, hosts: list[str], **job: Any) -> dict[str, Any]:
        self.jobs.append({"step": step, **job})
        counts = {"example.org": {"accounts": [2, 0]}}
        if step != "copy":
            return {"from": counts, "bytes": 10, "longest": 3, "limit": 100}
        to = job["to"]
        if to["driver"] == "internal":
            there = Path(to["path"]) / encoded("example.org") / "accounts"
            there.mkdir(parents=True)
            (there / "new.dat").write_text("new", encoding="utf-8")
        elif to["sql"]["driver"] == "SQLite3":
            (self.data / "prosody.sqlite").write_text("new", encoding="utf-8")
        if self.why:
            raise planner.StorageError(self.why)
        return {"from": counts, "to": {} if self.lost else counts, "aside": True}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with files of each kind, from before."""
    host = tmp_path / encoded("example.org")
    for name in ("accounts/old.dat", "archive/old.list", "archive/old.lidx", "cron.dat", "http_file_share/slot.bin"):
        (host / name).parent.mkdir(parents=True, exist_ok=True)
        (host / name).write_text("old", encoding="utf-8")
    for end in ("", "-wal"):
        (tmp_path / f"prosody.sqlite{end}").write_text("old", encoding="utf-8")
    return tmp_path


def there(top: Path) -> dict[str, str]:
    """Path below a directory → what is in it."""
    return {str(path.relative_to(top)): path.read_text() for path in sorted(top.rglob("*")) if path.is_file()}


def moving(data: Path, program: Program, now: dict[str, Place], then: dict[str, Place], target: Any) -> move.Move:
    now, then = (
        {host: Place(**{**place.__dict__, "data_path": str(data)}) for host, place in all_.items()}
        for all_ in (now, then)
    )
    return move.Move(program, now, then, target, "s1")  # type: ignore[arg-type]


WAYS = {
    "sqlite": (FILES, IN_SQLITE, SQLITE),
    "internal": (IN_POSTGRESQL, FILES, {}),
    "postgresql": (FILES, IN_POSTGRESQL, POSTGRESQL),
}


@pytest.mark.parametrize("kind", WAYS)
def test_what_lay_there_is_set_aside_and_nothing_else_is_touched(data: Path, kind: str) -> None:
    before, service, program = there(data), Service(), Program(data)
    moved = moving(data, program, *WAYS[kind]).copy(service)  # type: ignore[arg-type]
    assert service.done == ["stop"], "the configuration comes next, and starts it"
    assert moved.counts == {"example.org": {"accounts": (2, 0)}}
    after = there(data)
    kept = {name.removeprefix("before-s1/"): text for name, text in after.items() if name.startswith("before-s1/")}
    if kind == "postgresql":
        assert moved.aside.startswith("the tables prosody_before_s1")
        assert after == before
    else:
        assert moved.aside == str(data / "before-s1")
        gone = {
            name
            for name in before
            if (name.startswith("prosody.") if kind == "sqlite" else ".org" in name or "%2e" in name)
        }
        assert set(kept) == {name for name in gone if not name.endswith(".bin")}
        assert f"{encoded('example.org')}/http_file_share/slot.bin" in after
        assert "new" in after.values()


@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.parametrize("fault", [{"why": "the disk is full"}, {"lost": True}])
def test_what_fails_half_way_leaves_everything_as_it_was(data: Path, kind: str, fault: Any) -> None:
    before, service = there(data), Service()
    with pytest.raises(planner.StorageError, match=r"Prosody runs with its data in .* as before: (the disk|not all)"):
        moving(data, Program(data, **fault), *WAYS[kind]).copy(service)  # type: ignore[arg-type]
    assert service.done == ["stop", "start"]
    assert there(data) == before


@pytest.mark.parametrize("kind", WAYS)
def test_what_prosody_did_not_come_up_with_is_taken_back(data: Path, kind: str) -> None:
    before, program = there(data), Program(data)
    one = moving(data, program, *WAYS[kind])
    one.copy(Service())  # type: ignore[arg-type]
    one.undo()
    assert there(data) == before
    assert (program.jobs[-1]["step"] == "undo") is (kind == "postgresql")


def test_the_password_goes_through_standard_input_alone(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def run_command(argv: list[str], **more: Any) -> tuple[int, str, str]:
        seen.update(more, argv=argv)
        return 0, "said before" + lua.MARK + json.dumps({"to": {}}) + "\n", ""

    installed = Installation(tmp_path, (tmp_path / "modules",), tmp_path, tmp_path, "lua5.4")
    program = runner.Program(installed, run_command, "/etc/prosody/prosody.cfg.lua", tmp_path, {"PGSSLMODE": "require"})
    sql = {**POSTGRESQL, "password": "a-secret"}
    assert program.run("copy", ["example.org"], to={"driver": "sql", "sql": sql}) == {"to": {}}
    assert "a-secret" in seen["data"]
    assert "a-secret" not in " ".join(seen["argv"])
    assert seen["environ_update"]["PGSSLMODE"] == "require"
    assert seen["environ_update"]["HOME"] == str(tmp_path), "root's is closed to whom it runs as"
    # the head of the program finds these before it has a reader of JSON
    assert '"config": "/etc/prosody/prosody.cfg.lua"' in seen["data"]


@pytest.mark.parametrize("said", ["", lua.MARK + '{"error": "no"}'])
def test_a_program_that_does_not_come_to_its_end_says_why(tmp_path: Path, said: str) -> None:
    installed = Installation(tmp_path, (tmp_path,), tmp_path, tmp_path, "lua5.4")
    program = runner.Program(installed, lambda *_a, **_k: (1, said, "no such file"), "/x/y", tmp_path, {})
    with pytest.raises(planner.StorageError, match="no"):
        program.run("count", ["example.org"])
