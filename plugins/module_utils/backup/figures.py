# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups in figures, for Prometheus and for the status. Pure, but for the files that it is given."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor.textfile import Metric, Sample

SUCCESS = Metric("xmpp_backup_success", "gauge", "Whether the last backup was made without a problem.")
LAST_SUCCESS = Metric("xmpp_backup_last_success_timestamp_seconds", "gauge", "When the last good backup was made.")
RUN = Metric("xmpp_backup_last_run_timestamp_seconds", "gauge", "When a backup was tried the last time.")
SECONDS = Metric("xmpp_backup_duration_seconds", "gauge", "How long each part of the last backup took.")
SIZE = Metric("xmpp_backup_size_bytes", "gauge", "What each part of the last backup holds.")
WAITING = Metric("xmpp_backup_wal_waiting_seconds", "gauge", "Age of the oldest WAL segment that is not archived yet.")
GAPS = Metric("xmpp_backup_wal_missing", "gauge", "Segments of WAL that the archive lacks since the newest backup.")
VERIFIED = Metric(
    "xmpp_restore_verified_timestamp_seconds", "gauge", "When a restored backup was proved the last time."
)
DRILL = Metric("xmpp_restore_drill_success", "gauge", "Whether the last drill found the backup good.")


def samples(state: Mapping[str, Any], waiting: float | None) -> list[Sample]:
    """In: the state as run.py keeps it; seconds that the oldest segment waits, None without a database."""
    found = []
    last, proved = state.get("backup") or {}, state.get("drill") or {}
    if last:
        found += [Sample(SUCCESS, not last["problems"]), Sample(RUN, last["ended"]), Sample(GAPS, last["missing"])]
        for part, one in last["parts"].items():
            found += [Sample(SECONDS, one["seconds"], {"part": part}), Sample(SIZE, one["size"], {"part": part})]
    found += [Sample(LAST_SUCCESS, at, {"part": part}) for part, at in (state.get("last_success") or {}).items()]
    if proved:
        found.append(Sample(DRILL, not proved["problems"]))
    if state.get("verified"):
        found.append(Sample(VERIFIED, state["verified"]))
    if waiting is not None:
        found.append(Sample(WAITING, waiting))
    return found


def waiting(pg_wal: Path, now: float) -> float:
    """In: pg_wal of a cluster; seconds since 1970. Out: how long the oldest segment waits for being archived."""
    try:
        ready = [one.stat().st_mtime for one in (pg_wal / "archive_status").glob("*.ready")]
    except OSError:
        return 0.0
    return max(0.0, now - min(ready)) if ready else 0.0
