# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's own secrets out of a backup, put back where they are missing."""

from __future__ import annotations

import base64
import binascii
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.settings import BackupError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files.durable import write_bytes


def unpacked(archive: str) -> dict[str, bytes]:
    """In: a tar archive as base64. Out: name → content of each file in it. Pure. Raises BackupError."""
    try:
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(archive)), mode="r:") as source:
            found = {one.name: (source.extractfile(one) or io.BytesIO()).read() for one in source if one.isfile()}
    except (tarfile.TarError, binascii.Error, ValueError) as error:
        raise BackupError(f"What was kept of the controller's secrets cannot be read: {error}") from error
    bad = [name for name in found if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts]
    if bad:
        raise BackupError(f"What was kept of the controller's secrets has names that lead elsewhere: {bad[0]}")
    return found


def compare(kept: Mapping[str, bytes], directory: Path) -> tuple[list[str], list[str]]:
    """Out: the names that are missing in a directory, and those that say something else there. Raises OSError."""
    missing = [name for name in kept if not (directory / name).exists()]
    other = [name for name in kept if name not in missing and (directory / name).read_bytes() != kept[name]]
    return missing, other


def bring(kept: Mapping[str, bytes], directory: Path) -> tuple[list[str], list[str]]:
    """Put back what is missing, for whoever runs this alone. What is there stays. Out: as compare. Raises OSError."""
    missing, other = compare(kept, directory)
    for name in missing:
        path = directory / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_bytes(path, kept[name])
    return missing, other
