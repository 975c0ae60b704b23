# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files as a set that can be kept and put back, and the journal that survives a killed run.

Layout of the directory (root only): lock; journal.json (a transaction is under way); kept/ (the set before it);
committed/ (the last set that was proved); attempt.cfg.lua (the text being tried); rejected.cfg.lua (the last text that
was undone); refused/ (the files that were put back with it).
"""

from __future__ import annotations

import contextlib
import grp
import hashlib
import json
import os
import pwd
import shutil
import stat
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files import locks
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files.durable import sync_directory

_LARGEST = 4 * 1024 * 1024


class Busy(XmppError):
    """Another run works on this host."""


@dataclass(frozen=True)
class Kept:
    """One file of a set. kind: config, secret or certificate.

    blob: number of its content, "" when there was no file. link: where it points, when it is a symbolic link.
    directory: mode, user and group of where it lies, which may be gone when it comes back; () where nobody knows.
    """

    path: str
    kind: str
    blob: str = ""
    mode: int = 0
    uid: int = 0
    gid: int = 0
    link: str = ""
    directory: tuple[int, ...] = ()

    @property
    def absent(self) -> bool:
        """There was no such file."""
        return not self.blob and not self.link


def write_atomically(path: Path, content: bytes, mode: int, uid: int, gid: int) -> None:
    """Replace the file in one step that a crash cannot leave half done."""
    temporary = _temporary(path)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchown(file.fileno(), uid, gid)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_directory(path.parent)


def link_atomically(path: Path, target: str) -> None:
    """Make the path a symbolic link in one step."""
    temporary = _temporary(path)
    temporary.symlink_to(target)
    temporary.replace(path)
    sync_directory(path.parent)


def _temporary(path: Path) -> Path:
    temporary = path.with_name(f".{path.name}.xmpp-new")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    return temporary


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def read_bytes(path: str | Path) -> bytes | None:
    """The content, None when there is no such file."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return None


