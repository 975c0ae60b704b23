# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of a service in containers: made and proved beside it, and brought back by the playbooks of hosts."""

from __future__ import annotations

import datetime
import json
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from conftest import ADDRESS, ALICE, BOB, HOST, docker, names, seen

LINE = "before the fire"


def volume(name: str) -> Path:
    """Out: where the Docker host has it."""
    return Path(docker("volume", "inspect", "--format", "{{.Mountpoint}}", f"{HOST}-{name}"))


def state(part: str) -> dict[str, Any]:
    """Out: what the last backup or drill left; nothing before there was one."""
    file = volume("backup") / "state.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")).get(part, {}) if file.is_file() else {}
    return found


def accounts() -> list[str]:
    """Out: who has an account, as the database has it."""
    words = [
        "/usr/lib/postgresql/17/bin/psql",
        "-XAtqc",
        "SELECT DISTINCT \"user\" FROM prosody WHERE store = 'accounts'",
    ]
    return docker("exec", f"{HOST}-postgresql", *words, "prosody").split()


def test_the_deployment_began_with_a_backup() -> None:
    made = wait_until(lambda: state("backup"), 120, 0.2)
    assert made["problems"] == []
    assert set(made["parts"]) == {"database", "files"}
    assert "docker.sock" not in json.dumps(seen("keeper")["Mounts"])


def test_what_changes_in_the_database_is_archived_by_its_own_container() -> None:
    words = [
        "/usr/lib/postgresql/17/bin/psql",
        "-XAtqc",
        "SELECT txid_current()",
        "-c",
        "SELECT pg_walfile_name(pg_switch_wal())",
    ]
    segment = docker("exec", f"{HOST}-postgresql", *words, "postgres").split()[-1]
    archive = volume("backups") / HOST / "pgbackrest" / "archive" / "xmpp"
    wait_until(lambda: list(archive.glob(f"*/*/{segment}-*")), 60, 0.2)


def test_a_drill_beside_the_service_finds_its_accounts() -> None:
    docker("exec", f"{HOST}-keeper", "systemctl", "start", "xmpp-backup-drill.service")
    proved = state("drill")
    assert proved["problems"] == []
    assert proved["database"]["prosody"]["accounts"] == len(accounts()) >= 3
    assert not (volume("postgresql") / "xmpp-drill").exists()


def test_somebody_who_was_erased_comes_back_with_what_was_written() -> None:
    with Client(ALICE.jid, ALICE.password, ADDRESS) as alice, Client(BOB.jid, BOB.password, ADDRESS) as bob:
        alice.say(BOB.jid, LINE)
        wait_until(lambda: LINE in bob.archived(), 20, 0.1)
    # every change is archived, so it needs no backup that was made since
    moment = datetime.datetime.now(datetime.timezone.utc).isoformat()
    playbook("erase", "-e", f"xmpp_erase_jid={BOB.jid}", "-e", "xmpp_erase_yes=true").assert_ok()
    assert "bob" not in accounts()
    # Prosody alone of what is in its desired state anyway
    given = {"xmpp_restore_yes": True, "xmpp_restore_to": moment}
    restored = playbook("restore", "-e", json.dumps(given), "--tags", "prosody").assert_ok()
    with Client(BOB.jid, BOB.password, ADDRESS) as bob:
        assert LINE in bob.archived()
    # volumes cannot be renamed, so what was in them is kept in them
    (kept,) = volume("prosody").glob("before-*")
    assert f"/var/lib/prosody/{kept.name}" in restored.output
    assert "companion" not in names()


def test_a_run_finds_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """The scenario's second run, after all that a restore of a part stopped and should have started again."""
    began = time.monotonic()
    playbook("site").assert_unchanged()
    with capsys.disabled():
        print(f"\nnothing to do: {time.monotonic() - began:.0f} s")
