# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The index of archives: what is read, what is done about it, and the figures that are left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.database import archive_index, psql, run, statements

ROOT = Path(__file__).parents[3]
GOOD = {"valid": True, "bytes": 8192, "building": False, "definition": archive_index.DEFINITION}


def answer(index: dict[str, Any] | None, table: bool = True, standby: bool = False) -> str:
    told = {"rows": 5, "bytes": 70} if table else None
    return json.dumps({"standby": standby, "table": told, "index": index})


@pytest.mark.parametrize(
    ("index", "statements"),
    [
        (None, [archive_index.BUILD]),
        (GOOD, []),
        # a build that was killed
        ({**GOOD, "valid": False}, [archive_index.DROP, archive_index.BUILD]),
        ({**GOOD, "valid": False, "building": True}, []),
        # of another version, or somebody's own under our name
        ({**GOOD, "definition": "CREATE INDEX …"}, [archive_index.DROP, archive_index.BUILD]),
    ],
)
def test_what_is_done(index: dict[str, Any] | None, statements: list[str]) -> None:
    archive = archive_index.read(answer(index))
    assert archive is not None
    assert archive_index.plan(archive) == statements
    assert archive.good == (index == GOOD)


def test_nothing_is_done_before_prosody_made_its_tables_or_on_a_standby() -> None:
    assert archive_index.read(answer(None, table=False)) is None
    assert archive_index.read(answer(None, standby=True)) is None


class Server:
    """A server with two databases, of which one lacks the index."""

    def __init__(self) -> None:
        self.indexes: dict[str, dict[str, Any] | None] = {"prosody": None, "other": GOOD}
        self.asked: list[tuple[str, str]] = []
        self.refuses = ""

    def ask(self, database: str, statement: str) -> str:
        if statement == statements.LOADED:
            return "f"
        if statement == archive_index.LOOK:
            return answer(self.indexes[database])
        if self.refuses:
            raise psql.DatabaseError(self.refuses)
        self.asked.append((database, statement))
        self.indexes[database] = GOOD
        return ""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    there = Server()
    monkeypatch.setattr(psql, "ask", there.ask)
    return there


def test_it_is_made_once_and_the_figures_say_so(server: Server, tmp_path: Path) -> None:
    words = [str(tmp_path), "prosody", "other"]
    assert run.main(words) == 0
    assert run.main(words) == 0
    assert server.asked == [("prosody", archive_index.BUILD)]
    figures = (tmp_path / "database.prom").read_text()
    assert 'xmpp_archive_index_valid{database="prosody"} 1.0' in figures
    assert 'xmpp_archive_rows{database="other"} 5.0' in figures


def test_what_fails_is_said_and_the_figures_say_that_it_is_missing(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.refuses = "no space left"
    assert run.main([str(tmp_path), "prosody"]) == 1
    assert "tried again in an hour. no space left" in capsys.readouterr().err
    assert 'xmpp_archive_index_valid{database="prosody"} 0.0' in (tmp_path / "database.prom").read_text()


def test_no_figures_where_nobody_collects_them(server: Server, tmp_path: Path) -> None:
    assert run.main([str(tmp_path / "nowhere"), "other"]) == 0
    assert not (tmp_path / "nowhere").exists()


def test_the_host_gets_every_module_that_is_imported() -> None:
    """What run.py needs, directly or not, is in the list of the role."""
    listed = yaml.safe_load((ROOT / "roles/postgresql/vars/main.yml").read_text())["__postgresql_module_files"]
    top = ROOT / "plugins/module_utils"
    waiting, seen = ["database/run.py"], set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        for line in (top / name).read_text().splitlines():
            if line.startswith("from ansible_collections.allthingslinux.xmpp.plugins.module_utils"):
                package, names = line.split(" import ")
                place = package.rpartition("module_utils")[2].strip(".").replace(".", "/")
                for one in names.split(", "):
                    file = f"{place}/{one}.py" if (top / place / f"{one}.py").exists() else f"{place}.py"
                    waiting += [file] if file not in seen else []
    assert {one for one in listed if not one.endswith("__init__.py")} == seen
