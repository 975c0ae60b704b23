# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster of PostgreSQL beside the live one, made from the backup and thrown away, which no network reaches."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import planner
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Done, Programs
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.settings import BackupError, Settings

PLACE = Path("/var/lib/postgresql/xmpp-drill")
PORT = 54329
GUEST = "xmpp_drill"
"""The role by which Prosody's user is let in, where there is one of that name."""
NOT_RUNNING = 3
LONGEST = 24 * 3600  # seconds for replaying a week of changes
# In recovery without hot standby no limit has to be as high as it was at the source
CONFIG = """# Written by a drill of allthingslinux.xmpp, and removed with it.
hba_file = '{place}/hba.conf'
ident_file = '{place}/ident.conf'
listen_addresses = ''
port = {port}
unix_socket_directories = '{place}'
archive_mode = off
hot_standby = off
shared_buffers = 64MB
max_wal_size = 1GB
jit = off
# it is thrown away
fsync = off
log_destination = 'stderr'
logging_collector = off
log_min_messages = warning
log_min_error_statement = panic
log_error_verbosity = terse
"""


def fatal(log: str) -> str:
    """In: log of a server that ended. Out: the reasons in it."""
    lines = [line.partition("FATAL:")[2].strip() for line in log.splitlines() if "FATAL:" in line]
    lines = [line for line in lines if "the database system is" not in line]
    return "; ".join(dict.fromkeys(lines)) or "it does not say why"


def _text(place: Path) -> str:
    try:
        return place.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _control(programs: Programs, settings: Settings, *words: str) -> Done:
    return programs.as_postgres(
        f"/usr/lib/postgresql/{settings.cluster}/bin/pg_ctl", f"--pgdata={PLACE}/data", "--silent", *words
    )


def wait_for_its_end(programs: Programs, settings: Settings) -> bool:
    """Wait until all changes are replayed and it takes questions. Out: whether it came to that."""
    end, gone = time.monotonic() + LONGEST, 0
    while time.monotonic() < end:
        try:
            if programs.sql("SELECT pg_is_in_recovery();", socket=str(PLACE), port=PORT) == "f":
                return True
        except BackupError:
            pass
        # one that was started just now does not say so yet
        gone = gone + 1 if _control(programs, settings, "status").code == NOT_RUNNING else 0
        if gone > 5:
            return False
        time.sleep(0.3)
    return False


@contextlib.contextmanager
def cluster(programs: Programs, settings: Settings, moment: float | None) -> Iterator[dict[str, Any]]:
    """Restore to a moment, None for the newest, and run what came out. Yields where it is, for Programs.sql.

    Raises BackupError.
    """
    remove(programs, settings)
    try:
        PLACE.mkdir()
        # to its socket; the data is for postgres alone
        PLACE.chmod(0o711)
        shutil.chown(PLACE, "postgres", "postgres")
        done = programs.restore(
            PLACE / "data", "--archive-mode=off", f"--lock-path={PLACE}/lock", *planner.recovery(moment)
        )
        if done.code:
            raise BackupError(f"The database could not be restored: {done.why}")
        for name, text in (
            ("postgresql.conf", CONFIG.format(place=PLACE, port=PORT)),
            ("hba.conf", f"local all postgres peer\nlocal all {GUEST} peer map=drill\n"),
            ("ident.conf", f"drill prosody {GUEST}\n"),
        ):
            (PLACE / name).write_text(text, encoding="utf-8")
            shutil.chown(PLACE / name, "postgres", "postgres")
        started = _control(
            programs,
            settings,
            "--no-wait",
            f"--log={PLACE}/log",
            f"--options=-c config_file={PLACE}/postgresql.conf",
            "start",
        )
        if started.code or not wait_for_its_end(programs, settings):
            raise BackupError(
                f"The restored database did not come to {planner.told(moment) if moment else 'its end'}: "
                + fatal(_text(PLACE / "log"))
            )
        yield {"socket": str(PLACE), "port": PORT}
    finally:
        remove(programs, settings)


def _runs() -> bool:
    """Whether the process that its file names is the one: where it was killed another one may have the number now."""
    number = _text(PLACE / "data/postmaster.pid").partition("\n")[0].strip()
    return bool(number) and str(PLACE) in _text(Path("/proc", number, "cmdline"))


def remove(programs: Programs, settings: Settings) -> None:
    """Stop it and leave nothing, also of a drill that was killed."""
    if PLACE.exists():
        if _runs():
            _control(programs, settings, "--mode=immediate", "--wait", "stop")
        shutil.rmtree(PLACE)
