# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What lies in the repository, read by the programs that wrote it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import pgbackrest, planner, restic, wal
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Programs
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.settings import (
    SEALED,
    SET,
    BackupError,
    Settings,
)

NO_REPOSITORY = 10  # of restic
WRONG_KEY = 12


def stanza(programs: Programs) -> pgbackrest.Stanza:
    """Out: the backups of the database. Raises BackupError."""
    done = programs.pgbackrest("--output=json", "info")
    if done.code:
        raise BackupError(f"The backups of the database cannot be read: {done.why}")
    try:
        return pgbackrest.stanza(done.out)
    except ValueError as error:
        raise BackupError(f"What pgBackRest says of the backups of the database cannot be read: {error}") from error


def segments(programs: Programs, archive: str) -> dict[str, int]:
    """Out: the segments of WAL in an archive, with when each came. Raises BackupError."""
    done = programs.pgbackrest("--recurse", "--output=json", "repo-ls", f"archive/xmpp/{archive}")
    if done.code:
        raise BackupError(f"The archive of the database cannot be read: {done.why}")
    try:
        return pgbackrest.segments(done.out)
    except (ValueError, KeyError) as error:
        raise BackupError(f"The archive of the database cannot be read: {error}") from error


def lacking(known: pgbackrest.Stanza, there: dict[str, int], last: str = "", moment: float | None = None) -> list[str]:
    """Out: the segments that are missing since the backup began from which a moment is reached, None for the newest."""
    begin = known.before(moment)
    return wal.missing(there, begin.first, last) if begin and begin.first else []


def snapshots(programs: Programs, settings: Settings) -> list[restic.Snapshot]:
    """Out: the snapshots of this host's files, oldest first; none where there is no repository. Raises BackupError."""
    done = programs.restic("snapshots")
    if done.code == NO_REPOSITORY:
        return []
    if done.code:
        raise BackupError(f"The backups of the files cannot be read: {done.why}")
    try:
        return [one for one in restic.snapshots(done.out) if one.host == settings.host]
    except (ValueError, KeyError) as error:
        raise BackupError(f"The backups of the files cannot be read: {error}") from error


def made(programs: Programs, snapshot: restic.Snapshot) -> dict[str, Any]:
    """Out: what was written down of the set that a snapshot belongs to. Raises BackupError."""
    done = programs.restic("dump", snapshot.name, str(SET))
    if done.code:
        raise BackupError(f"The snapshot {snapshot.name[:8]} cannot be read: {done.why}")
    try:
        return dict(json.loads(done.out))
    except ValueError as error:
        raise BackupError(f"{SET} of the snapshot {snapshot.name[:8]} cannot be read: {error}") from error


def sealed(programs: Programs, snapshots: Sequence[restic.Snapshot]) -> str:
    """Out: the controller's secrets in the newest snapshot, encrypted; "" where it has none. Raises BackupError."""
    if not snapshots or str(SEALED) not in snapshots[-1].paths:
        return ""
    done = programs.restic("dump", snapshots[-1].name, str(SEALED))
    if done.code:
        raise BackupError(f"The controller's secrets cannot be read from the backup: {done.why}")
    return done.out


def seen(programs: Programs, settings: Settings, moment: float | None) -> planner.Seen:
    """Out: all that a restore to a moment wants to know. Raises BackupError."""
    known, there, holes = pgbackrest.Stanza(), {}, []
    if settings.database:
        known = stanza(programs)
        if known.archive and known.backups:
            there = segments(programs, known.archive)
            holes = lacking(known, there, moment=moment)
    files = snapshots(programs, settings)
    chosen = planner.files_for(files, moment)
    return planner.Seen(known, there, holes, files, made(programs, chosen) if chosen else None)
