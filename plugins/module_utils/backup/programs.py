# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""pgBackRest, restic and psql, run on the host: the only input and output of this package beside files."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.settings import BackupError, Settings
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files import locks

PGBACKREST = (
    "pgbackrest",
    "--config=/etc/xmpp/backup/pgbackrest.conf",
    "--config-include-path=/etc/xmpp/backup/pgbackrest.d",
    "--stanza=xmpp",
)
KEY = "/etc/xmpp/backup/restic.key"
CACHE = "/var/cache/xmpp-backup"
# not runuser, which tells the journal of a session each time
_AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--")


@dataclass(frozen=True)
class Done:
    """What a program said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def why(self) -> str:
        """The last lines of what it said, for people."""
        lines = [line.strip() for line in (self.err + "\n" + self.out).splitlines() if line.strip()]
        wrong = [line for line in lines if "ERROR" in line or "Fatal" in line or "FATAL" in line]
        return " ".join((wrong or lines)[-3:])[:600]


def run(*words: str, environment: Mapping[str, str] | None = None, text: str = "") -> Done:
    """Run a program to its end. Standard input is the text: restic would take what it finds there for a password."""
    # a program of its own under systemd, too: there is no AnsibleModule
    done = subprocess.run(  # pylint: disable=ansible-bad-function
        list(words),
        input=text,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd="/",
        env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
    )
    return Done(done.returncode, done.stdout, done.stderr)


class Programs:
    """The programs, with what the settings say to each of them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def pgbackrest(self, *words: str) -> Done:
        """Run it as postgres. words: options, and the command last."""
        return run(*_AS_POSTGRES, *PGBACKREST, *words)

    def restic(self, *words: str) -> Done:
        """Run it as root."""
        environment = {
            "RESTIC_PASSWORD_FILE": KEY,
            "RESTIC_CACHE_DIR": CACHE,
            "RESTIC_REPOSITORY": f"{self._settings.repository}/restic",
        }
        return run("restic", "--json", *words, environment=environment)

    def sql(
        self,
        statements: str,
        database: str = "postgres",
        socket: str = "/run/postgresql",
        port: int = 5432,
        given: Mapping[str, str] | None = None,
        raw: bool = False,
    ) -> str:
        """Out: what psql prints, a row a line, the fields with | between them; raw: to the last byte.

        given: values for :'name' in the statements. Raises BackupError.
        """
        done = run(
            *_AS_POSTGRES,
            "psql",
            f"--host={socket}",
            f"--port={port}",
            f"--dbname={database}",
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set=ON_ERROR_STOP=1",
            *(f"--set={name}={value}" for name, value in (given or {}).items()),
            text=statements,
        )
        if done.code:
            raise BackupError(f"PostgreSQL did not answer: {done.why}")
        return done.out if raw else done.out.strip()

    def as_postgres(self, *words: str) -> Done:
        """Run something else as postgres."""
        return run(*_AS_POSTGRES, *words)


@contextlib.contextmanager
def alone(lock: Path, seconds: float) -> Iterator[None]:
    """Nobody else makes, proves or brings back a backup meanwhile. Waits so long at most; raises BackupError."""
    with lock.open("w", encoding="utf-8") as file:
        if not locks.taken(file.fileno(), seconds):
            raise BackupError(
                f"Another backup, drill or restore still runs after {round(seconds)} s ({lock}): wait for it "
                "(journalctl -u xmpp-backup -u xmpp-backup-drill)."
            )
        yield
