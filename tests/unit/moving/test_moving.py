# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/moving: what is counted, saved and loaded, with a database that answers from a script."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.moving import copies, counts

PEOPLE = {"chat.example": {"accounts": 2, "archive": 7}, counts.ALL: {"rows of prosody": 9}}


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("chat%2eexample/accounts/alice.dat", ("chat.example", "accounts")),
        ("chat%2eexample/archive/alice.list", ("chat.example", "archive")),
        ("chat%2eexample/archive/alice.lidx", None),
        ("upload%2echat%2eexample/http_file_share/a-b.bin", ("upload.chat.example", "http_file_share")),
        ("chat%2eexample/invites.dat", ("chat.example", "invites")),
        ("prosody.sqlite", ("", "prosody.sqlite")),
    ],
)
def test_files_are_of_a_store(path: str, place: tuple[str, str] | None) -> None:
    assert counts.store_of(path.split("/")) == place


def test_files_are_counted_with_what_is_in_them() -> None:
    found = counts.files([(("a%2eb", "accounts", "x.dat"), 5), (("a%2eb", "accounts", "y.dat"), 6), (("a.lidx",), 1)])
    assert found == {counts.ALL: {"files": 3, "bytes of files": 12}, "a.b": {"accounts": 2}}


def test_the_database_is_asked_for_every_table_and_by_its_name() -> None:
    asked = counts.statement(["prosody", "prosodyarchive", 'it\'s "odd"'])
    assert 'count(DISTINCT "user")) FROM "prosody" GROUP BY host, store' in asked
    assert 'jsonb_build_array(host, store, count(*)) FROM "prosodyarchive" GROUP BY host, store' in asked
    assert '\'rows of it\'\'s "odd"\', count(*)) FROM "it\'s ""odd"""' in asked
    assert asked.count("UNION ALL") == 4


def test_what_the_database_says_is_read() -> None:
    assert counts.read('["chat.example", "accounts", 2]\n\n["chat.example", "archive", 7]\n') == {
        "chat.example": {"accounts": 2, "archive": 7}
    }
    for text in ("ERROR", '["a", "b"]', '["a", "b", "many"]'):
        with pytest.raises(counts.MovingError, match="cannot be understood"):
            counts.read(text)


def test_counts_of_several_places_are_one() -> None:
    more = {"chat.example": {"archive": 1, "vcard": 1}, "b.example": {"x": 1}}
    assert counts.together(PEOPLE, more) == {
        "chat.example": {"accounts": 2, "archive": 8, "vcard": 1},
        counts.ALL: {"rows of prosody": 9},
        "b.example": {"x": 1},
    }


def test_an_operator_is_told_of_domains_and_the_most_first() -> None:
    [line] = counts.lines({**PEOPLE, "": {"prosody.sqlite": 1}, "empty.example": {}})
    assert line.split() == ["chat.example", "archive", "7,", "accounts", "2"]
    [line] = counts.lines({"a": {str(number): number for number in range(8)}})
    assert line.endswith("and 2 more stores")


def test_what_did_not_arrive_is_named() -> None:
    assert counts.differences(PEOPLE, PEOPLE) == []
    after = {"chat.example": {"accounts": 2, "archive": 6}, "b.example": {"x": 1}}
    assert counts.differences(PEOPLE, after) == [
        "b.example, x: 0 before, 1 after",
        "chat.example, archive: 7 before, 6 after",
        f"{counts.ALL}, rows of prosody: 9 before, 0 after",
    ]


@pytest.mark.parametrize(("size", "said"), [(1234567, "1.2 MB"), (12345678, "12 MB")])
def test_sizes_for_people(size: int, said: str) -> None:
    assert counts.megabytes(size) == said


