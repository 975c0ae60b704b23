# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A backup brought back on a host. It can be ended at any place and begun again, and keeps what it replaces.

What was done is written down before and after each step (restore.json): an original is moved aside once, and what lies
in its place later is half of a restore, which is thrown away.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import planner, restic
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Programs, run
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.settings import (
    RESTORE,
    SEALED,
    SET,
    BackupError,
    Settings,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files.durable import write_json

LONGEST = 24 * 3600  # seconds for replaying a week of changes
PROSODY = Path("/var/lib/prosody")
UPLOADS = "http_file_share"
_ASIDE = "before-"
# of a unit of systemd; auto-restart is that of one which did not come up. A container whose health check waits for a
# database that is replaying is unhealthy
_ON_ITS_WAY = ("condition", "start-pre", "start", "start-post", "running", "reload", "unhealthy")


class Record:
    """What a restore did so far. replaced: path → where the original is, "" where there was none."""

    def __init__(self, path: Path = RESTORE) -> None:
        self._path = path
        try:
            self.data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.data = {}

    def save(self) -> None:
        """Have it on disk. Raises OSError."""
        write_json(self._path, self.data)

    @property
    def pending(self) -> dict[str, str]:
        """The paths in whose place half of a restore lies."""
        found: dict[str, str] = self.data.setdefault("pending", {})
        return found

    def done(self, part: str, kept: Mapping[str, str]) -> None:
        """A part is whole again."""
        for path in kept:
            self.pending.pop(path, None)
        self.data[part] = time.time()
        self.save()


def is_volume(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> bool:
    """Whether something is mounted there, also of the disk that is around it (proc_pid_mountinfo(5))."""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return path.is_mount()
    # blanks in a name are written in octal
    places = (re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), line.split(" ")[4]) for line in lines)
    return str(path) in places


def _apart(path: Path, stamp: str) -> Path:
    """Out: where the original of a path is kept: beside it, or in it where it is a volume, which cannot be renamed."""
    return path / f"{_ASIDE}{stamp}" if is_volume(path) else path.with_name(f"{path.name}.{_ASIDE}{stamp}")


def _children(path: Path) -> list[Path]:
    """What lies in a volume, without what was set aside in it, now or by a move."""
    return [one for one in path.iterdir() if not one.name.startswith((_ASIDE, ".storage-"))]


def _aside(record: Record, path: Path, stamp: str) -> tuple[str, bool]:
    """Out: where the original is to be, "" where there was none; and whether that was known already."""
    known = record.pending.get(str(path))
    if known is not None:
        return known, True
    there = bool(_children(path)) if is_volume(path) else path.exists()
    return str(_apart(path, stamp)) if there else "", False


def set_aside(record: Record, path: Path, stamp: str) -> str:
    """Make room for what comes in the place of a path. Out: where the original is, "" where there was none."""
    known, before = _aside(record, path, stamp)
    if not before:
        record.pending[str(path)] = known
        record.save()
    if is_volume(path):
        _empty(path, Path(known) if known else None)
    elif known and not Path(known).exists():
        path.rename(known)
    elif path.exists():
        _remove(path)
    return known


def _empty(volume: Path, aside: Path | None) -> None:
    """Move what is in a volume to where it is kept. Once that is there it is whole, and what lies beside it goes."""
    if aside is None or aside.exists():
        for one in _children(volume):
            _remove(one)
        return
    part = aside.with_name(f"{aside.name}.part")
    part.mkdir(mode=0o700, exist_ok=True)
    for one in _children(volume):
        one.rename(part / one.name)
    part.rename(aside)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def copy_aside(record: Record, path: Path, stamp: str) -> str:
    """Keep a copy of what is going to be overwritten. Out: where it is, "" where there was nothing."""
    known, before = _aside(record, path, stamp)
    if not before:
        if known:
            # whole or not at all: what is there under this name is trusted
            part, sources = Path(f"{known}.part"), _children(path) if is_volume(path) else [path]
            shutil.rmtree(part, ignore_errors=True)
            if is_volume(path):
                part.mkdir(mode=0o700)
            for one in sources:
                _copy(one, part / one.name if is_volume(path) else part)
            part.rename(known)
        record.pending[str(path)] = known
        record.save()
    return known


def _copy(source: Path, copy: Path) -> None:
    """Copy a file or a tree with its owners."""
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, copy, symlinks=True)
        _same_owners(source, copy)
    else:
        shutil.copy2(source, copy, follow_symlinks=False)
        status = source.lstat()
        os.chown(copy, status.st_uid, status.st_gid, follow_symlinks=False)


def _same_owners(source: Path, copy: Path) -> None:
    for one in [source, *source.rglob("*")]:
        status = one.lstat()
        os.chown(copy / one.relative_to(source), status.st_uid, status.st_gid, follow_symlinks=False)


def _fatal(unit: str, since: float) -> str:
    said = run("journalctl", f"--unit={unit}", f"--since=@{int(since)}", "--output=cat", "--no-pager").out
    said += run("journalctl", "--identifier=postgres", f"--since=@{int(since)}", "--output=cat", "--no-pager").out
    found = [line.partition("FATAL:")[2].strip() for line in said.splitlines() if "FATAL:" in line]
    found = [line for line in found if "the database system is" not in line]
    return "; ".join(dict.fromkeys(found)) or f"see journalctl -u {unit}"


def _is_open(programs: Programs) -> bool:
    with contextlib.suppress(BackupError):
        return programs.sql("SELECT pg_is_in_recovery();") == "f"
    return False


