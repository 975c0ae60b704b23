# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What restic prints with --json. Pure. Source: its manual (scripting), and outputs of 0.18."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any


@dataclass(frozen=True)
class Snapshot:
    """Files as they were at one time. at: when it began, seconds since 1970; size: bytes of the files in it."""

    name: str
    at: float
    paths: tuple[str, ...]
    host: str
    size: int
    added: int = 0


@dataclass(frozen=True)
class Kept:
    """What one run of backup said: the snapshot that it made, and what it could not read."""

    snapshot: str = ""
    size: int = 0
    added: int = 0
    errors: tuple[tuple[str, str], ...] = ()
    """Path and reason, each."""


def seconds(text: str) -> float:
    """In: a time as restic writes it, with nanoseconds. Out: seconds since 1970. Raises ValueError."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.](\d+))?(Z|[+-]\d\d:\d\d)", text)
    if not found:
        raise ValueError(f"no time: {text}")
    whole = datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00")).astimezone(timezone.utc)
    return whole.timestamp() + float(f"0.{found[2] or 0}")


def messages(text: str) -> Iterator[dict[str, Any]]:
    """Yields each line that is an object; restic mixes them with others."""
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:
                continue


def snapshots(text: str) -> list[Snapshot]:
    """In: output of snapshots --json. Out: them all, oldest first. Raises ValueError, KeyError."""
    found = [
        Snapshot(
            one["id"],
            seconds(one["time"]),
            tuple(one["paths"]),
            one["hostname"],
            int((one.get("summary") or {}).get("total_bytes_processed", 0)),
            int((one.get("summary") or {}).get("data_added_packed", 0)),
        )
        for one in json.loads(text) or []
    ]
    return sorted(found, key=lambda one: one.at)


def kept(text: str) -> Kept:
    """In: output of backup --json, both streams."""
    name, size, added, errors = "", 0, 0, []
    for one in messages(text):
        if one.get("message_type") == "summary":
            name, size = one.get("snapshot_id", ""), int(one.get("total_bytes_processed", 0))
            added = int(one.get("data_added_packed", 0))
        elif one.get("message_type") == "error":
            errors.append((str(one.get("item", "")), str((one.get("error") or {}).get("message", ""))))
    return Kept(name, size, added, tuple(errors))


def checked(text: str) -> list[str]:
    """In: output of check --json, both streams. Out: what is wrong; something too where it did not end."""
    problems, ended = [], False
    for one in messages(text):
        if one.get("message_type") == "summary":
            ended = True
            if one.get("num_errors"):
                problems.append(f"{one['num_errors']} errors in the repository")
            problems += [f"pack {name[:12]} is damaged" for name in one.get("broken_packs") or []]
        elif one.get("message_type") == "exit_error":
            problems.append(str(one.get("message", "")).strip())
    return problems if ended or problems else ["restic check did not come to its end"]


def lacking(wanted: Sequence[str], snapshot: Snapshot) -> list[str]:
    """Out: the sources that were asked for and are not in a snapshot: restic passes over them and exits with 0."""
    return [path for path in wanted if path not in snapshot.paths]
