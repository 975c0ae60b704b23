# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What files were before they were changed, kept so that a change that turns out bad can be undone."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files.managed_files import (
    Current,
    Wanted,
    apply,
    plan,
    read_state,
)


class Undo:
    """Keeps, in a directory that only its owner can read, what one task replaced.

    index.json is a list of {path, kind, mode, uid, gid}; what was in the file with number N lies in N.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.entries: list[dict[str, Any]] = []

    def _write(self, name: str, content: bytes) -> None:
        descriptor = os.open(self.directory / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as handle:
            handle.write(content)

    def keep(self, path: Path, current: Current) -> None:
        """Keep what is at a path, before it is changed. The first call forgets what an earlier task kept."""
        if not self.entries:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory.mkdir(mode=0o700)
        entry = {"path": str(path), "kind": current.kind, "mode": current.mode, "uid": current.uid, "gid": current.gid}
        if current.kind == "file":
            self._write(str(len(self.entries)), current.content)
        self.entries.append(entry)
        self._write("index.json", json.dumps(self.entries).encode("ascii"))

    def load(self) -> list[tuple[Path, Current]]:
        """Read what was kept, the last change first. Nothing when nothing was."""
        try:
            entries = json.loads((self.directory / "index.json").read_text(encoding="ascii"))
            found = []
            for number, entry in enumerate(entries):
                content = (self.directory / str(number)).read_bytes() if entry["kind"] == "file" else b""
                current = Current(entry["kind"], content, entry["mode"], entry["uid"], entry["gid"])
                found.append((Path(entry["path"]), current))
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError) as error:
            raise XmppError(f"Cannot read what was kept in {self.directory}: {error}.") from error
        return found[::-1]

    def restore(self, path: Path, before: Current, check_mode: bool) -> bool:
        """Bring one path back to what it was; whether that was, or would be, a change.

        A directory that was made stays if something is in it by now; a link is not brought back.
        """
        now = read_state(path)
        if before.kind == "other":
            return False
        if before.kind == "absent" and now.kind == "directory":
            if any(path.iterdir()):
                return False
            if not check_mode:
                path.rmdir()
            return True
        wanted = Wanted(path, before.kind, before.content, before.mode, before.uid, before.gid)
        actions = plan(now, wanted)
        if not check_mode:
            apply(actions, wanted)
        return bool(actions)

    def forget(self) -> None:
        """Remove what was kept."""
        shutil.rmtree(self.directory, ignore_errors=True)
