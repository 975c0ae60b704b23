# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A certificate with its key on disk, where Prosody finds both, replaced as one.

    certs/example.org.crt → .example.org/current/fullchain.pem
    certs/example.org.key → .example.org/current/privkey.pem
    certs/.example.org/current → pair-x7k2   (Prosody does not look into directories whose name begins with a dot)
    certs/.example.org/unproved              (only while a new pair is on trial: what to go back to)

Renaming one link changes both files at once, so that no crash leaves a certificate with another one's key. A pair may
take the place of certificates of other names, too; these are out of sight while it is on trial, and gone afterwards.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files import locks
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files.durable import sync_directory
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import (
    Certificate,
    parse_pem,
)

_FILES = (("crt", "fullchain.pem"), ("key", "privkey.pem"))
DIRECTORY_MODE, FILE_MODE = 0o750, 0o640
# how many seconds a run waits for the end of another one; proving a certificate takes a few
PATIENCE = 30.0


class StoreError(XmppError):
    """The files of a certificate cannot be as they should be."""


@dataclass(frozen=True)
class Pair:
    """What a certificate file and a key file hold."""

    chain: tuple[Certificate, ...]
    key: bytes = field(repr=False)

    @property
    def fullchain(self) -> bytes:
        """The chain as PEM without comments: Prosody skips a file whose first line is anything else."""
        return "".join(certificate.pem for certificate in self.chain).encode()


