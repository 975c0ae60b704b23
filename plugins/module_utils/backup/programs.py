# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""pgBackRest, restic and psql, run on the host: the only input and output of this package beside files."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.settings import BackupError, Settings
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files import locks
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host import psql
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.installation import Installation

PGBACKREST = (
    "pgbackrest",
    "--config=/etc/xmpp/backup/pgbackrest.conf",
    "--config-include-path=/etc/xmpp/backup/pgbackrest.d",
    "--stanza=xmpp",
)
KEY = "/etc/xmpp/backup/restic.key"
CACHE = "/var/cache/xmpp-backup"
_SFTP = "libssh2 err"  # in what pgBackRest says of the way, and not of what it found there


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


def run(
    *words: str, environment: Mapping[str, str] | None = None, text: str = "", seconds: float | None = None
) -> Done:
    """Run a program to its end. Standard input is the text: restic would take what it finds there for a password.

    seconds: how long it may take at most, before it is killed.
    """
    # a program of its own under systemd, too: there is no AnsibleModule
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            list(words),
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return Done(-signal.SIGKILL, "", f"It did not end within {seconds:.0f} s.")
    return Done(done.returncode, done.stdout, done.stderr)


def _files(top: Path) -> int:
    return sum(len(names) for _folder, _directories, names in os.walk(top))


class Programs:
    """The programs, with what the settings say to each of them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def pgbackrest(self, *words: str) -> Done:
        """Run it as postgres. words: options, and the command last."""
        return run(*psql.AS_POSTGRES, *PGBACKREST, *words)

    def restore(self, place: Path, *words: str) -> Done:
        """Restore the database into a directory. Over SFTP it goes on where it stopped, while that leads on.

        A connection can break; and pgBackRest 2.55 leaves a file open for each piece that it reads (its storageReadFree
        closes nothing), until the other host opens no more.
        """
        done = self.pgbackrest(f"--pg1-path={place}", *words, "restore")
        before = 0
        while done.code > 0 and _SFTP in done.why and (there := _files(place)) > before:
            before = there
            done = self.pgbackrest(f"--pg1-path={place}", "--delta", *words, "restore")
        return done

    def restic(self, *words: str, key: str = "") -> Done:
        """Run it as root. key: another one than that of the host."""
        environment = {
            **({"RESTIC_PASSWORD": key} if key else {"RESTIC_PASSWORD_FILE": KEY}),
            "RESTIC_CACHE_DIR": CACHE,
            "RESTIC_REPOSITORY": self._settings.restic,
            **self._settings.environment,
        }
        return run("restic", *self._settings.options, "--json", *words, environment=environment)

    def sql(
        self,
        statements: str,
        database: str = "postgres",
        socket: str = psql.SOCKET,
        port: int = 5432,
        given: Mapping[str, str] | None = None,
        raw: bool = False,
    ) -> str:
        """Out: what psql prints, a row a line, the fields with | between them; raw: to the last byte.

        given: values for :'name' in the statements. Raises BackupError.
        """
        done = run(*psql.words(database, socket, port, given), text=statements)
        if done.code:
            raise BackupError(f"PostgreSQL did not answer: {done.why}")
        return done.out if raw else done.out.strip()

    def as_postgres(self, *words: str) -> Done:
        """Run something else as postgres."""
        return run(*psql.AS_POSTGRES, *words)

    def prosody(self, installed: Installation, config: Path, seconds: float) -> Done:
        """Run Prosody with a configuration until it ends by itself, as its own user and without a network.

        It ends with who started it, too. There are containers in which root makes no network: it does without that one.
        """
        apart = ("unshare", "--net", "--")
        return run(
            *(apart if run(*apart, "true").code == 0 else ()),
            *installed.unprivileged(),
            "--pdeathsig=KILL",
            "--",
            str(installed.programs[0]),
            "-F",
            f"--config={config}",
            environment={"HOME": str(config.parent)},
            seconds=seconds,
        )


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
