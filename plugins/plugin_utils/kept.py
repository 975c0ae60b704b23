# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the controller keeps what one run made for the next: by what it is made of, for its owner, and not for ever."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import importlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import ansible
from ansible import constants

#: this collection and its dependencies (galaxy.yml)
COLLECTIONS = (
    "allthingslinux.xmpp",
    "ansible.posix",
    "community.crypto",
    "community.docker",
    "community.postgresql",
)
#: seconds after which what no run used is removed
KEPT_FOR = 7 * 24 * 3600
#: how many fingerprints are kept: who works at the collection has a new one with each change
MOST = 8
_WRITABLE_BY_OTHERS = 0o022


def collection_roots(names: Iterable[str] = COLLECTIONS) -> Iterator[Path]:
    """Name the directories of the collections that are installed."""
    for name in names:
        with contextlib.suppress(ImportError):
            yield from map(Path, importlib.import_module(f"ansible_collections.{name}").__path__)


def fingerprint(roots: Iterable[Path], kinds: Iterable[str], *more: str) -> str:
    """Say what something is made of: another text for other files, or for other versions (more).

    In: directories of collections, and the kinds of plugins that count. Raises OSError where a file cannot be looked
    at.
    """
    found = hashlib.sha256(repr(more).encode())
    for root in roots:
        for kind in kinds:
            for path in sorted((root / "plugins" / kind).rglob("*.py")):
                seen = path.stat()
                # when the file itself changed: the time of its content can be set back
                found.update(f"{path} {seen.st_size} {seen.st_ctime_ns}\n".encode())
    return found.hexdigest()[:32]


def has_files(directories: Iterable[str] | None) -> bool:
    """Whether the operator has plugins of his own in one of these directories."""
    return any(list(Path(path).glob("*")) for path in directories or [])


class Place:
    """A directory for what was made of the same.

    root: a directory for all of them, made where it is missing; made_of: the fingerprint.
    """

    def __init__(self, root: Path, made_of: str) -> None:
        self.root, self.path = root, root / made_of

    def is_safe(self) -> bool:
        """Whether nobody else can put anything there: what lies in it is run."""
        return _is_ours(self.root) and _is_ours(self.path)

    def open(self) -> bool:
        """Make it, and note that it is used. Out: whether it can be believed. Raises OSError."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.mkdir(mode=0o700, exist_ok=True)
        if not self.is_safe():
            return False
        os.utime(self.path)
        return True

    def tidy(self) -> None:
        """Remove what no run used for long, and what is more than is of use. Raises OSError."""
        others = sorted((other.stat().st_mtime, other) for other in self.root.iterdir() if other != self.path)
        for number, (used, other) in enumerate(reversed(others), start=1):
            if number >= MOST or used < time.time() - KEPT_FOR:
                shutil.rmtree(other, ignore_errors=True)


def place(name: str, kinds: Iterable[str], *versions: str) -> Place:
    """Out: the place of that name of the running Ansible, below its home (ANSIBLE_HOME). Raises OSError.

    In: the kinds of plugins and the versions, beside those of Ansible and Python, of which it is made.
    """
    running = ansible.__version__, str(Path(ansible.__file__).parent), sys.version
    made_of = fingerprint(collection_roots(), kinds, *running, *versions)
    return Place(Path(constants.config.get_config_value("ANSIBLE_HOME")) / name, made_of)


def when_the_run_ends(keep: Callable[[], None]) -> None:
    """Keep what was made then. Only in the process that all others are forked from: these end without it."""

    def at_the_end() -> None:
        with contextlib.suppress(OSError):
            keep()

    atexit.register(at_the_end)


def _is_ours(path: Path) -> bool:
    seen = path.lstat()
    return (
        path.is_dir()
        and not path.is_symlink()
        and seen.st_uid == os.getuid()
        and not seen.st_mode & _WRITABLE_BY_OTHERS
    )
