# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The statements that a database spends its time with, as its extension pg_stat_statements counts them. Pure.

It keeps statements with $1 in place of their values. What defines things (CREATE, ALTER, COPY …) it keeps as it was
written, and role postgresql has it leave these out; what is in quotes goes here nevertheless.
"""

from __future__ import annotations

import json
import re

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor.textfile import Metric, Sample

# made by the role, and loaded when the server started; asking without the latter is an error
LOADED = """SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements')
 AND current_setting('shared_preload_libraries') ~ '\\mpg_stat_statements\\M';
"""
# not of those who administer and watch the server
LOOK = """SELECT coalesce(json_agg(row_to_json(one)), '[]') FROM (
 SELECT query, sum(calls) AS calls, sum(total_exec_time) / 1000 AS seconds FROM pg_stat_statements
 WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
 AND NOT pg_has_role(userid, 'pg_monitor', 'MEMBER')
 GROUP BY query ORDER BY seconds DESC LIMIT 10) AS one;
"""
LENGTH = 160  # characters of a label
SECONDS = Metric("xmpp_statement_seconds_total", "counter", "Time that PostgreSQL spent with a statement.")
CALLS = Metric("xmpp_statement_calls_total", "counter", "How often PostgreSQL was asked a statement.")


def named(query: str) -> str:
    """In: a statement. Out: the same in one line, without anything in quotes that may be a value, cut."""
    text = " ".join(re.sub(r"'(?:[^']|'')*('|$)", "?", query).split())
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 1]}…"


def samples(database: str, text: str) -> list[Sample]:
    """In: the answer to LOOK. Out: the figures of one database; statements that look alike are one."""
    found: dict[str, list[float]] = {}
    for one in json.loads(text):
        both = found.setdefault(named(one["query"]), [0.0, 0.0])
        both[0] += float(one["seconds"])
        both[1] += float(one["calls"])
    return [
        Sample(metric, both[number], {"database": database, "statement": name})
        for number, metric in enumerate((SECONDS, CALLS))
        for name, both in found.items()
    ]
