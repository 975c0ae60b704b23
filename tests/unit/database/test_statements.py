# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What statements cost: which figures are left, and that no value of anybody is among them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.database import archive_index, psql, run, statements

INSERT = 'INSERT INTO "prosodyarchive"\n\t("host", "user") VALUES ($1,$2)'


@pytest.mark.parametrize(
    ("query", "name"),
    [
        (INSERT, 'INSERT INTO "prosodyarchive" ("host", "user") VALUES ($1,$2)'),
        ("ALTER ROLE a PASSWORD 'it''s secret' LOGIN", "ALTER ROLE a PASSWORD ? LOGIN"),
        ("SELECT 'cut in the mid", "SELECT ?"),
        ("SELECT " + "x, " * 100, f"{('SELECT ' + 'x, ' * 100)[:159]}…"),
    ],
)
def test_a_statement_has_a_name_without_values(query: str, name: str) -> None:
    assert statements.named(query) == name
    assert len(name) <= statements.LENGTH


def test_statements_that_look_alike_are_one() -> None:
    told = [{"query": f"SELECT '{number}'", "calls": 2, "seconds": 1.5} for number in range(2)]
    found = {(one.metric.name, one.labels["statement"]): one.value for one in statements.samples("a", json.dumps(told))}
    assert found == {
        ("xmpp_statement_seconds_total", "SELECT ?"): 3.0,
        ("xmpp_statement_calls_total", "SELECT ?"): 4.0,
    }


def test_figures_are_left_where_it_is_loaded_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    loaded = {"prosody": "t", "other": "f"}

    def ask(database: str, statement: str) -> str:
        if statement == archive_index.LOOK:
            return json.dumps({"standby": False, "table": None, "index": None})
        if statement == statements.LOADED:
            return loaded[database]
        assert database == "prosody"
        return json.dumps([{"query": INSERT, "calls": 7, "seconds": 0.5}])

    monkeypatch.setattr(psql, "ask", ask)
    assert run.main([str(tmp_path), *loaded]) == 0
    (line,) = [
        one for one in (tmp_path / "database.prom").read_text().splitlines() if one.startswith("xmpp_statement_c")
    ]
    assert line.startswith('xmpp_statement_calls_total{database="prosody",statement="INSERT INTO')
    assert line.endswith(" 7.0")
