# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The managed directory: one directory `mod_<name>` per module, a record beside them, changed as a transaction."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules import sources
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.code import Files, ModuleSetError

#: what the record says of each module, by its name: where it came from
RECORD = ".modules.json"
_NEW, _OLD = ".new", ".old"


class Store:
    """The directory in which the modules of the set lie."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def installed(self) -> dict[str, Files]:
        """Return module → files, of what lies there."""
        return sources.read_directory(self.path)

    def record(self) -> dict[str, Any]:
        """Return what the record says; nothing when there is none or it is broken, which writes a new one."""
        try:
            record = json.loads((self.path / RECORD).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def recover(self) -> bool:
        """Put back what an interrupted run has set aside; return whether there was anything."""
        interrupted = (self.path / _OLD).is_dir()
        if interrupted:
            for old in sorted((self.path / _OLD).iterdir()):
                _remove(self.path / old.name)
                old.rename(self.path / old.name)
            _remove(self.path / _OLD)
        _remove(self.path / _NEW)
        return interrupted

    def begin(self, write: Mapping[str, Files], remove: frozenset[str], record: Mapping[str, Any]) -> Change:
        """Put modules into place and take others away; what they replace is kept until commit or undo."""
        change = Change(self.path, sorted({*write, *remove}))
        try:
            change.carry_out(write, remove, record)
        except OSError as error:
            change.undo()
            raise ModuleSetError(f"Cannot write the modules to {self.path}: {error}. Nothing was changed.") from error
        return change


class Change:
    """A change of the directory that is still to be kept (`commit`) or taken back (`undo`)."""

    def __init__(self, path: Path, names: list[str]) -> None:
        self._path = path
        self._entries = [*(f"mod_{name}" for name in names), RECORD]
        self._touched: list[str] = []
        self._created = not path.exists()

    def carry_out(self, write: Mapping[str, Files], remove: frozenset[str], record: Mapping[str, Any]) -> None:
        new, old = self._path / _NEW, self._path / _OLD
        missing = [place for place in (self._path, *self._path.parents) if not place.exists()]
        self._path.mkdir(parents=True, exist_ok=True)
        for place in missing:  # whatever the umask is, Prosody must be able to read what is below
            place.chmod(0o755)
        new.mkdir(mode=0o755)
        for name, files in write.items():
            for path, content in files.items():
                target = new / f"mod_{name}" / path
                target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                target.write_bytes(content)
                target.chmod(0o644)
            for directory, _below, _files in os.walk(new / f"mod_{name}"):
                Path(directory).chmod(0o755)
        (new / RECORD).write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", "utf-8")
        (new / RECORD).chmod(0o644)
        old.mkdir(mode=0o700)
        for entry in self._entries:
            self._touched.append(entry)
            if _exists(self._path / entry):
                (self._path / entry).rename(old / entry)
            if _exists(new / entry):
                (new / entry).rename(self._path / entry)

    def commit(self) -> None:
        """Forget what was replaced."""
        _remove(self._path / _OLD)
        _remove(self._path / _NEW)

    def undo(self) -> None:
        """Put everything back as it was."""
        old = self._path / _OLD
        for entry in reversed(self._touched):
            if _exists(old / entry):
                _remove(self._path / entry)
                (old / entry).rename(self._path / entry)
            else:
                _remove(self._path / entry)
        self._touched = []
        self.commit()
        if self._created:
            _remove(self._path)


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif _exists(path):
        path.unlink()