def database(programs: Programs, settings: Settings, moment: float | None, stamp: str) -> dict[str, str]:
    """Bring the database back and run it. Out: path → where the original is. Raises BackupError, OSError."""
    record, unit = Record(), f"postgresql@{settings.cluster}-main"
    stopped = run("systemctl", "stop", unit)
    if stopped.code:
        raise BackupError(f"PostgreSQL could not be stopped: {stopped.why}")
    kept = {str(settings.data): set_aside(record, settings.data, stamp)}
    settings.data.mkdir(mode=0o700)
    shutil.chown(settings.data, "postgres", "postgres")
    done = programs.restore(settings.data, *planner.recovery(moment))
    if done.code:
        raise BackupError(
            f"The database could not be restored, and PostgreSQL is stopped: {done.why} {_way_back(kept)}"
        )
    why = _started(programs, unit)
    if moment is not None and planner.NOTHING_LATER in why:
        # nothing was committed after the moment, so what there is is what was there then
        with (settings.data / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
            file.write("recovery_target_time = ''\n")
        why = _started(programs, unit)
    if why:
        raise BackupError(f"PostgreSQL did not come up with what was restored: {why}. {_way_back(kept)}")
    record.done("database", kept)
    return kept


def _started(programs: Programs, unit: str) -> str:
    """Start PostgreSQL and wait until it has replayed all. Out: why it did not come to that, "" where it did."""
    begun = time.time()
    started = run("systemctl", "start", unit)
    while not _is_open(programs):
        state = run("systemctl", "show", "--property=SubState", "--value", unit).out.strip()
        if state not in _ON_ITS_WAY or time.time() - begun > LONGEST:
            # systemd would try it again and again, as it does on a full disk
            run("systemctl", "stop", unit)
            return _fatal(unit, begun) or started.why
        time.sleep(0.3)
    return ""


def _way_back(kept: Mapping[str, str]) -> str:
    there = [f"{original} is what {path} was" for path, original in kept.items() if original]
    return "Repeat the restore, also with another time" + (f"; {', '.join(there)}." if there else ".")


def renumbered(numbers: Mapping[str, str], here: Mapping[str, int]) -> dict[int, int]:
    """In: number → name where the backup was made; name → number here. Out: numbers that are others here. Pure."""
    return {int(number): here[name] for number, name in numbers.items() if name in here and here[name] != int(number)}


def _walk(top: Path) -> Iterator[Path]:
    yield top
    if top.is_dir() and not top.is_symlink():
        for folder, directories, names in os.walk(top):
            yield from (Path(folder) / name for name in (*directories, *names))


def looked_at(top: Path) -> dict[Path, tuple[int, int]]:
    """Out: path → what is another one once anybody writes there; nothing where there is nothing. Raises OSError."""
    if not os.path.lexists(top):
        return {}
    return {one: _mark(one.lstat()) for one in _walk(top)}


def _mark(status: os.stat_result) -> tuple[int, int]:
    return status.st_ino, status.st_ctime_ns


def give_to_their_owners(
    top: Path, users: Mapping[int, int], groups: Mapping[int, int], before: Mapping[Path, tuple[int, int]]
) -> None:
    """Give what was restored to those that have the same names here.

    before: what was there, as looked_at has it. What is still the same did not come out of the backup, and the number
    of its owner is one of this host. Raises OSError.
    """
    if not users and not groups:
        return
    for one in _walk(top):
        status = one.lstat()
        if before.get(one) == _mark(status):
            continue
        user, group = users.get(status.st_uid, status.st_uid), groups.get(status.st_gid, status.st_gid)
        if (user, group) != (status.st_uid, status.st_gid):
            mode = status.st_mode
            os.chown(one, user, group, follow_symlinks=False)
            if not one.is_symlink():
                one.chmod(mode & 0o7777)


def _bring(programs: Programs, snapshot: restic.Snapshot, *includes: str) -> None:
    words = [f"--include={one}" for one in includes]
    done = programs.restic("restore", snapshot.name, "--target=/", "--overwrite=always", *words)
    if done.code:
        raise BackupError(f"The files could not be restored: {done.why} Repeat the restore.")


def uploads(
    programs: Programs,
    snapshot: restic.Snapshot,
    made: Mapping[str, Any],
    here: tuple[Mapping[str, int], Mapping[str, int]],
    only: Sequence[str],
) -> None:
    """Bring uploads back. They never change: what is there stays, what is missing or damaged comes back.

    here: as with files; only: patterns of restic, of which none is all. Raises BackupError, OSError.
    """
    users = renumbered(made["owners"]["users"], here[0])
    groups = renumbered(made["owners"]["groups"], here[1])
    before: dict[Path, tuple[int, int]] = {}
    for place in PROSODY.glob(f"*/{UPLOADS}"):
        before |= looked_at(place)
    _bring(programs, snapshot, *(only or [f"{PROSODY}/*/{UPLOADS}"]))
    for place in PROSODY.glob(f"*/{UPLOADS}"):
        give_to_their_owners(place, users, groups, before)


def files(
    programs: Programs,
    snapshot: restic.Snapshot,
    made: Mapping[str, Any],
    here: tuple[Mapping[str, int], Mapping[str, int]],
    stamp: str,
) -> dict[str, str]:
    """Bring files back. Out: path → where the original is. Raises BackupError, OSError.

    here: numbers of users and of groups, by name.
    """
    users = renumbered(made["owners"]["users"], here[0])
    groups = renumbered(made["owners"]["groups"], here[1])
    record, kept = Record(), {}
    for path in map(Path, snapshot.paths):
        if path in (SET, SEALED):
            continue
        # configuration of the host itself lies beside ours
        aside = copy_aside if path.is_relative_to("/etc") and path.is_dir() else set_aside
        kept[str(path)] = aside(record, path, stamp)
        before = looked_at(path)
        _bring(programs, snapshot, str(path))
        give_to_their_owners(path, users, groups, before)
    record.done("files", kept)
    return kept
