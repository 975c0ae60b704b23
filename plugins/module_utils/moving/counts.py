# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Planner: how much there is of what, and whether all of it arrived. Pure.

Counts are host → store → how many: people of a store that keeps something of each, messages of an archive, files of one
that keeps files. What is counted of all hosts together stands under ALL.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import unquote

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.storage import tallies

Counts = Mapping[str, Mapping[str, int]]

ALL = "in all"
# what mod_storage_internal can make anew out of what lies beside it
_DERIVED = (".lidx",)

TABLES = "SELECT coalesce(json_agg(tablename ORDER BY tablename), '[]') FROM pg_tables WHERE schemaname = 'public';"


class MovingError(XmppError):
    """What a server keeps was not taken along."""


def statement(tables: Iterable[str]) -> str:
    """What to ask a database of Prosody that has these tables: a line of JSON each, [host, store, number].

    Tables and columns are those of mod_storage_sql: prosody has a row for each key of each user, prosodyarchive one for
    each message.
    """
    parts = []
    for name in tables:
        quoted = '"' + name.replace('"', '""') + '"'
        label = "'" + f"rows of {name}".replace("'", "''") + "'"
        parts.append(f"SELECT jsonb_build_array('{ALL}', {label}, count(*)) FROM {quoted}")
        if name in ("prosody", "prosodyarchive"):
            number = 'count(DISTINCT "user")' if name == "prosody" else "count(*)"
            parts.append(f"SELECT jsonb_build_array(host, store, {number}) FROM {quoted} GROUP BY host, store")
    return " UNION ALL ".join(parts) + ";"


def read(text: str) -> dict[str, dict[str, int]]:
    """In: the answer. Raises MovingError."""
    found: dict[str, dict[str, int]] = {}
    try:
        for line in text.splitlines():
            if line.strip():
                host, store, number = json.loads(line)
                found.setdefault(str(host), {})[str(store)] = int(number)
    except (TypeError, ValueError) as error:
        raise MovingError(f"What the database says cannot be understood: {error}") from error
    return found


def store_of(parts: Sequence[str]) -> tuple[str, str] | None:
    """In: the path of a file below the data directory. Out: host and store that it is of, None for what is derived.

    mod_storage_internal and mod_http_file_share have HOST/STORE/USER.dat, with what is no letter as %2e
    (util.datamanager).
    """
    if parts[-1].endswith(_DERIVED):
        return None
    if len(parts) == 1:
        return "", parts[0]
    name = parts[1] if len(parts) > 2 else parts[1].rpartition(".")[0] or parts[1]
    return unquote(parts[0]), unquote(name)


def files(found: Iterable[tuple[Sequence[str], int]]) -> dict[str, dict[str, int]]:
    """In: path below the data directory and bytes of each file. Out: counts."""
    result: dict[str, dict[str, int]] = {ALL: {"files": 0, "bytes of files": 0}}
    for parts, size in found:
        result[ALL]["files"] += 1
        result[ALL]["bytes of files"] += size
        place = store_of(parts)
        if place:
            stores = result.setdefault(place[0], {})
            stores[place[1]] = stores.get(place[1], 0) + 1
    return result


def together(*several: Counts) -> dict[str, dict[str, int]]:
    """Out: what is counted in several places."""
    result: dict[str, dict[str, int]] = {}
    for counts in several:
        for host, stores in counts.items():
            mine = result.setdefault(host, {})
            for store, number in stores.items():
                mine[store] = mine.get(store, 0) + number
    return result


def lines(counts: Counts) -> list[str]:
    """What there is, for an operator."""
    found: list[str] = []
    for host in sorted(name for name in counts if name not in ("", ALL)):
        found += tallies.of_domain(host, counts[host])
    return found


def differences(before: Counts, after: Counts) -> list[str]:
    """What did not arrive as it was, each host and store by itself."""
    return tallies.differences(before, after, 0, str)


def megabytes(size: int) -> str:
    """In: bytes. Out: the same for people."""
    return f"{size / 10**6:.1f} MB" if size < 10**7 else f"{size // 10**6} MB"
