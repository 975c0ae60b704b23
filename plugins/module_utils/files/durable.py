# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What makes changes of files outlive a power cut."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any


def sync_directory(path: Path) -> None:
    """Have the names in a directory on disk, so that renames in it survive. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put data in the place of what a file said before, for whoever runs this alone. Raises OSError.

    Readers see the old or the new one. The directory is made where there is none, open to all.
    """
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def write_text(path: Path, text: str, mode: int = 0o600) -> None:
    """Do the same with a text. Raises OSError."""
    write_bytes(path, text.encode("utf-8"), mode)


def write_json(path: Path, value: Any) -> None:
    """Do the same with a value. Raises OSError."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
