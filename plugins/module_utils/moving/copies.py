# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runner: what a server keeps into two files and out of them, by pg_dump and tar.

Owners are taken along by name, since users have other numbers on another host. What lay there before is set aside.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.database import psql as database
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host import psql
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.moving import counts
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.moving.counts import MovingError

DUMP, FILES = "database.dump", "files.tar"
DATABASES = Path("/var/lib/postgresql")
# of earlier moves, from one storage to another or from elsewhere: what people had before, which stays where it is
_ASIDE = ("before-", ".storage-")
_COMES_UP = 60  # seconds
_ROOM = 1.5  # of what is there, with indexes that are built meanwhile


def _run(words: Sequence[str], source: IO[bytes] | None = None, into: IO[bytes] | None = None) -> None:
    """Run a program from and into files, of whatever size they are. Raises MovingError."""
    # run_command of AnsibleModule keeps all that is printed in memory
    done = subprocess.run(  # pylint: disable=ansible-bad-function
        list(words),
        stdin=source or subprocess.DEVNULL,
        stdout=into or subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        check=False,
        cwd="/",
    )
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())
        program = next(word for word in words if word in ("tar", "mv", "pg_dump", "pg_restore"))
        raise MovingError(f"{program} ended with status {done.returncode}: {said[-400:]}")


@dataclass(frozen=True)
class Kept:
    """What a server keeps on this host.

    data: its directory; database: its name in PostgreSQL, "" where there is none on this host; user: whose the tables
    are; records: files beside it that go along; directory: where the two files of the copy are.
    """

    data: Path
    database: str
    user: str
    records: tuple[Path, ...]
    directory: Path

    def count(self) -> dict[str, dict[str, int]]:
        """Count what there is. Raises MovingError, DatabaseError, OSError."""
        found = [(path.relative_to(self.data).parts, path.stat().st_size) for path in self._files()]
        tables = json.loads(database.ask(self.database, counts.TABLES)) if self.database else []
        rows = counts.read(database.ask(self.database, counts.statement(tables))) if tables else {}
        return counts.together(counts.files(found), rows)

    def size(self) -> int:
        """Bytes that it takes now."""
        size = sum(path.stat().st_size for path in self._files())
        if self.database:
            size += int(database.ask(self.database, "SELECT pg_database_size(current_database());"))
        return size

    def _files(self) -> Iterator[Path]:
        for top in self._own():
            for path in [top, *top.rglob("*")]:
                if path.is_file() and not path.is_symlink():
                    yield path

    def _own(self) -> list[Path]:
        """What lies in the data directory, without what was set aside in it."""
        return [path for path in sorted(self.data.glob("*")) if not path.name.startswith(_ASIDE)]

    def room_for(self, size: int) -> None:
        """Raises MovingError where there is too little room for a copy of so many bytes."""
        for place in [self.directory, self.data] + ([DATABASES] if self.database else []):
            there = next(path for path in [place, *place.parents] if path.is_dir())
            free = shutil.disk_usage(there).free
            if free < size * _ROOM:
                raise MovingError(
                    f"It takes {counts.megabytes(size)}, and {counts.megabytes(free)} are free in {there}: make room "
                    f"for {counts.megabytes(int(size * _ROOM))}."
                )

    def save(self) -> None:
        """Write the copy, for the owner of the directory. The server has to be stopped. Raises MovingError, OSError."""
        owner = self.directory.stat()
        if self.database:
            with self._file(DUMP, owner) as file:
                _run(
                    [*psql.AS_POSTGRES, "pg_dump", f"--host={psql.SOCKET}", "--format=custom", "--table=public.*",
                     self.database],
                    into=file,
                )  # fmt: skip
        wanted = [self.data, *(path for path in self.records if path.is_file())]
        left = [f"--exclude={str(self.data).lstrip('/')}/{name}*" for name in _ASIDE]
        names = [str(path).lstrip("/") for path in wanted]
        with self._file(FILES, owner) as file:
            _run(["tar", "--create", "--directory=/", "--anchored", *left, "--", *names], into=file)

    def _file(self, name: str, owner: os.stat_result) -> IO[bytes]:
        path = self.directory / name
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        os.chown(path, owner.st_uid, owner.st_gid)
        return file

    def load(self, stamp: str) -> str:
        """Have what is in the copy here. stamp: what names of things that are set aside end in.

        Out: what was set aside, "" where there was nothing. Raises MovingError, DatabaseError, OSError.
        """
        aside = [self._load_database(stamp)] if self.database else []
        own = self._own()
        if own:
            place = self.data / f"before-{stamp}"
            place.mkdir(mode=0o750)
            # a directory of it may be on another file system
            _run(["mv", f"--target-directory={place}", "--", *map(str, own)])
            aside.append(str(place))
        with (self.directory / FILES).open("rb") as file:
            _run(["tar", "--extract", "--preserve-permissions", "--same-owner", "--directory=/"], source=file)
        return " and ".join(filter(None, aside))

    def _load_database(self, stamp: str) -> str:
        self._wait()
        schema, aside = f"before_{stamp}", ""
        tables = json.loads(database.ask(self.database, counts.TABLES))
        if tables:
            quoted = ['"' + str(name).replace('"', '""') + '"' for name in tables]
            moves = [f"ALTER TABLE public.{name} SET SCHEMA {schema};" for name in quoted]
            database.ask(self.database, "\n".join(["BEGIN;", f"CREATE SCHEMA {schema};", *moves, "COMMIT;"]))
            aside = f"the schema {schema} of the database {self.database}"
        with (self.directory / DUMP).open("rb") as file:
            _run(
                [*psql.AS_POSTGRES, "pg_restore", f"--host={psql.SOCKET}", f"--dbname={self.database}",
                 f"--role={self.user}", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"],
                source=file,
            )  # fmt: skip
        return aside

    def _wait(self) -> None:
        """Wait until the database answers: it may have been started a moment ago. Raises DatabaseError."""
        end = time.monotonic() + _COMES_UP
        while True:
            try:
                database.ask(self.database, "SELECT 1;")
                return
            except database.DatabaseError:
                if time.monotonic() >= end:
                    raise
                time.sleep(0.3)
