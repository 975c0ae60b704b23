# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is due, which files belong to a moment, and what keeps a restore from being done."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import (
    drill,
    figures,
    planner,
    prepare,
    restore,
    state,
    work,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.pgbackrest import Backup, Stanza
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.restic import Snapshot
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.settings import FORMAT, BackupError, of
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.work import Outcome
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor.textfile import render

NOW = 1_795_700_000.0
DAY = 86400
HOLE = "000000010000000000000004"
SETTINGS = of(
    {
        "host": "one",
        "database": "prosody",
        "cluster": "17",
        "paths": ["/var/lib/prosody"],
        "maybe": [],
        "excludes": [],
        "retention_days": 14,
        "repository": "/srv/one",
        "metrics": "/nowhere",
        "restic": "/nowhere/restic",
        "environment": {},
        "options": [],
        "collection": "0.1.0",
    }
)


def backup(kind: str, age: float, error: bool = False) -> Backup:
    stop = int(NOW - age)
    return Backup(f"{stop}", kind, stop - 2, stop, "0" * 23 + "3", "0" * 23 + "3", error, 30_000_000, 4_000_000)


def stanza(*backups: Backup, **more: Any) -> Stanza:
    return Stanza(tuple(backups), version="17", system="7", archive="17-1", **more)


@pytest.mark.parametrize(
    ("backups", "lacking", "restored", "kind"),
    [
        ([], [], 0, "full"),
        ([backup("full", 3600)], [], 0, ""),
        ([backup("full", 21 * 3600)], [], 0, "diff"),
        ([backup("full", 2 * DAY), backup("diff", 3600)], [], 0, ""),
        ([backup("full", 8 * DAY), backup("diff", 3600)], [], 0, "full"),
        ([backup("full", 3600, error=True)], [], 0, "full"),
        # what came after a hole can only be had from a new backup
        ([backup("full", 3600)], ["000000010000000000000004"], 0, "diff"),
        # of before a restore nothing leads on
        ([backup("full", 3600)], [], NOW - 60, "full"),
        ([backup("full", 3600)], [], NOW - 7200, ""),
    ],
)
def test_due(backups: list[Backup], lacking: list[str], restored: float, kind: str) -> None:
    assert planner.due(stanza(*backups), NOW, lacking, restored) == kind


SNAPSHOTS = [
    Snapshot(name, NOW - age, ("/var/lib/prosody",), "one", 5_000_000)
    for name, age in (("a", 7200), ("b", 3600), ("c", 60))
]


@pytest.mark.parametrize(("age", "name"), [(7300, "a"), (7200, "a"), (3700, "b"), (61, "c"), (0, "c"), (None, "c")])
def test_the_files_are_those_of_right_after(age: float | None, name: str) -> None:
    found = planner.files_for(SNAPSHOTS, None if age is None else NOW - age)
    assert found is not None
    assert found.name == name


def test_no_files_for_no_snapshots() -> None:
    assert planner.files_for([], NOW) is None


def seen(**more: Any) -> planner.Seen:
    given: dict[str, Any] = {
        "stanza": stanza(backup("full", DAY)),
        "segments": {"000000010000000000000003": int(NOW - DAY), "000000010000000000000004": int(NOW - 60)},
        "lacking": [],
        "snapshots": SNAPSHOTS,
        "made": {"format": FORMAT},
        **more,
    }
    return planner.Seen(**given)


def objections(wanted: planner.Wanted, free: int = 10**12, server: str = "17", **more: Any) -> list[str]:
    return planner.objections(SETTINGS, wanted, seen(**more), free, server)


def test_nothing_to_object_to() -> None:
    assert objections(planner.Wanted(None)) == []
    assert objections(planner.Wanted(NOW - 3600)) == []


