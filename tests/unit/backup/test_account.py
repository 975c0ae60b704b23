# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One account out of a backup: its address, its files, and what is asked of the databases."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import account, planner, scratch, settings
from ansible_collections.allthingslinux.xmpp.plugins.modules import backup_account
from ansible_collections.allthingslinux.xmpp.tests.unit.backup.test_backup_modules import Host, host
from ansible_collections.allthingslinux.xmpp.tests.unit.backup.test_readers import LISTED
from ansible_collections.allthingslinux.xmpp.tests.unit.module_runner import run

__all__ = ["host"]
ALICE = "alice@example.org"


@pytest.mark.parametrize("text", ["alice", "alice@", "@example.org", "a@b/c", "a b@c", "a@b@c", "a'b@c"])
def test_what_is_no_account_is_refused(text: str) -> None:
    with pytest.raises(settings.BackupError, match="such as alice@"):
        account.jid_of(text)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        # XEP-0106, and what nodeprep and nameprep make of letters
        ("D\\27Artagnan@Example.org", "d\\27artagnan@example.org"),
        ("\uff21lice@example.org", "alice@example.org"),
        ("stra\u00dfe@example.org", "strasse@example.org"),
        ("\u0130@example.org", "i\u0307@example.org"),
    ],
)
def test_an_address_is_what_prosody_stores(text: str, stored: str) -> None:
    assert account.jid_of(text).bare == stored


def test_the_file_of_an_upload_is_where_prosody_has_it() -> None:
    # util.datamanager: everything but letters and digits of ASCII
    assert account.upload("upload.example.org", "aB3-_z") == (
        "/var/lib/prosody/upload%2eexample%2eorg/http_file_share/aB3%2d%5fz.*"
    )
    assert account.encoded("ü") == "%c3%bc"


class Databases:
    """What psql is asked, and what it says: the restored one has a socket of its own."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.stores = "accounts|3\nroster|1"

    def sql(self, statements: str, **where: Any) -> str:
        self.asked.append((statements, where))
        answers = {
            account.STORES: self.stores,
            account.KEPT: "archive|2\nuploads|1",
            account.FILES: "upload.example.org|key",
            account.COPY_ROWS: "example.org\talice\troster\t\\N\tjson\t{}\n",
            account.COPY_ARCHIVE: "7\texample.org\talice\tarchive\tk\t1\tbob\txml\t<a/>\n",
        }
        return answers.get(statements, "")


@pytest.fixture
def databases(host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Databases:
    there = Databases()

    @contextlib.contextmanager
    def cluster(_programs: Any, _settings: Any, moment: float | None) -> Iterator[dict[str, Any]]:
        if moment == 1.0:
            raise settings.BackupError(f"The restored database did not come to 1: {planner.NOTHING_LATER}")
        yield {"socket": "/drill", "port": 1}

    # what the newest backup of the recording needs
    host.answers["repo-ls"] = (0, LISTED.replace("000000010000000000000001-", "000000010000000000000006-"))
    monkeypatch.setattr(account.Programs, "sql",
                        lambda _self, statements, **where: there.sql(statements, **where))  # fmt: skip
    monkeypatch.setattr(scratch, "cluster", cluster)
    monkeypatch.setattr(scratch, "PLACE", tmp_path / "scratch")
    monkeypatch.setattr(account, "PLACE", tmp_path)
    return there


def test_an_account_is_taken_out_and_written(databases: Databases, tmp_path: Path) -> None:
    found = run(backup_account, step="read", jid="Alice@example.org")
    assert not found["changed"]
    assert found["stores"] == {"accounts": 3, "roster": 1}
    assert found["archive"] == {"archive": 2, "uploads": 1}
    assert found["uploads"] == ["/var/lib/prosody/upload%2eexample%2eorg/http_file_share/key.*"]
    assert all(where["socket"] == "/drill" for _text, where in databases.asked)
    rows = tmp_path / "alice%40example%2eorg.rows"
    assert rows.stat().st_mode & 0o777 == 0o600
    databases.asked.clear()
    written = run(backup_account, step="written", jid=ALICE, stamp="now")
    assert written["changed"]
    assert Path(written["kept"]).read_text() == "example.org\talice\troster\t\\N\tjson\t{}\n"
    text, where = databases.asked[-1]
    assert "socket" not in where
    assert where["given"] == {"user": "alice", "host": "example.org", "jid": ALICE}
    assert "COPY back_rows FROM STDIN;\nexample.org\talice\troster" in text
    assert text.count("\n\\.\n") == 2
    assert text.startswith("BEGIN;")
    assert text.endswith("COMMIT;\n")
    # what was read is of no use a second time
    assert not rows.exists()


def test_a_check_writes_nothing(databases: Databases) -> None:
    run(backup_account, step="read", jid=ALICE)
    databases.asked.clear()
    run(backup_account, step="written", jid=ALICE, stamp="now", check=True)
    assert databases.asked == []


def test_an_account_that_is_not_in_the_backup(databases: Databases, tmp_path: Path) -> None:
    databases.stores = "roster|1"
    assert "There is no account" in run(backup_account, step="read", jid=ALICE)["msg"]
    assert list(tmp_path.glob("alice*")) == []


def test_what_was_not_read_is_not_written(databases: Databases) -> None:
    assert "not brought back" in run(backup_account, step="written", jid=ALICE, stamp="now")["msg"]
    assert databases.asked == []


def test_nothing_came_after_the_moment(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    """What there is then is what was there."""
    monkeypatch.setattr(planner, "objections", lambda *_all: [])
    assert run(backup_account, step="read", jid=ALICE, moment=1.0)["stores"]["accounts"] == 3
