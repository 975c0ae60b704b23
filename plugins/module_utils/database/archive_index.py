# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The index by which Prosody finds what has expired in its archives: what is there, and what makes it good.

mod_storage_sql deletes what is older than a date from the archives of all users of a domain in one statement, and
stands still meanwhile: `DELETE FROM prosodyarchive WHERE host = ? AND store = ? AND "when" <= ?`. Each of its own
indexes has the user before the date. This one has not, and is no part of its schema. Pure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor.textfile import Metric, Sample

NAME = "xmpp_archive_expiry"
# as PostgreSQL says it (pg_get_indexdef)
DEFINITION = f'CREATE INDEX {NAME} ON public.prosodyarchive USING btree (host, store, "when")'
BUILD = f'CREATE INDEX CONCURRENTLY {NAME} ON public.prosodyarchive USING btree (host, store, "when");'
DROP = f"DROP INDEX CONCURRENTLY public.{NAME};"
LOOK = f"""SELECT json_build_object(
 'standby', pg_is_in_recovery(),
 'table', (SELECT json_build_object('rows', greatest(reltuples, 0)::bigint, 'bytes', pg_total_relation_size(oid))
  FROM pg_class WHERE oid = to_regclass('public.prosodyarchive')),
 'index', (SELECT json_build_object('valid', indisvalid AND indisready, 'bytes', pg_relation_size(indexrelid),
  'definition', pg_get_indexdef(indexrelid), 'building', EXISTS (
   SELECT FROM pg_stat_progress_create_index AS build WHERE build.index_relid = indexrelid))
  FROM pg_index WHERE indexrelid = to_regclass('public.{NAME}')));
"""

VALID = Metric("xmpp_archive_index_valid", "gauge", "Whether the index by which archives expire is there and used.")
INDEX_BYTES = Metric("xmpp_archive_index_bytes", "gauge", "Size of the index by which archives expire.")
ROWS = Metric("xmpp_archive_rows", "gauge", "How many messages the archives have, as PostgreSQL estimates it.")
BYTES = Metric("xmpp_archive_bytes", "gauge", "Size of the archives with all indexes.")


@dataclass(frozen=True)
class Index:
    """The index, as it is. building: whether somebody makes it just now."""

    valid: bool
    building: bool
    definition: str
    bytes: int


@dataclass(frozen=True)
class Archive:
    """The table of archives. rows: an estimate. index: None where there is none."""

    rows: int
    bytes: int
    index: Index | None

    @property
    def good(self) -> bool:
        """Whether the index is what it should be."""
        return self.index is not None and self.index.valid and self.index.definition == DEFINITION


def read(text: str) -> Archive | None:
    """In: the answer to LOOK. Out: None where there is nothing to do, without the table or on a standby."""
    seen = json.loads(text)
    if seen["standby"] or not seen["table"]:
        return None
    index = seen["index"]
    return Archive(
        seen["table"]["rows"],
        seen["table"]["bytes"],
        Index(index["valid"], index["building"], index["definition"], index["bytes"]) if index else None,
    )


def plan(archive: Archive) -> list[str]:
    """Out: the statements that lead to the index; each stands alone, because CONCURRENTLY allows no transaction."""
    if archive.index is None:
        return [BUILD]
    # what is being made is not valid yet; what a killed build left never will be, and costs with each message
    if archive.good or archive.index.building:
        return []
    return [DROP, BUILD]


def samples(database: str, archive: Archive) -> list[Sample]:
    """Out: the figures of one database."""
    labels = {"database": database}
    found = [
        Sample(VALID, archive.good, labels),
        Sample(ROWS, archive.rows, labels),
        Sample(BYTES, archive.bytes, labels),
    ]
    if archive.index is not None:
        found.append(Sample(INDEX_BYTES, archive.index.bytes, labels))
    return found
