# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a storage is, however it is reached: the same server of PostgreSQL by its socket, by loopback and by its name.

Asked from the machine that Prosody runs on, without signing in anywhere. A server on this machine is told by the number
of its process, which its lock file beside each socket holds (PostgreSQL: miscinit.c, CreateSocketLockFile); one
elsewhere by the addresses that its name has.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts import continuity
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.continuity import Place

SOCKETS = ("/run/postgresql", "/var/run/postgresql", "/tmp")
"""Where libpq and Debian have the sockets of PostgreSQL."""

Resolve = Callable[[str], Collection[str]]


def addresses(name: str) -> frozenset[str]:
    """The addresses of a host, none when its name is not known."""
    try:
        return frozenset(str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return frozenset()


def is_here(address: str) -> bool:
    """Whether it is an address of this machine: only those can be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            return error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL)
    return True


def process(directories: Iterable[str], port: str) -> str:
    """Number of the process of PostgreSQL whose socket for the port lies in one of the directories, "" for none."""
    for directory in directories:
        try:
            lines = Path(directory, f".s.PGSQL.{port}.lock").read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
        if lines and lines[0].strip().isdigit():
            return lines[0].strip()
    return ""


def server(
    host: str,
    port: str,
    *,
    resolve: Resolve = addresses,
    here: Callable[[str], bool] = is_here,
    sockets: Collection[str] = SOCKETS,
) -> tuple[Any, ...]:
    """Identity of the PostgreSQL behind a host (a name, an address, the directory of a socket, or "") and a port."""
    if not host or host.startswith("/"):
        found = process([host] if host else sockets, port)
        return ("here", found, port) if found else ("socket", os.path.realpath(host or next(iter(sockets))), port)
    known = resolve(host)
    if any(here(address) for address in known):
        found = process(sockets, port)
        return ("here", found, port) if found else ("tcp", "this machine", port)
    return ("tcp", tuple(sorted(known)) or host, port)


def identity(place: Place, store: str) -> tuple[Any, ...]:
    """What a store of a place is (see continuity.Identity)."""
    driver, database = place.driver_of(store), place.database
    path = os.path.realpath(place.data_path) if place.data_path else ""
    files = (path,) if store == "uploads" else ()
    if driver == "internal":
        return (driver, path, *files)
    if driver != "sql":
        return continuity.named(place, store)
    if database.get("driver") == "SQLite3":
        return (driver, "SQLite3", os.path.realpath(os.path.join(path, database.get("database", ""))), *files)  # noqa: PTH118
    name = database.get("database", "")
    if database.get("driver") == "PostgreSQL":
        return (driver, name, *server(database.get("host", ""), database.get("port", "5432")), *files)
    return (driver, *sorted(database.items()), *files)