@pytest.mark.parametrize(
    ("wanted", "more", "said"),
    [
        (planner.Wanted(None), {"made": {"format": FORMAT + 1, "collection": "9.9.9"}}, ["xmpp 9.9.9", "install that"]),
        (planner.Wanted(None), {"server": "18"}, ["PostgreSQL 17", "install postgresql-17"]),
        (planner.Wanted(None), {"free": 1000}, ["30 MB", "make room"]),
        (planner.Wanted(NOW - 2 * DAY), {}, ["oldest moment", planner.told(NOW - DAY + 1)]),
        (planner.Wanted(None), {"stanza": Stanza(problem="missing stanza path")}, ["no backup of", "missing stanza"]),
        (planner.Wanted(None), {"snapshots": [], "made": None}, ["no files of one in /srv/one"]),
        (planner.Wanted(None), {"lacking": [HOLE]}, ["lacks 1 segments", f"--to '{planner.told(NOW - DAY + 1)}'"]),
        (planner.Wanted(NOW - 60), {"lacking": [HOLE]}, ["lacks 1 segments"]),
    ],
)
def test_what_cannot_be_done_is_refused(wanted: planner.Wanted, more: dict[str, Any], said: list[str]) -> None:
    (found,) = objections(wanted, **more)
    assert [part for part in said if part not in found] == [], found


def test_before_a_hole_there_is_no_hole() -> None:
    assert objections(planner.Wanted(NOW - DAY + 1), lacking=["000000010000000000000004"]) == []


def test_the_second_in_which_a_backup_ended_is_not_reached_from_it() -> None:
    """As pgBackRest has it; what was promised of that second could not be brought back, and a drill failed."""
    made = stanza(backup("full", 2 * DAY), backup("diff", DAY))
    assert [one.kind for one in (made.before(NOW - DAY + 0.9), made.before(NOW - DAY + 1)) if one] == ["full", "diff"]
    (found,) = objections(planner.Wanted(NOW - DAY + 0.9))
    assert f"oldest moment that can be brought back is {planner.told(NOW - DAY + 1)}" in found


def test_files_alone_ask_nothing_of_the_database() -> None:
    assert objections(planner.Wanted(None, "uploads"), stanza=Stanza(problem="gone"), free=0) == []
    assert objections(planner.Wanted(None, "database"), snapshots=[]) == []


def test_what_is_lost_is_said() -> None:
    text = "\n".join(planner.loss(planner.Wanted(NOW - 7000), seen(), NOW))
    assert f"database      as of {planner.told(NOW - 7000)}" in text
    assert "what came in the 116 minutes since then is lost" in text
    assert planner.told(NOW - 3600) in text
    assert "missing" not in text
    # the newest files are older than the newest of the database
    text = "\n".join(planner.loss(planner.Wanted(None), seen(segments={"000000010000000000000004": int(NOW)}), NOW))
    assert "uploads that came between the two" in text


def test_a_moment_keeps_its_fraction() -> None:
    assert planner.target(1795667472.75).endswith(":12.750000+00")


def test_another_database_is_not_followed() -> None:
    assert prepare.foreign(stanza(), "7", "one") == ""
    assert "bin/xmpp restore" in prepare.foreign(stanza(), "8", "one")
    assert prepare.stanza_is_there(stanza())
    assert not prepare.stanza_is_there(Stanza(problem="missing stanza path"))
    assert prepare.foreign(Stanza(), "8", "one") == ""


COUNTED = [{"accounts": 3, "rooms": 1, "last": 9}, {"accounts": 4, "rooms": 1, "last": 9}]


@pytest.mark.parametrize(
    ("restored", "rows", "live", "problems"),
    [
        ({"accounts": 3, "rooms": 1}, {"archive": 8, "uploads": 1}, {"archive": 8, "uploads": 1}, 0),
        ({"accounts": 4, "rooms": 1}, {"archive": 8, "uploads": 1}, {"archive": 5, "uploads": 0}, 0),
        ({"accounts": 2, "rooms": 1}, {"archive": 8, "uploads": 1}, {"archive": 8, "uploads": 1}, 1),
        ({"accounts": 3, "rooms": 0}, {"archive": 7, "uploads": 0}, {"archive": 8, "uploads": 1}, 3),
    ],
)
def test_what_was_restored_is_counted(
    restored: dict[str, int], rows: dict[str, int], live: dict[str, int], problems: int
) -> None:
    assert len(drill.differing(COUNTED, restored, live, rows)) == problems


