# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Modules as Ansible sends them to hosts, kept from one run to the next.

For each module a run reads and parses the module and all that it imports, and packs it: a sixth of the processor
time of a run that changes nothing. Core keeps that for one run (ansible/executor/module_common.py), in files that it
looks for before it builds. Where another core looks elsewhere, everything is built as it always was.

Kept are the modules of this collection and of those that it depends on, as long as no file of them changes. Modules of
core are not: one that somebody puts beside a playbook under the same name has the same name there.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import importlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import ansible
from ansible import constants
from ansible.errors import AnsibleError

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
#: how many fingerprints are kept: who works at the modules has a new one with each change
MOST = 8
_SENT = ("modules", "module_utils")
_WRITABLE_BY_OTHERS = 0o022


def collection_roots(names: Iterable[str] = COLLECTIONS) -> Iterator[Path]:
    """Name the directories of the collections that are installed."""
    for name in names:
        with contextlib.suppress(ImportError):
            yield from map(Path, importlib.import_module(f"ansible_collections.{name}").__path__)


def fingerprint(roots: Iterable[Path], *more: str) -> str:
    """Say what modules are made of: another text for other files, or for other versions (more).

    Raises OSError where a file cannot be looked at.
    """
    found = hashlib.sha256(repr(more).encode())
    for root in roots:
        for kind in _SENT:
            for path in sorted((root / "plugins" / kind).rglob("*.py")):
                seen = path.stat()
                # when the file itself changed: the time of its content can be set back
                found.update(f"{path} {seen.st_size} {seen.st_ctime_ns}\n".encode())
    return found.hexdigest()[:32]


def _is_ours(path: Path) -> bool:
    """Whether nobody else can put anything there: what lies in it is run on hosts."""
    seen = path.lstat()
    return (
        path.is_dir()
        and not path.is_symlink()
        and seen.st_uid == os.getuid()
        and not seen.st_mode & _WRITABLE_BY_OTHERS
    )


def _copies(source: Path, target: Path) -> None:
    """Have every built module of one directory in another one, each whole or not at all."""
    prefixes = tuple(f"ansible_collections.{name}." for name in COLLECTIONS)
    for path in source.iterdir():
        if (
            not path.name.startswith(prefixes)
            or path.name.endswith((".lock", "-part"))
            or (target / path.name).exists()
        ):
            continue
        handle, made = tempfile.mkstemp(prefix=".", dir=target)
        os.close(handle)
        shutil.copyfile(path, made)
        Path(made).replace(target / path.name)


class Store:
    """Built modules of earlier runs.

    root: a directory for all of them, made where it is missing; run: where core looks for those of this run; made_of:
    the fingerprint.
    """

    def __init__(self, root: Path, run: Path, made_of: str) -> None:
        self.root, self.run, self.kept = root, run, root / made_of

    def lend(self) -> None:
        """Give this run what earlier ones built. Raises OSError."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.kept.mkdir(mode=0o700, exist_ok=True)
        if _is_ours(self.root) and _is_ours(self.kept):
            self.run.mkdir(parents=True, exist_ok=True)
            _copies(self.kept, self.run)
            os.utime(self.kept)

    def keep(self) -> None:
        """Keep what this run has built, and remove what no run used for long. Raises OSError."""
        if not (_is_ours(self.root) and _is_ours(self.kept)):
            return
        if self.run.is_dir():
            _copies(self.run, self.kept)
        others = sorted((other.stat().st_mtime, other) for other in self.root.iterdir() if other != self.kept)
        for number, (used, other) in enumerate(reversed(others), start=1):
            if number >= MOST or used < time.time() - KEPT_FOR:
                shutil.rmtree(other, ignore_errors=True)


def store() -> Store | None:
    """Out: the store of the running Ansible, below its home (ANSIBLE_HOME).

    None where files of the operator stand in for those of core in every module. Raises OSError.
    """
    if any(list(Path(path).glob("*")) for path in constants.DEFAULT_MODULE_UTILS_PATH or []):
        return None
    made_of = fingerprint(collection_roots(), ansible.__version__, str(Path(ansible.__file__).parent), sys.version)
    home = Path(constants.config.get_config_value("ANSIBLE_HOME"))
    return Store(home / "xmpp_built_modules", Path(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache"), made_of)


def use() -> None:
    """Lend this run what is kept, and keep what it builds when it ends. Where that cannot be, nothing is kept."""
    with contextlib.suppress(OSError, AttributeError, AnsibleError):
        if found := store():
            found.lend()
            # only in the process that all others are forked from: these end without it
            atexit.register(_keep, found)


def _keep(found: Store) -> None:
    with contextlib.suppress(OSError):
        found.keep()
