# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One backup: the database to a point, then the files: no message of that point names a file that is missing."""

from __future__ import annotations

import grp
import json
import os
import pwd
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import planner, repository, restic
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Programs
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.settings import (
    FORMAT,
    RESTORE,
    SET,
    BackupError,
    Settings,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files.durable import write_json

ARCHIVED_WITHIN = 120  # seconds
TRIES = 3  # of PostgreSQL, before it rests for a minute
PRUNE_EVERY = 20 * 3600
# A commit after the moment: PostgreSQL stops at the first that is later, and complains where there is none
POINT = """SELECT extract(epoch FROM clock_timestamp());
SELECT txid_current() > 0;
SELECT pg_walfile_name(pg_switch_wal());
"""
COUNTS = """SELECT CASE WHEN to_regclass('prosody') IS NULL OR to_regclass('prosodyarchive') IS NULL THEN ''
 ELSE 'there' END;
"""
# The table of archives is not counted, which takes long: rows never change, and the highest number says up to where
COUNTED = """SELECT json_build_object(
 'accounts', (SELECT count(*) FROM (SELECT DISTINCT host, "user" FROM prosody WHERE store = 'accounts') AS one),
 'rooms', (SELECT count(*) FROM prosody WHERE store = 'persistent'),
 'last', (SELECT coalesce(max(sort_id), 0) FROM prosodyarchive));
"""


@dataclass
class Outcome:
    """What was done: part (database, files) → figures, and what went wrong."""

    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)


def counts(programs: Programs, database: str, **where: Any) -> dict[str, int]:
    """Out: what the database of Prosody holds, nothing where there are no tables yet. Raises BackupError."""
    if programs.sql(COUNTS, database, **where) != "there":
        return {}
    return dict(json.loads(programs.sql(COUNTED, database, **where)))


def owners() -> dict[str, dict[str, str]]:
    """Out: the names behind the numbers: those of another host are others."""
    return {
        "users": {str(one.pw_uid): one.pw_name for one in pwd.getpwall()},
        "groups": {str(one.gr_gid): one.gr_name for one in grp.getgrall()},
    }


def restored() -> float:
    """Out: when the database was brought back the last time, seconds since 1970; 0 for never."""
    try:
        return float(json.loads(RESTORE.read_text(encoding="utf-8")).get("database") or 0)
    except (OSError, ValueError):
        return 0.0


def _failures(programs: Programs) -> tuple[str, int]:
    name, count = programs.sql("SELECT coalesce(last_failed_wal, ''), failed_count FROM pg_stat_archiver;").split("|")
    return name, int(count)


def _wait_archived(programs: Programs, archive: str, name: str, before: int) -> None:
    # before: how many tries had failed when the segment was not complete yet
    end = time.monotonic() + ARCHIVED_WITHIN
    while True:
        last = programs.sql("SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver;")
        if last[:24] >= name and name in repository.segments(programs, archive):
            return
        failed, count = _failures(programs)
        if time.monotonic() > end or count - before >= TRIES:
            raise BackupError(
                f"The segment {name} of WAL is not in the repository"
                + (f", {failed} could not be archived" if count > before else f" after {ARCHIVED_WITHIN} s")
                + ": see journalctl -t postgres and /var/log/postgresql on the host."
            )
        time.sleep(0.5)


def database(programs: Programs, settings: Settings, outcome: Outcome, force: str = "") -> dict[str, Any]:
    """Bring the database's backup up to now. Out: the point, {"time": …, "counts": …}. Raises BackupError."""
    begun = time.time()
    known = repository.stanza(programs)
    if known.problem:
        raise BackupError(f"The repository of the database: {known.problem}. Deploy the host again to make it anew.")
    holes = repository.lacking(known, repository.segments(programs, known.archive)) if known.archive else []
    kind = force or planner.due(known, begun, holes, restored())
    if kind:
        done = programs.pgbackrest(f"--type={kind}", "backup")
        if done.code:
            raise BackupError(f"The {kind} backup of the database was not made: {done.why}")
        known = repository.stanza(programs)
        newest = known.newest
        # its exit status is not believed
        if newest is None or newest.stop < int(begun):
            raise BackupError(f"pgBackRest said it made a {kind} backup, and there is none since it began.")
        # no moment of the second in which it ended can be reached from it
        time.sleep(max(0.0, newest.stop + 1 - time.time()))
    before, failed = counts(programs, settings.database), _failures(programs)[1]
    moment, _committed, name = programs.sql(POINT).split()[:3]
    after = counts(programs, settings.database)
    known = repository.stanza(programs)
    _wait_archived(programs, known.archive, name, failed)
    outcome.lacking = repository.lacking(known, repository.segments(programs, known.archive), name)
    if outcome.lacking:
        outcome.problems.append(
            f"The archive lacks {len(outcome.lacking)} segments of WAL since the newest backup, the first of them "
            f"{outcome.lacking[0]}: the next run makes a backup that does without."
        )
    newest = known.newest
    outcome.parts["database"] = {
        "at": float(moment),
        "kind": kind,
        "seconds": round(time.time() - begun, 1),
        "size": newest.size if newest else 0,
        "stored": sum(one.stored for one in known.backups),
    }
    return {"time": float(moment), "segment": name, "counts": [before, after]}


