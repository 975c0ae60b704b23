# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The clusters of PostgreSQL on a host, and what keeps role postgresql from taking one for its own. Pure.

The role works with 17/main at port 5432, sets what is set for a cluster as a whole, and owns pg_hba.conf. In a cluster
that it did not make that may lock others out; and where another one has the port, it would work in that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

VERSION, NAME, PORT = "17", "main", 5432
#: of databases that nobody made, that is, those of initdb
INITIAL = frozenset(("postgres", "template0", "template1"))
FIRST_NORMAL_OID = 16384  # access/transam.h: what initdb makes is below
# What Debian's initdb writes, without what is only space
_STOCK = re.compile(
    r"(local (all|replication) (postgres|all) peer|host (all|replication) all (127\.0\.0\.1/32|::1/128) scram-sha-256)"
)
ANOTHER_WAY = "or let Prosody use a database in it (docs/configuration.md, A database that is there already)."


@dataclass(frozen=True)
class Cluster:
    """One cluster, as pg_lsclusters tells it."""

    version: str
    name: str
    port: int
    running: bool
    data: str
    config: str
    socket: str

    def __str__(self) -> str:
        return f"{self.version}/{self.name}"

    @property
    def is_named_as_ours(self) -> bool:
        """Whether it is the one that the role works with."""
        return (self.version, self.name) == (VERSION, NAME)


def read(text: str) -> list[Cluster]:
    """In: what pg_lsclusters --json says. Raises ValueError, KeyError."""
    return [
        Cluster(
            str(one["version"]),
            one["cluster"],
            int(one["port"]),
            bool(int(one["running"])),
            one["pgdata"],
            one["configdir"],
            one["socketdir"],
        )
        for one in json.loads(text or "[]")
    ]


def is_of_the_role(text: str) -> bool:
    """In: pg_hba.conf. Out: whether the role wrote it."""
    return "# Written by the role postgresql of allthingslinux.xmpp" in text


def lines_of_others(text: str) -> list[str]:
    """In: pg_hba.conf. Out: its lines that are not Debian's, with single spaces."""
    lines = [" ".join(line.partition("#")[0].split()) for line in text.splitlines()]
    return [line for line in lines if line and not _STOCK.fullmatch(line)]


def misplaced(clusters: Sequence[Cluster]) -> list[str]:
    """Out: why the role would reach another cluster than its own."""
    found = []
    for one in clusters:
        if one.is_named_as_ours and one.port != PORT:
            found.append(
                f"PostgreSQL's cluster {one} has port {one.port} here, and the role works with it at port {PORT}: give "
                f"it that port (pg_conftool {VERSION} {NAME} set port {PORT}, and restart it), {ANOTHER_WAY}"
            )
        elif not one.is_named_as_ours and one.port == PORT:
            found.append(
                f"PostgreSQL's cluster {one} has port {PORT} here, at which the role works with {VERSION}/{NAME}: it "
                f"would reach the wrong one. Give {one} another port (pg_conftool {one.version} {one.name} set port "
                f"5433, restart it, and tell who uses it), {ANOTHER_WAY}"
            )
    return found
