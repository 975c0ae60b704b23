# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is to be done: which backup is due, which files belong to a moment, what a restore would do. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import wal
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.pgbackrest import Stanza
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.restic import Snapshot
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.settings import FORMAT, Settings

FULL_EVERY = 7 * 86400
NOTHING_LATER = "recovery ended before configured recovery target was reached"
"""What PostgreSQL says where nothing was committed after the moment: what there is is what was there then."""
DIFF_EVERY = 20 * 3600  # so that a day's run at another minute of the hour does not skip one


def due(stanza: Stanza, now: float, lacking: Sequence[str], restored: float = 0) -> str:
    """Out: the kind of backup that is due, full or diff, "" for none.

    lacking: segments of WAL that are missing since the newest backup: what came after them can only be had from a new
    one. restored: when the database was brought back, from where on nothing of before leads to what comes.
    """
    newest = stanza.newest
    if newest is None or newest.stop < restored:
        return "full"
    fulls = [one.stop for one in stanza.backups if one.kind == "full" and not one.error]
    if not fulls or now - max(fulls) >= FULL_EVERY:
        return "full"
    return "diff" if lacking or now - newest.stop >= DIFF_EVERY else ""


def files_for(snapshots: Sequence[Snapshot], moment: float | None) -> Snapshot | None:
    """Out: the files that belong to a moment of the database: the first that began at or after it, else the last ones.

    A file is there before the message that names it, so those of later have all that were named by then. moment: None
    for the newest.
    """
    later = [one for one in snapshots if moment is not None and one.at >= moment]
    if later:
        return min(later, key=lambda one: one.at)
    return max(snapshots, key=lambda one: one.at, default=None)


def told(seconds: float) -> str:
    """Out: a moment as people and PostgreSQL read it, in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S+00")


def target(seconds: float) -> str:
    """Out: a moment for --target of pgBackRest, to the microsecond."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f+00")


def recovery(moment: float | None) -> list[str]:
    """Out: the options of pgBackRest for a moment, None for the newest."""
    if moment is None:
        return ["--type=default"]
    return ["--type=time", f"--target={target(moment)}", "--target-action=promote"]


@dataclass(frozen=True)
class Wanted:
    """What an operator asked for. moment: seconds since 1970, None for the newest; only: "", database or uploads."""

    moment: float | None
    only: str = ""

    @property
    def database(self) -> bool:
        """Whether the database is brought back."""
        return self.only in ("", "database")

    @property
    def files(self) -> bool:
        """Whether files are brought back."""
        return self.only in ("", "uploads")


@dataclass(frozen=True)
class Seen:
    """What the repository has. segments: of WAL → when it came; made: set.json of the snapshot that is to be used.

    lacking: segments that are missing since the backup from which the moment is reached.
    """

    stanza: Stanza
    segments: Mapping[str, int]
    lacking: Sequence[str]
    snapshots: Sequence[Snapshot]
    made: Mapping[str, Any] | None


def reach(seen: Seen) -> tuple[float, float] | None:
    """Out: from when to when the database can be brought back, as far as the archive has no hole; None for never."""
    if not seen.stanza.backups:
        return None
    first = 1 + min(one.stop for one in seen.stanza.backups if not one.error)
    newest = max(seen.segments.values(), default=first)
    if seen.lacking:
        hole = wal.number(seen.lacking[0])
        before = [at for name, at in seen.segments.items() if wal.number(name) < hole]
        newest = max(before, default=first)
    return float(first), float(max(newest, first))


def objections(settings: Settings, wanted: Wanted, seen: Seen, free: int, server: str) -> list[str]:
    """Out: why the restore cannot be done, each with what to do.

    free: bytes where the database lies; server: the version that is installed, "" for none.
    """
    found = []
    made = seen.made or {}
    if int(made.get("format", FORMAT)) > FORMAT:
        found.append(
            f"The backup is of format {made['format']} and was made by allthingslinux.xmpp "
            f"{made.get('collection', '?')}; this is {settings.collection}, which knows {FORMAT}: install that version "
            "or a later one."
        )
    if settings.database and wanted.database:
        found += _database_objections(settings, seen, wanted, free, server)
    if settings.paths and wanted.files and not seen.snapshots:
        found.append(f"There are no files of {settings.host} in {settings.repository}: is what belongs there mounted?")
    return found


def _database_objections(settings: Settings, seen: Seen, wanted: Wanted, free: int, server: str) -> list[str]:
    span = reach(seen)
    newest = seen.stanza.newest
    if seen.stanza.problem or span is None or newest is None:
        why = seen.stanza.problem or "none was made yet"
        return [
            f"There is no backup of the database in {settings.repository}: {why}. Is what belongs there mounted, and "
            f"was {settings.host} (backup_host) the name of the host?"
        ]
    found = []
    if server and seen.stanza.version != server:
        found.append(
            f"The backup is of PostgreSQL {seen.stanza.version}, and {server} is installed: install "
            f"postgresql-{seen.stanza.version}."
        )
    if wanted.moment is not None and wanted.moment < span[0]:
        found.append(f"The oldest moment that can be brought back is {told(span[0])}: give that, or a later one.")
    if seen.lacking and (wanted.moment is None or wanted.moment > span[1]):
        found.append(
            f"The archive lacks {len(seen.lacking)} segments of WAL, the first of them {seen.lacking[0]}: what came "
            f"after {told(span[1])} cannot be brought back. Give a time until then (--to '{told(span[1])}')."
        )
    if free < newest.size * 1.1:
        found.append(
            f"{newest.size // 10**6} MB are needed for the database beside what is there, and {free // 10**6} MB are "
            "free: make room."
        )
    return found


def loss(wanted: Wanted, seen: Seen, now: float) -> list[str]:
    """Out: what a restore brings back and what it takes away, a line each. now: seconds since 1970."""
    lines = []
    span = reach(seen)
    if wanted.database and span:
        moment = span[1] if wanted.moment is None else wanted.moment
        lines.append(f"database      as of {told(moment)}; what came in the {_long(now - moment)} since then is lost")
    chosen = files_for(seen.snapshots, wanted.moment)
    if wanted.files and chosen:
        lines.append(f"files         as of {told(chosen.at)}, {chosen.size // 10**6} MB")
        if wanted.database and span and chosen.at < (span[1] if wanted.moment is None else wanted.moment):
            lines.append("              uploads that came between the two are named in messages and are missing")
    return lines


def _long(seconds: float) -> str:
    for size, word in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {word}"
    return f"{max(0, int(seconds))} seconds"