class Store:
    """The place of one certificate in a certificates directory. name: base name of its files. uid, gid: their owner."""

    def __init__(self, directory: Path, name: str, uid: int, gid: int) -> None:
        # a key's path is derived by replacing "fullchain", wherever it stands
        if not re.fullmatch(r"[^\W.][\w.*-]*", name) or "fullchain" in name:
            raise StoreError(f"'{name}' cannot be the name of a certificate's files: use the host's name")
        self.directory, self.name, self.uid, self.gid = directory, name, uid, gid
        self.home = directory / f".{name}"
        self.current = self.home / "current"
        self.journal = self.home / "unproved"
        self.certificate = directory / f"{name}.crt"
        self.key = directory / f"{name}.key"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out, such as that of the timer; raises StoreError when one is at work for too long."""
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if not locks.taken(descriptor, PATIENCE):
                raise StoreError(f"{self.directory}: another run is changing certificates there; wait for its end")
            yield
        finally:
            os.close(descriptor)

    def read(self) -> Pair | None:
        """The pair that Prosody finds now; None when there is none, or nothing usable."""
        try:
            return Pair(parse_pem(self.certificate.read_bytes(), str(self.certificate)), self.key.read_bytes())
        except (OSError, XmppError):
            return None

    def exists(self) -> bool:
        """Whether anything of this certificate is there."""
        return any(os.path.lexists(path) for path in (self.home, self.certificate, self.key))

    def unproved(self) -> str | None:
        """The pair before the one on trial ("" when there was none) if an earlier run was interrupted; else None."""
        lines = self._journal()
        if lines is None:
            return None
        return lines[0] if lines[0] and (self.home / lines[0]).is_dir() else ""

    def superseded(self) -> tuple[str, ...]:
        """Names of the certificates whose place the pair on trial takes."""
        return (self._journal() or ("",))[1:]

    def _journal(self) -> tuple[str, ...] | None:
        try:
            return tuple(self.journal.read_text().split("\n"))
        except OSError:
            return None

    def managed(self) -> bool:
        """Whether this certificate was installed here, and not by hand."""
        return self.certificate.is_symlink() and bool(self.current_name())

    def beside(self, name: str) -> Store:
        """The place of another certificate in the same directory."""
        return Store(self.directory, name, self.uid, self.gid)

    def current_name(self) -> str:
        """The name of the current pair, "" when there is none."""
        target = _target(self.current)
        return target if target and (self.home / target).is_dir() else ""

    def faults(self) -> tuple[str, ...]:
        """What is not as it should be with links, owners and modes; empty when all is well or nothing is there."""
        found = []
        pair = self.home / self.current_name()
        if self.exists():
            for suffix, target in _FILES:
                link = self.directory / f"{self.name}.{suffix}"
                if _target(link) != f".{self.name}/current/{target}":
                    found.append(f"{link}: not yet a link to the current pair")
        directories = [path for path in (self.directory, self.home, pair) if path.is_dir()]
        files = [pair / target for _suffix, target in _FILES if (pair / target).is_file() and pair != self.home]
        for path in dict.fromkeys([*directories, *files]):
            mode = DIRECTORY_MODE if path in directories else FILE_MODE
            status = path.stat()
            if (status.st_uid, status.st_gid, status.st_mode & 0o7777) != (self.uid, self.gid, mode):
                found.append(
                    f"{path}: {status.st_uid}:{status.st_gid} {status.st_mode & 0o7777:04o} "
                    f"instead of {self.uid}:{self.gid} {mode:04o}"
                )
        return tuple(found)

    def repair(self) -> None:
        """Set links, owners and modes as they should be, each step leaving a usable pair."""
        self._directory(self.directory)
        self._directory(self.home)
        if not self.current_name():
            old = self.read()
            if old is None:
                return
            self._point(self.stage(old))
        pair = self.home / self.current_name()
        self._own(pair, DIRECTORY_MODE)
        for suffix, target in reversed(_FILES):  # the key first: a certificate counts once its key is there
            self._own(pair / target, FILE_MODE)
            link = self.directory / f"{self.name}.{suffix}"
            wanted = f".{self.name}/current/{target}"
            if _target(link) != wanted:
                self._link(wanted, link)
        sync_directory(self.directory)

    def stage(self, pair: Pair) -> str:
        """Write a pair beside the current one, to disk; returns its name."""
        self._directory(self.directory)
        self._directory(self.home)
        place = Path(tempfile.mkdtemp(prefix="pair-", dir=self.home))
        for target, content in (("fullchain.pem", pair.fullchain), ("privkey.pem", pair.key)):
            descriptor = os.open(place / target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            self._own(place / target, FILE_MODE)
        self._own(place, DIRECTORY_MODE)
        sync_directory(place)
        sync_directory(self.home)
        return place.name

    def files(self, name: str) -> tuple[Path, Path]:
        """Paths of certificate and key of a staged pair."""
        return self.home / name / "fullchain.pem", self.home / name / "privkey.pem"

    def switch(self, name: str, previous: str, superseding: Sequence[str] = ()) -> None:
        """Make a pair the current one in one step, on trial until `settle` or `undo`.

        previous: the pair to go back to, or "". superseding: other certificates, out of sight from here on.
        """
        descriptor, temporary = tempfile.mkstemp(prefix=".unproved-", dir=self.home)
        with open(descriptor, "w") as stream:
            stream.write("\n".join((previous, *superseding)))
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(self.journal)
        sync_directory(self.home)
        self._point(name)
        self.repair()
        for other in superseding:
            self.beside(other).hide()

    def settle(self) -> None:
        """End the trial: the current pair stays, all others go, and so do those it takes the place of."""
        for other in self.superseded():
            self.beside(other).remove()
        self.journal.unlink(missing_ok=True)
        sync_directory(self.home)
        keep = {"current", self.current_name()}
        for path in self.home.iterdir():
            if path.name not in keep:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def undo(self, previous: str) -> None:
        """Back to the pair before the trial, or to no pair at all; the trial is over."""
        for other in self.superseded():
            self.beside(other).repair()
        if not previous:
            self.remove()
            return
        self._point(previous)
        self.journal.unlink(missing_ok=True)
        self.settle()

    def hide(self) -> None:
        """Take the pair out of Prosody's sight, so that `repair` brings it back."""
        self.certificate.unlink(missing_ok=True)  # first: without it nothing looks for the key
        self.key.unlink(missing_ok=True)
        sync_directory(self.directory)

    def remove(self) -> None:
        """Remove all of it."""
        self.hide()
        if self.home.is_dir():
            shutil.rmtree(self.home)
            sync_directory(self.directory)

    def _point(self, name: str) -> None:
        self._link(name, self.current)
        sync_directory(self.home)

    @staticmethod
    def _link(target: str, link: Path) -> None:
        temporary = link.with_name(f".{link.name}.{os.getpid()}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(target)
        temporary.replace(link)

    def _directory(self, path: Path) -> None:
        if not path.is_dir():
            path.mkdir(mode=0o700, parents=path == self.directory)
        self._own(path, DIRECTORY_MODE)

    def _own(self, path: Path, mode: int) -> None:
        status = path.stat()
        if (status.st_uid, status.st_gid) != (self.uid, self.gid):
            os.chown(path, self.uid, self.gid)
            path.chmod(mode)
        elif status.st_mode & 0o7777 != mode:
            path.chmod(mode)


def _target(link: Path) -> str:
    """What a link points to, "" when it is none."""
    try:
        return str(link.readlink())
    except OSError:
        return ""