class Database:
    """Answers from a script, and notes what it was asked."""

    def __init__(self) -> None:
        self.tables: list[str] = ["prosody"]
        self.asked: list[str] = []
        self.absent = 0

    def ask(self, _database: str, statement: str) -> str:
        self.asked.append(statement)
        if self.absent:
            self.absent -= 1
            raise copies.database.DatabaseError("starting up")
        if statement == counts.TABLES:
            return str(self.tables).replace("'", '"')
        if "jsonb_build_array" in statement:
            return '["chat.example", "accounts", 2]'
        return "1000000"


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    found = Database()
    monkeypatch.setattr(copies.database, "ask", found.ask)
    monkeypatch.setattr(copies.time, "sleep", lambda _seconds: None)
    return found


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Programs of PostgreSQL that were run. Others are run."""
    found: list[list[str]] = []
    plain = copies._run

    def run(words: Sequence[str], source: IO[bytes] | None = None, into: IO[bytes] | None = None) -> None:
        if words[0] in ("tar", "mv"):
            plain(words, source, into)
        else:
            found.append(list(words))

    monkeypatch.setattr(copies, "_run", run)
    return found


def kept(top: Path, name: str = "prosody") -> copies.Kept:
    """What somebody has: an account, an upload, and what was set aside before."""
    data, directory = top / "lib", top / "copy"
    for path in ("chat%2eexample/accounts/alice.dat", "upload/http_file_share/x.bin", "before-1/chat/old.dat", ".odd"):
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_text(path)
    (top / "accounts.json").write_text("[]")
    directory.mkdir(exist_ok=True)
    return copies.Kept(data, name, "prosody", (top / "accounts.json", top / "none.json"), directory)


def test_what_was_saved_is_there_when_it_is_loaded_and_what_lay_there_is_set_aside(
    tmp_path: Path, database: Database, programs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def another_file_system(path: Path, _there: Path) -> None:
        raise OSError(18, "Invalid cross-device link", str(path))

    monkeypatch.setattr(Path, "rename", another_file_system)
    here = kept(tmp_path)
    before = here.count()
    assert before["chat.example"] == {"accounts": 2 + 1}, "one in a file, two in the database"
    assert "before-1" not in before
    here.save()
    assert {path.stat().st_mode & 0o777 for path in here.directory.iterdir()} == {0o600}
    (here.data / "chat%2eexample/accounts/alice.dat").write_text("another one")
    (tmp_path / "accounts.json").unlink()
    assert here.load("s1") == f"the schema before_s1 of the database prosody and {here.data / 'before-s1'}"
    assert (here.data / "chat%2eexample/accounts/alice.dat").read_text() == "chat%2eexample/accounts/alice.dat"
    assert (here.data / "before-s1/chat%2eexample/accounts/alice.dat").read_text() == "another one"
    assert (here.data / "before-1/chat/old.dat").exists()
    assert (tmp_path / "accounts.json").read_text() == "[]"
    assert here.count() == before
    dump, restore = programs
    assert "--table=public.*" in dump
    assert {"--role=prosody", "--no-owner", "--single-transaction", "--dbname=prosody"} <= set(restore)
    assert 'ALTER TABLE public."prosody" SET SCHEMA before_s1;' in "\n".join(database.asked)


def test_nothing_is_set_aside_where_nothing_lay(tmp_path: Path, database: Database, programs: list[list[str]]) -> None:
    here = kept(tmp_path)
    here.save()
    shutil.rmtree(here.data)
    database.tables, database.absent = [], 2
    assert here.load("s1") == ""
    assert not any("SCHEMA" in asked for asked in database.asked)
    assert not (here.data / "before-1").exists(), "what was set aside stays where it is"
    assert len(programs) == 2


def test_without_a_database_nobody_asks_one(tmp_path: Path, database: Database, programs: list[list[str]]) -> None:
    here = kept(tmp_path, "")
    assert here.count()["chat.example"] == {"accounts": 1}
    assert here.size() < 1000
    here.save()
    here.load("s1")
    assert (database.asked, programs) == ([], [])


def test_a_database_that_does_not_come_up_is_told(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.absent = 5
    monkeypatch.setattr(copies, "_COMES_UP", 0)
    with pytest.raises(copies.database.DatabaseError, match="starting up"):
        kept(tmp_path).load("s1")


def test_too_little_room_is_told_before_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage: Any = shutil._ntuple_diskusage(100, 90, 10 * 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    here = kept(tmp_path)
    here.room_for(6 * 10**6)
    with pytest.raises(counts.MovingError, match=r"It takes 7\.0 MB, and 10 MB are free in .*make room for 10 MB"):
        here.room_for(7 * 10**6)


def test_a_program_that_fails_is_named(tmp_path: Path) -> None:
    with pytest.raises(counts.MovingError, match=r"tar ended with status 2: .*nothing-here"):
        copies._run(["tar", "--create", "--file=-", f"{tmp_path}/nothing-here"])
