# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What pgBackRest prints. Pure. Sources: its command reference (info, repo-ls, verify) and outputs of 2.55."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import wal
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import printable


@dataclass(frozen=True)
class Backup:
    """One backup of a database. kind: full, diff or incr; times: seconds since 1970; sizes: bytes.

    first and last: the segments of WAL without which it is none.
    """

    label: str
    kind: str
    start: int
    stop: int
    first: str
    last: str
    error: bool
    size: int
    stored: int


@dataclass(frozen=True)
class Stanza:
    """What a repository has of a database. problem: why it cannot be read, "" where it can.

    version and system: of the cluster that was archived last. damaged: whether something is there that cannot be read.
    """

    backups: tuple[Backup, ...] = ()
    problem: str = ""
    version: str = ""
    system: str = ""
    archive: str = ""
    """The name of its archive, such as 17-1."""
    damaged: bool = False

    @property
    def newest(self) -> Backup | None:
        """The backup that ended last and is whole."""
        return self.before(None)

    def before(self, moment: float | None) -> Backup | None:
        """The backup from which a moment is reached: the last that ended in a second before; None is the newest.

        So pgBackRest chooses (restore.c: a stop before the target, both in whole seconds).
        """
        whole = [one for one in self.backups if not one.error and (moment is None or one.stop < int(moment))]
        return max(whole, key=lambda one: one.stop) if whole else None


def _backup(data: Mapping[str, Any]) -> Backup:
    sizes = data["info"]
    return Backup(
        data["label"],
        data["type"],
        data["timestamp"]["start"],
        data["timestamp"]["stop"],
        data["archive"]["start"] or "",
        data["archive"]["stop"] or "",
        bool(data.get("error")),
        sizes["size"],
        sizes["repository"]["delta"],
    )


# of a stanza: good, no directory, no backup yet, no description (info.c, INFO_STANZA_STATUS_CODE_*)
_GOOD, _NO_PATH, _NO_BACKUP, _NO_DATA = range(4)


def _problem(one: Mapping[str, Any]) -> str:
    """Out: why a stanza cannot be read: what is said of a repository, in its first line, is more than the summary.

    Behind that are bytes which were decrypted with the wrong key.
    """
    every = [*(each["status"] for each in one.get("repo") or []), one["status"]]
    wrong = next(each for each in every if each["code"] not in (_GOOD, _NO_BACKUP))
    return printable(str(wrong["message"]).partition("\n")[0]).rstrip(":")


def stanza(text: str) -> Stanza:
    """In: output of info --output=json for one stanza. Raises ValueError where it is something else."""
    try:
        # messages have line feeds and whatever bytes were read, as they are
        data = json.loads(text, strict=False)
        if not data:
            return Stanza(problem="there is nothing of this database in the repository")
        one = data[0]
        code = one["status"]["code"]
        current = max(one.get("db") or [{"id": 0}], key=lambda each: each["id"])
        archives = [each["id"] for each in one.get("archive") or [] if each["database"]["id"] == current["id"]]
        return Stanza(
            tuple(_backup(each) for each in one.get("backup") or [] if each["database"]["id"] == current["id"]),
            "" if code in (_GOOD, _NO_BACKUP) else _problem(one),
            str(current.get("version", "")),
            str(current.get("system-id", "")),
            archives[0] if archives else "",
            code not in (_GOOD, _NO_PATH, _NO_BACKUP, _NO_DATA),
        )
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"pgBackRest said of itself what cannot be read: no {error}") from error


def segments(text: str) -> dict[str, int]:
    """In: output of repo-ls --recurse --output=json of the archive. Out: segment → when it came, seconds since 1970."""
    found = {}
    for path, entry in json.loads(text).items():
        name = wal.segment(path)
        if name and entry.get("type") == "file" and entry.get("size"):
            found[name] = int(entry["time"])
    return found


_HEADS = re.compile(r"\s*(archiveId|backup): (\S+?),")
_COUNTS = re.compile(r"(missing|checksum invalid|size invalid|other): (\d+)")
_STATUS = re.compile(r"status: (\w+)")


def verified(text: str) -> list[str]:
    """In: output of verify --output=text --verbose, which exits with 0 whatever it found. Out: what is wrong.

    Without a word of a stanza it verified nothing, which is wrong as well.
    """
    lines = [line for line in text.splitlines() if " P00 " not in line and not line.startswith(" " * 20)]
    problems, what = [], ""
    if not any(line.strip().startswith("status: ") for line in lines):
        return ["pgbackrest verify said nothing of what it looked at"]
    for line in lines:
        head = _HEADS.match(line)
        if head:
            what = f"{'archive' if head[1] == 'archiveId' else 'backup'} {head[2]}"
            state = _STATUS.search(line)
            if state and state[1] not in ("valid", "ok"):
                problems.append(f"{what} is {state[1]}")
        wrong = [f"{name} {count}" for name, count in _COUNTS.findall(line) if int(count)]
        if wrong:
            problems.append(f"{what}: {', '.join(wrong)}")
        if line.strip().startswith("status: ") and not line.strip().endswith(" ok"):
            problems.append(line.strip())
    return problems
