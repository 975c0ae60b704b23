# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters of PostgreSQL that are others' are seen, and refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.database import clusters
from ansible_collections.allthingslinux.xmpp.plugins.modules import postgresql_clusters_info
from ansible_collections.allthingslinux.xmpp.tests.unit.module_runner import run
from ansible_collections.allthingslinux.xmpp.tests.unit.test_role_templates import render, templated

# Debian 13, postgresql 17: what initdb makes of pg_hba.conf.sample
STOCK = """
# "local" is for Unix domain socket connections only
local   all             postgres                                peer
local   all             all                                     peer
host    all             all             127.0.0.1/32            scram-sha-256
host    all             all             ::1/128                 scram-sha-256
local   replication     all                                     peer
host    replication     all             127.0.0.1/32            scram-sha-256
"""


def listed(version: int, name: str, port: int, place: Path, running: int = 0) -> dict[str, Any]:
    return {"version": version, "cluster": name, "port": str(port), "running": running, "pgdata": str(place / "data"),
            "configdir": str(place / "etc"), "socketdir": "/var/run/postgresql", "config": {}}  # fmt: skip


class Host:
    """A host with clusters of which one may run."""

    def __init__(self, place: Path) -> None:
        self.place, self.clusters = place, list[dict[str, Any]]()
        self.databases = "postgres\ntemplate0\ntemplate1\nwiki\n"
        (place / "etc/conf.d").mkdir(parents=True)
        (place / "data/base/1").mkdir(parents=True)
        (place / "etc/pg_hba.conf").write_text(STOCK)

    def runs(self, words: list[str], **_more: Any) -> tuple[int, str, str]:
        return (0, json.dumps(self.clusters), "") if words[0].endswith("pg_lsclusters") else (0, self.databases, "")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Host:
    there = Host(tmp_path)
    ansible_module = postgresql_clusters_info.AnsibleModule
    monkeypatch.setattr(ansible_module, "get_bin_path", lambda _self, name: f"/usr/bin/{name}")
    monkeypatch.setattr(ansible_module, "run_command", lambda _self, words, **more: there.runs(words, **more))
    return there


def test_nothing_is_there(host: Host) -> None:
    found = run(postgresql_clusters_info)
    assert (found["clusters"], found["misplaced"], found["databases"], found["lines"]) == ({}, [], [], [])


def test_another_version_has_the_port(host: Host, tmp_path: Path) -> None:
    host.clusters = [listed(15, "main", 5432, tmp_path, 1), listed(17, "main", 5433, tmp_path)]
    another, ours = run(postgresql_clusters_info)["misplaced"]
    assert another.startswith("PostgreSQL's cluster 15/main has port 5432 here")
    assert "pg_conftool 15 main set port 5433" in another
    assert ours.startswith("PostgreSQL's cluster 17/main has port 5433 here")


def test_another_version_beside_ours_is_fine(host: Host, tmp_path: Path) -> None:
    host.clusters = [listed(15, "main", 5433, tmp_path), listed(17, "main", 5432, tmp_path)]
    found = run(postgresql_clusters_info)
    assert (found["misplaced"], found["databases"], found["lines"]) == ([], [], [])


def test_what_others_have_in_a_cluster(host: Host, tmp_path: Path) -> None:
    host.clusters = [listed(17, "main", 5432, tmp_path, 1)]
    with (tmp_path / "etc/pg_hba.conf").open("a") as file:
        file.write("hostssl  wiki   wiki 192.0.2.0/24  scram-sha-256 # the wiki\n@include others.conf\n")
    found = run(postgresql_clusters_info)
    assert found["databases"] == ["wiki"]
    assert found["lines"] == ["hostssl wiki wiki 192.0.2.0/24 scram-sha-256", "@include others.conf"]
    # it is the role's own
    (tmp_path / "etc/conf.d/xmpp.conf").touch()
    found = run(postgresql_clusters_info)
    assert (found["databases"], found["lines"]) == ([], [])


def test_a_cluster_whose_lines_the_role_wrote_is_its_own(host: Host, tmp_path: Path) -> None:
    host.clusters = [listed(17, "main", 5432, tmp_path, 1)]
    written = render("postgresql", "pg_hba.conf.j2")
    (tmp_path / "etc/pg_hba.conf").write_text(written)
    found = run(postgresql_clusters_info)
    assert (found["databases"], found["lines"]) == ([], [])


def test_a_cluster_that_does_not_run(host: Host, tmp_path: Path) -> None:
    host.clusters = [listed(17, "main", 5432, tmp_path)]
    assert run(postgresql_clusters_info)["databases"] == []
    (tmp_path / "data/base/16388").mkdir()
    assert run(postgresql_clusters_info)["databases"] == ["number 16388"]


def refused(clusters_seen: dict[str, Any], **given: Any) -> list[str]:
    seen = {"misplaced": [], "databases": [], "lines": [], **clusters_seen}
    checks = templated("postgresql", "{{ __postgresql_checks }}", __postgresql_clusters=seen, **given)
    return [one["problem"] for one in checks if not one["that"]]


def test_what_is_refused() -> None:
    line = "hostssl wiki wiki 192.0.2.0/24 scram-sha-256"
    assert refused({}) == []
    assert refused({"databases": ["prosody"]}) == []
    assert refused({"misplaced": ["x"]}) == ["x"]
    (problem,) = refused({"databases": ["prosody", "wiki"]})
    assert "databases of others (wiki)" in problem
    (problem,) = refused({"lines": [line]})
    assert line in problem
    # it stays, since the role writes it
    assert refused({"lines": [line]}, postgresql_hba_rules=["hostssl  wiki wiki  192.0.2.0/24 scram-sha-256"]) == []


def test_what_is_debians_is_nobodys() -> None:
    assert clusters.lines_of_others(STOCK) == []