class FileSet:
    """A directory with a manifest and the files' contents under numbers."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def manifest(self) -> dict[str, Any] | None:
        """{"files": [...], …}, None when there is no complete set."""
        data = read_bytes(self.directory / "manifest.json")
        try:
            return None if data is None else dict(json.loads(data))
        except ValueError:
            return None

    def files(self) -> list[Kept]:
        """The files of the set."""
        manifest = self.manifest()
        if not manifest:
            return []
        return [Kept(**{**entry, "directory": tuple(entry.get("directory", ()))}) for entry in manifest["files"]]

    def content(self, kept: Kept) -> bytes | None:
        """The kept content, None when the file was not there."""
        return (self.directory / kept.blob).read_bytes() if kept.blob else None

    def keep(self, paths: Iterable[tuple[str, str]], extra: Mapping[str, Any], contents: Mapping[str, Kept]) -> None:
        """Keep the files as they are now. paths: (path, kind). contents: kept ones of another set to take instead."""
        building = self.directory.with_name(self.directory.name + ".new")
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(mode=0o700)
        files: list[Kept] = []
        for number, (path, kind) in enumerate(dict(paths).items()):
            if path in contents:
                files.append(contents[path])
                continue
            place = _owned(Path(path).parent)
            if Path(path).is_symlink():
                files.append(Kept(path, kind, link=str(Path(path).readlink()), directory=place))
                continue
            try:
                status = Path(path).stat()
                content = Path(path).read_bytes() if status.st_size <= _LARGEST else None
            except OSError:
                status, content = None, None
            if status is None or content is None:
                if status is None:
                    files.append(Kept(path, kind))
                continue
            blob = f"{number:03d}"
            _write_private(building / blob, content)
            owned = (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
            files.append(Kept(path, kind, blob, *owned, directory=place))
        listed = []
        for position, file in enumerate(files):
            if file.path in contents and file.blob:
                blob = f"other-{position:03d}"
                shutil.copyfile(file.blob, building / blob)
                file = replace(file, blob=blob)
            listed.append(asdict(file))
        _write_private(building / "manifest.json", json.dumps({**extra, "files": listed}).encode())
        sync_directory(building)
        self._replace_by(building)

    def _replace_by(self, building: Path) -> None:
        old = self.directory.with_name(self.directory.name + ".old")
        shutil.rmtree(old, ignore_errors=True)
        if self.directory.exists():
            self.directory.rename(old)
        building.rename(self.directory)
        sync_directory(self.directory.parent)
        shutil.rmtree(old, ignore_errors=True)

    def restore(self) -> list[str]:
        """Put every file back that differs, remove what was not there; return the paths touched."""
        touched = []
        for kept in self.files():
            if not self.differs(kept):
                continue
            path = Path(kept.path)
            if not path.parent.is_dir():
                _make_directory(path.parent, kept)
            content = self.content(kept)
            if kept.link:
                link_atomically(path, kept.link)
            elif content is not None:
                write_atomically(path, content, kept.mode, kept.uid, kept.gid)
            else:
                path.unlink()
                sync_directory(path.parent)
            touched.append(kept.path)
        return touched

    def differs(self, kept: Kept) -> bool:
        """Is the file on the disk another than the kept one?"""
        path = Path(kept.path)
        if kept.link:
            return not path.is_symlink() or str(path.readlink()) != kept.link
        if kept.absent:
            return path.exists() or path.is_symlink()
        if path.is_symlink() or read_bytes(path) != self.content(kept):
            return True
        status = path.stat()
        return (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) != (kept.mode, kept.uid, kept.gid)

    def remove(self) -> None:
        """Forget the set."""
        shutil.rmtree(self.directory, ignore_errors=True)


def _owned(directory: Path) -> tuple[int, ...]:
    """Out: mode, user and group of a directory, () where there is none."""
    try:
        status = directory.stat()
    except OSError:
        return ()
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid


def _make_directory(directory: Path, kept: Kept) -> None:
    """Make the place of a file again, for those who could read the file there."""
    directory.mkdir(mode=0o750, parents=True)
    mode, uid, gid = kept.directory or (0o750, os.geteuid(), kept.gid if kept.blob else os.getegid())
    os.chown(directory, uid, gid)
    directory.chmod(mode)
    sync_directory(directory.parent)


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


class Journal:
    """The directory of transactions of one host."""

    def __init__(self, directory: str) -> None:
        self.directory = Path(directory)
        self.kept = FileSet(self.directory / "kept")
        self.committed = FileSet(self.directory / "committed")
        self.refused = FileSet(self.directory / "refused")
        self._lock: int | None = None

    @property
    def _file(self) -> Path:
        return self.directory / "journal.json"

    @property
    def attempt(self) -> Path:
        """Where the text being tried lies while it is tried."""
        return self.directory / "attempt.cfg.lua"

    @property
    def rejected(self) -> Path:
        """Where the last text that was undone lies, for the operator to look at."""
        return self.directory / "rejected.cfg.lua"

    def lock(self, patience: float = 60.0) -> None:
        """Make the directory if needed and be the only run on this host; raises Busy. A killed run holds no lock."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        self._lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not locks.taken(self._lock, patience):
            raise Busy(
                "Another change of Prosody's configuration is under way on this host (lock "
                f"{self.directory}/lock, waited {patience:g} s). "
                "Wait until it is done, or end it, and run again."
            )

    def unlock(self) -> None:
        """Let others in."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def pending(self) -> dict[str, Any] | None:
        """The entry of a transaction that neither ended well nor was undone."""
        data = read_bytes(self._file)
        if data is None or self.kept.manifest() is None:
            return None
        try:
            return dict(json.loads(data))
        except ValueError:
            return {"phase": "unknown"}

    def begin(self, entry: Mapping[str, Any], attempt: bytes) -> dict[str, Any]:
        """Write down what is about to be done; from here on a killed run is finished or undone by the next.

        Returns the entry with the time at which the transaction began.
        """
        _write_private(self.attempt, attempt)
        complete = {"started": int(time.time()), **entry}
        self.phase(complete, "swapping")
        return complete

    def phase(self, entry: Mapping[str, Any], phase: str) -> None:
        """Write down how far the transaction is: swapping, applying, probing, undoing."""
        write_atomically(self._file, json.dumps({**entry, "phase": phase}).encode(), 0o600, os.geteuid(), os.getegid())

    def end(self) -> None:
        """The transaction is over: the journal goes first, because only with it the kept set means anything."""
        self._file.unlink(missing_ok=True)
        sync_directory(self.directory)
        self.attempt.unlink(missing_ok=True)
        self.kept.remove()

    def reject(self, content: bytes) -> None:
        """Keep what is about to be undone, for the operator to look at: the text, and the files to be put back."""
        _write_private(self.rejected, content)
        self.refused.keep([(item.path, item.kind) for item in self.kept.files()], {}, {})


def owner_ids(owner: str, group: str) -> tuple[int, int]:
    """Names or numbers → ids; raises XmppError for unknown names."""
    try:
        uid = int(owner) if owner.isdigit() else pwd.getpwnam(owner).pw_uid
        gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError as error:
        raise XmppError(f"Unknown owner or group of the configuration: {error}. Is Prosody installed?") from None
    return uid, gid
