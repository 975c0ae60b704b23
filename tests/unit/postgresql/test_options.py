# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Further settings of PostgreSQL that it would not take."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.filter.postgresql import FilterModule

problems = FilterModule().filters()["postgresql_option_problems"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("work_mem", "64MB"),
        ("work_mem", 4096),
        ("work_mem", " 0.5 GB "),
        ("WORK_MEM", "64kB"),
        ("datestyle", "iso, dmy"),
        ("shared_buffers", "2TB"),
        ("checkpoint_timeout", "1h"),
        ("log_min_duration_statement", -1),
        ("log_rotation_age", "2d"),
        ("effective_io_concurrency", "0x10"),
        ("random_page_cost", 1.1),
        ("autovacuum_vacuum_scale_factor", "1e-2"),
        ("autovacuum_vacuum_cost_delay", "500us"),
        ("jit", False),
        ("jit", "Of"),
        ("huge_pages", True),
        ("wal_level", "Replica"),
        ("default_transaction_isolation", "repeatable read"),
        ("ssl_max_protocol_version", ""),
        ("pg_stat_statements.max", "whatever"),
    ],
)
def test_what_postgresql_takes(name: str, value: Any) -> None:
    assert problems({name: value}) == []


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        (
            "work_memm",
            "64MB",
            "postgresql_options.work_memm: PostgreSQL 17 has no such setting: did you mean work_mem?",
        ),
        (
            "port",
            5433,
            "postgresql_options.port cannot be set here: Prosody and the exporters look for PostgreSQL at 5432.",
        ),
        ("zebra", 5, "postgresql_options.zebra: PostgreSQL 17 has no such setting: remove it."),
        ("server_version", "16", "no such setting"),
        ("work_mem", "64mb", "has a unit that PostgreSQL does not know there: it takes B, kB, MB, GB, TB"),
        ("max_wal_senders", "5MB", "has a unit that PostgreSQL does not know there: it takes none"),
        ("work_mem", "lots", "is no number"),
        ("work_mem", "32kB", "is out of range: PostgreSQL takes 64 to 2147483647 kB."),
        ("checkpoint_timeout", "2d", "is out of range: PostgreSQL takes 30 to 86400 s."),
        ("shared_buffers", "64kB", "is out of range: PostgreSQL takes 16 to 1073741823 8kB."),
        ("random_page_cost", -1, "is out of range"),
        ("jit", "maybe", "is neither on nor off"),
        ("wal_level", "everything", "is none of minimal, replica, logical: choose one of them."),
        ("wal_level", True, "is none of"),
        ("work_mem", ["64MB"], "is no single value"),
        ("work_mem", None, "is no single value"),
    ],
)
def test_what_postgresql_does_not_take(name: str, value: Any, told: str) -> None:
    found = problems({name: value})
    assert len(found) == 1
    assert found[0]["that"] is False
    assert told in found[0]["problem"], found
    assert "everything" not in found[0]["problem"]
