# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The proof that a backup can be brought back: the newest one, restored beside the live service and compared."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import (
    pgbackrest,
    repository,
    restic,
    scratch,
    throwaway,
    work,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Programs
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.settings import BackupError, Settings

SAMPLE = 200  # rows
FILES = 30
PLACE = Path("/var/lib/xmpp-backup/drill")
ROWS = """SELECT json_build_object('archive', count(*) FILTER (WHERE store <> 'uploads'), 'uploads',
 count(*) FILTER (WHERE store = 'uploads')) FROM prosodyarchive WHERE sort_id <= {last};"""
# Spread over the whole archive
PICKED = """SELECT sort_id, md5(concat_ws('|', host, "user", store, key, "when", "with", type, value))
 FROM prosodyarchive WHERE sort_id IN ({ids}) ORDER BY sort_id;"""
RANGE = "SELECT coalesce(min(sort_id), 0), coalesce(max(sort_id), 0) FROM prosodyarchive WHERE sort_id <= {last};"


def differing(
    made: Sequence[Mapping[str, int]], restored: Mapping[str, int], live: Mapping[str, int], rows: Mapping[str, int]
) -> list[str]:
    """Say what the restored database lacks. Pure.

    made: what was counted right before and after the point; restored: the same and the rows of archives in what was
    restored; live: rows of archives in the live one up to the same number; rows: those of restored. Rows are only
    removed from archives, so that the live one cannot have more.
    """
    found = []
    for name in ("accounts", "rooms"):
        there = [one[name] for one in made if name in one]
        if there and not min(there) <= restored.get(name, 0) <= max(there):
            found.append(f"{restored.get(name, 0)} {name} were restored, and there were {there[-1]}")
    found += [
        f"{rows.get(name, 0)} rows of {name} were restored, and {live[name]} of the same time are in the live database"
        for name in ("archive", "uploads")
        if rows.get(name, 0) < live.get(name, 0)
    ]
    return found


def unequal(restored: Mapping[str, str], live: Mapping[str, str]) -> list[str]:
    """In: number of a row → hash of it, in both. Out: what is wrong; a row that is gone since is not. Pure."""
    other = [number for number, value in live.items() if restored.get(number) != value]
    return [f"row {other[0]} of the archive, and {len(other) - 1} others, differ from the live ones"] if other else []


def ids(low: int, high: int, number: int = SAMPLE) -> list[int]:
    """Out: numbers of rows from low to high, both among them. Pure but for chance."""
    if high - low < number:
        return list(range(low, high + 1))
    return sorted({low, high, *(random.randint(low, high) for _each in range(number))})


def _pairs(text: str) -> dict[str, str]:
    return dict(line.partition("|")[::2] for line in text.splitlines() if "|" in line)


def _compare(
    programs: Programs, settings: Settings, made: Sequence[Mapping[str, int]], where: dict[str, Any]
) -> dict[str, Any]:
    name = settings.database
    restored = work.counts(programs, name, **where)
    if not restored:
        return {"problems": ["The restored database has no tables of Prosody."] if made[0] else [], "restored": {}}
    last = int(made[0].get("last", 0))
    here: dict[str, Any] = {}
    rows, live = (json.loads(programs.sql(ROWS.format(last=last), name, **at)) for at in (where, here))
    problems = differing(made, restored, live, rows)
    low, high = map(int, programs.sql(RANGE.format(last=last), name, **where).split("|"))
    some = ids(low, high) if high else [0]
    numbers = ",".join(map(str, some))
    picked, same = (_pairs(programs.sql(PICKED.format(ids=numbers), name, **at)) for at in (where, here))
    problems += unequal(picked, same)
    served = throwaway.ask(programs, name, where, some)
    problems += served.pop("problems", [])
    return {"problems": problems, "restored": {**restored, **rows}, "hashed": len(same), "prosody": served}


def database(programs: Programs, settings: Settings, point: Mapping[str, Any]) -> dict[str, Any]:
    """Restore the database to the point and compare. Out: {"problems": […], …}. Raises BackupError."""
    known = repository.stanza(programs)
    if known.newest is None:
        raise BackupError("There is no backup of the database to restore.")
    free = shutil.disk_usage(scratch.PLACE.parent).free
    if free < known.newest.size * 1.2:
        raise BackupError(
            f"A drill wants {known.newest.size * 12 // 10**7} MB in {scratch.PLACE.parent}, and {free // 10**6} MB "
            "are free: make room."
        )
    verified = programs.pgbackrest("--output=text", "--verbose", "verify")
    wrong = pgbackrest.verified(verified.out) if verified.code == 0 else [verified.why]
    with scratch.cluster(programs, settings, float(point["time"])) as where:
        found = _compare(programs, settings, point["counts"], where)
    found["problems"] = [f"The repository of the database: {one}" for one in wrong] + found["problems"]
    return found


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def files(programs: Programs, snapshot: restic.Snapshot) -> dict[str, Any]:
    """Read the whole repository, restore a sample of the files and compare it. Raises BackupError."""
    # of one that was killed, and whose lock keeps the next one from reading: only those of processes that are gone
    programs.restic("unlock")
    done = programs.restic("check", "--read-data")
    problems = [f"The repository of the files: {one}" for one in restic.checked(done.out + done.err)]
    if done.code and not problems:
        problems.append(f"The repository of the files: {done.why}")
    listed = programs.restic("ls", snapshot.name)
    if listed.code:
        raise BackupError(f"The snapshot {snapshot.name[:8]} cannot be listed: {listed.why}")
    there = {
        one["path"]: restic.seconds(one["mtime"])
        for one in restic.messages(listed.out)
        if one.get("type") == "file" and one.get("message_type") == "node"
    }
    names = random.sample(sorted(there), min(FILES, len(there)))
    compared = 0
    shutil.rmtree(PLACE, ignore_errors=True)
    try:
        wanted = [f"--include={name}" for name in names]
        restored = programs.restic("restore", snapshot.name, f"--target={PLACE}", *wanted)
        if restored.code:
            problems.append(f"Files could not be restored: {restored.why}")
        for name in names:
            live, copy = Path(name), PLACE / name.lstrip("/")
            if not copy.is_file():
                problems.append(f"{name} was not restored")
            elif live.is_file() and abs(live.stat().st_mtime - there[name]) < 1e-3:
                compared += 1
                if _hash(live) != _hash(copy):
                    problems.append(f"{name} is another one in the backup")
    finally:
        shutil.rmtree(PLACE, ignore_errors=True)
    return {"problems": problems, "files": len(there), "hashed": compared}


def drill(programs: Programs, settings: Settings) -> dict[str, Any]:
    """Prove the newest set. Out: {"problems": […], "set": when, part → what was seen}."""
    found: dict[str, Any] = {"problems": []}
    try:
        snapshots = repository.snapshots(programs, settings)
        if not snapshots:
            raise BackupError("There is no snapshot of files to prove.")
        newest = snapshots[-1]
        made = repository.made(programs, newest)
        found["set"] = made["made"]
        found["files"] = files(programs, newest)
        if settings.database:
            if not made["point"].get("time") or "counts" not in made["point"]:
                raise BackupError("The newest set has no point of the database, because its backup failed.")
            found["database"] = database(programs, settings, made["point"])
    except (BackupError, OSError, ValueError, KeyError) as error:
        found["problems"].append(str(error) if isinstance(error, BackupError) else f"{type(error).__name__}: {error}")
    for part in ("files", "database"):
        found["problems"] += found.get(part, {}).get("problems", [])
    return found
