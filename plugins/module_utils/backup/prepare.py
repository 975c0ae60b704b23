# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The repository of a host, made where there is none, and never one in which another database lies."""

from __future__ import annotations

import shutil
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import repository, state
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.pgbackrest import Stanza
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import KEY, Programs
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.settings import (
    STATE,
    BackupError,
    Settings,
    load,
)

NO_STANZA = "missing stanza path"
MISSING_DATA = "missing stanza data"
BEGIN_ANEW = (
    "To begin anew beside them, and leave them as they are, let backup_repository name another, empty place, or "
    "backup_host another name in it."
)


def foreign(known: Stanza, system: str, host: str) -> str:
    """Out: why this cluster must not be archived there, "" where it may. system: its identifier. Pure."""
    if known.system and known.system != system:
        return (
            f"The repository has backups of another database, that of {host} as it was before. Bring that back with "
            "bin/xmpp restore, or give this host another name in it (backup_host)."
        )
    return ""


def stanza_is_there(known: Stanza) -> bool:
    """Whether there is a place for the database, in whatever state. Pure."""
    return known.problem not in (NO_STANZA, MISSING_DATA) and bool(known.system)


def advice(why: str) -> str:
    """In: why another host was not reached. Out: what mends it, beginning with a space, "" where that is not known."""
    if "known hosts failure" in why or "Host key verification failed" in why:
        return (
            " The host shows another key than those in backup_sftp_host_keys: compare them with what "
            "cat /etc/ssh/ssh_host_*_key.pub prints there, and give all of these."
        )
    if "key authentication failed" in why or "Permission denied (publickey" in why:
        return (
            " The host does not let this one in: put what ssh-keygen -y -f .secrets/backup_sftp_key prints into "
            ".ssh/authorized_keys of the user there (docs/backup.md)."
        )
    return ""


def other_key(programs: Programs, settings: Settings, key: str, held: str) -> str:
    """Out: that a key does not open the backups that are there, and what to do; "" where it does or there are none.

    held: where the key is from, for people. Nothing is asked of a host that has the key already.
    """
    try:
        before = Path(KEY).read_text(encoding="utf-8").strip()
    except OSError:
        before = ""
    there = _told_before() == settings.restic if settings.elsewhere else _has_files(settings)
    look = ("--no-cache", "--no-lock", "cat", "config")
    if before == key.strip() or not there or programs.restic(*look, key=key).code != repository.WRONG_KEY:
        return ""
    opens = before and programs.restic(*look, key=before).code == 0
    return (
        f"There are backups in {settings.repository}, and restic says that backup_key of this deployment does not open "
        f"them: they were made with other secrets than those in {held}. Bring those back, from the controller that "
        "made them, or what the printed page has of them (docs/backup.md)"
        + (f"; the host still has the key itself, in {KEY}. " if opens else ". ")
        + BEGIN_ANEW
    )


def _has_files(settings: Settings) -> bool:
    return Path(settings.repository, "restic", "config").exists()


def _told_before() -> str:
    """Out: the repository of the files that the host was told of last, with all that it takes to come there."""
    try:
        return load().restic
    except BackupError:
        return ""


def refuse_another(programs: Programs, settings: Settings) -> None:
    """Refuse to make a repository where one is missing in which backups were made. Raises BackupError."""
    known = state.load().get("repository")
    if known != settings.repository:
        return
    if settings.elsewhere:
        gone = programs.restic("cat", "config").code == repository.NO_REPOSITORY
    else:
        gone = not _has_files(settings)
    if gone:
        what = "see who took them away" if settings.elsewhere else "mount what belongs there"
        raise BackupError(
            f"Backups were made in {known}, and there is nothing of them: {what}, and repeat. To "
            f"begin with an empty one instead, remove {STATE} on the host first."
        )


def make_directories(settings: Settings) -> bool:
    """Make the directories of a repository on this host. Out: whether one was made. Raises BackupError.

    Elsewhere the programs make theirs.
    """
    made, top = False, Path(settings.repository)
    if settings.elsewhere:
        return made
    try:
        for place, owner, mode in (
            (top.parent, "root", 0o755),
            (top, "root", 0o755),
            (top / "pgbackrest", "postgres", 0o750),
            (top / "restic", "root", 0o700),
        ):
            if place.name == "pgbackrest" and not settings.database:
                continue
            if not place.is_dir():
                place.mkdir(mode=mode, parents=True)
                place.chmod(mode)
                shutil.chown(place, owner, owner)
                made = True
    except (OSError, LookupError) as error:
        raise BackupError(f"The repository {settings.repository} cannot be made: {error}") from error
    return made


def database(programs: Programs, settings: Settings, look: bool) -> bool:
    """Make the place of the database. Out: whether it was made, or with look would be. Raises BackupError."""
    known = repository.stanza(programs)
    if known.damaged:
        raise BackupError(
            f"Backups of the database in {settings.repository} were looked for, and pgBackRest says: {known.problem}. "
            "Either they were made with another key (backup_key) than the host has now: bring back the secrets of the "
            f"deployment that made them, and repeat; or they are damaged. {BEGIN_ANEW}"
        )
    if stanza_is_there(known):
        system = programs.sql("SELECT system_identifier FROM pg_control_system();")
        reason = foreign(known, system, settings.host)
        if reason:
            raise BackupError(reason)
        return False
    if not look:
        done = programs.pgbackrest("stanza-create")
        if done.code:
            raise BackupError(f"The repository of the database could not be made: {done.why}{advice(done.why)}")
    return True


def files(programs: Programs, look: bool) -> bool:
    """Make the place of the files. Out: whether it was made, or with look would be. Raises BackupError."""
    known = programs.restic("cat", "config")
    if known.code == 0:
        return False
    if known.code != repository.NO_REPOSITORY:
        raise BackupError(f"The repository of the files cannot be opened: {known.why}{advice(known.why)}")
    if not look:
        done = programs.restic("init")
        if done.code:
            raise BackupError(f"The repository of the files could not be made: {done.why}{advice(done.why)}")
    return True