def _unreadable(errors: tuple[tuple[str, str], ...]) -> list[str]:
    # what was removed while restic read is no loss
    return [f"{path}: {why}" for path, why in errors if os.path.lexists(path)]


def files(programs: Programs, settings: Settings, outcome: Outcome, point: dict[str, Any], version: str) -> None:
    """Keep the files, and what belongs to them in set.json. Raises BackupError."""
    begun = time.time()
    gone = [path for path in settings.paths if not Path(path).exists()]
    if gone:
        raise BackupError(f"{', '.join(gone)} is to be kept and is not there: see what removed it.")
    paths = [*settings.paths, *(path for path in settings.maybe if Path(path).exists()), str(SET)]
    write_json(
        SET,
        {
            "format": FORMAT,
            "host": settings.host,
            "made": begun,
            "collection": settings.collection,
            "prosody": version,
            "postgresql": settings.cluster if settings.database else "",
            "point": point,
            "owners": owners(),
        },
    )
    known = programs.restic("cat", "config")
    if known.code == repository.NO_REPOSITORY:
        raise BackupError("There is no repository for files, or it cannot be reached: deploy the host again.")
    # of one that was killed: only locks of processes that are gone are removed
    programs.restic("unlock")
    excludes = [f"--exclude={one}" for one in settings.excludes]
    done = programs.restic("backup", "--host", settings.host, "--tag", "xmpp", *excludes, "--", *paths)
    kept = restic.kept(done.out + done.err)
    unread = _unreadable(kept.errors)
    if not kept.snapshot:
        raise BackupError(f"The files were not kept: {done.why}")
    if unread:
        outcome.problems.append(f"{len(unread)} files could not be read, the first of them {unread[0]}.")
    made = [one for one in repository.snapshots(programs, settings) if one.name == kept.snapshot]
    if not made:
        raise BackupError(f"restic said it made the snapshot {kept.snapshot[:8]}, and it is not there.")
    left_out = restic.lacking(paths, made[0])
    if left_out:
        raise BackupError(
            f"{', '.join(left_out)} is not in the snapshot {kept.snapshot[:8]}, and restic said nothing of it."
        )
    outcome.parts["files"] = {
        "at": made[0].at,
        "kind": "snapshot",
        "seconds": round(time.time() - begun, 1),
        "size": kept.size,
        "stored": kept.added,
    }


def expire(programs: Programs, settings: Settings) -> None:
    """Forget what is older than the retention. Raises BackupError."""
    done = programs.restic(
        "forget", "--host", settings.host, "--group-by", "host", "--keep-last", "1", "--keep-within",
        f"{settings.retention_days}d", "--prune",
    )  # fmt: skip
    if done.code:
        raise BackupError(f"Old snapshots were not removed: {done.why}")


def backup(
    programs: Programs, settings: Settings, state: dict[str, Any], force: str = "", version: str = ""
) -> Outcome:
    """Make a backup of all that is on the host. What fails is in the outcome; the rest is done nevertheless."""
    outcome, point = Outcome(), {"time": time.time()}

    def attempt(what: Callable[[], Any]) -> Any:
        try:
            return what()
        except BackupError as error:
            outcome.problems.append(str(error))
            return None

    if settings.database:
        point = attempt(lambda: database(programs, settings, outcome, force)) or {"time": 0.0}
    attempt(lambda: files(programs, settings, outcome, point, version))
    if "files" in outcome.parts and time.time() - float(state.get("pruned") or 0) > PRUNE_EVERY:
        attempt(lambda: expire(programs, settings))
        state["pruned"] = time.time()
    return outcome