def test_rows_are_compared_by_their_hash() -> None:
    assert drill.unequal({"1": "a", "2": "b"}, {"1": "a"}) == []
    assert "row 2" in drill.unequal({"1": "a", "2": "b"}, {"1": "a", "2": "x"})[0]
    assert drill.unequal({"1": "a"}, {"1": "a", "3": "c"}) != []


def test_a_sample_has_both_ends() -> None:
    assert drill.ids(1, 3) == [1, 2, 3]
    picked = drill.ids(1, 10**7)
    assert (picked[0], picked[-1]) == (1, 10**7)
    assert len(picked) <= drill.SAMPLE + 2


def test_numbers_of_users_that_are_others_here() -> None:
    there = {"0": "root", "101": "prosody", "102": "nobody-here"}
    assert restore.renumbered(there, {"root": 0, "prosody": 105}) == {101: 105}
    assert restore.renumbered(there, {"root": 0, "prosody": 101}) == {}


def test_a_failed_backup_leaves_the_last_good_one() -> None:
    part = {"at": NOW, "seconds": 1.0, "size": 5, "stored": 4, "kind": "full"}
    good = state.backed_up({}, Outcome({"database": part}), "/srv/one", NOW - 1, NOW)
    bad = state.backed_up(good, Outcome({}, ["It broke."], ["0"]), "/srv/two", NOW + 1, NOW + 2)
    assert bad["last_success"] == {"database": NOW}
    text = render(figures.samples(bad, 12.0))
    assert "xmpp_backup_success 0.0" in text
    assert 'xmpp_backup_last_success_timestamp_seconds{part="database"} 1795700000.0' in text
    assert "xmpp_backup_wal_missing 1.0" in text
    assert "xmpp_backup_wal_waiting_seconds 12.0" in text


def test_a_failed_drill_is_no_proof() -> None:
    proved = state.drilled({}, {"problems": []}, NOW - 1, NOW)
    failed = state.drilled(proved, {"problems": ["A byte."]}, NOW + 1, NOW + 2)
    assert failed["verified"] == NOW
    assert "xmpp_restore_drill_success 0.0" in render(figures.samples(failed, None))
    assert "xmpp_restore_verified" not in render(figures.samples(state.drilled({}, {"problems": ["x"]}, 0, 1), None))


def test_settings_say_where_the_cluster_is() -> None:
    assert str(replace(SETTINGS, cluster="18").data) == "/var/lib/postgresql/18/main"


def test_a_full_repository_is_told_when_postgresql_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three tries fail within three seconds of the switch, maybe before anybody could ask; then it rests a minute."""
    tried = []

    class Programs:
        def sql(self, statements: str, *_more: Any, **_where: Any) -> str:
            if statements == work.POINT:
                tried.append(HOLE)
                return f"{NOW}\nt\n{HOLE}"
            if "failed_count" in statements:
                return f"{HOLE}|{8 if tried else 5}"
            return "" if "last_archived" in statements else "{}"

    known = stanza(backup("full", 3600 - (time.time() - NOW)))
    monkeypatch.setattr(work.repository, "stanza", lambda _programs: known)
    monkeypatch.setattr(work.repository, "segments", lambda *_what: {})
    monkeypatch.setattr(work.planner, "due", lambda *_what: "")
    monkeypatch.setattr(work.time, "sleep", lambda _seconds: pytest.fail("it waited"))
    with pytest.raises(BackupError, match="could not be archived"):
        work.database(Programs(), SETTINGS, Outcome())  # type: ignore[arg-type]
