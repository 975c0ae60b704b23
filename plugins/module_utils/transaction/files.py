# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which files a configuration consists of, and what must be written or removed so that they are as wanted."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.journal import (
    read_bytes,
    write_atomically,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import Model
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.planner import Action

_SECRET_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")
_TLS_OPTION = re.compile(r"^(ssl|\w+_ssl)$")
_CERTIFICATE_FILE = re.compile(r"\.(crt|key|pem)$|fullchain|privkey")


@dataclass
class FilePlan:
    """What to write. secrets_after: name → value as they will be. access: path → (uid, gid, mode)."""

    actions: list[Action]
    contents: dict[str, tuple[bytes, tuple[int, int, int]]]
    secrets_after: Mapping[str, bytes]
    removed: list[str]

    def apply(self) -> None:
        """Secrets first, then the configuration, then what nothing refers to any more."""
        for path, (content, (uid, gid, mode)) in self.contents.items():
            parent = Path(path).parent
            if not parent.is_dir():
                parent.mkdir(mode=0o750, parents=True)
                os.chown(parent, uid, gid)
            write_atomically(Path(path), content, mode, uid, gid)
        for path in self.removed:
            Path(path).unlink(missing_ok=True)


def secret_names(directory: str) -> set[str]:
    """The names of the files in the directory of secrets."""
    place = Path(directory)
    if not place.is_dir():
        return set()
    return {entry.name for entry in place.iterdir() if entry.is_file() and not entry.name.startswith(".")}


def plan_files(
    path: str,
    content: bytes,
    secrets: Mapping[str, bytes] | None,
    secrets_dir: str,
    access: tuple[int, int, int],
) -> FilePlan:
    """Compare the wanted files with the disk. secrets None: leave the directory alone."""
    present = secret_names(secrets_dir)
    after = {name: read_bytes(Path(secrets_dir, name)) or b"" for name in present}
    plan = FilePlan([], {}, after, [])
    if secrets is not None:
        for name in secrets:
            if not _SECRET_NAME.match(name):
                raise XmppError(f"The secret name {name!r} is no file name: letters, digits, '_', '-' and '.' only")
        plan.secrets_after = dict(secrets)
        for name, value in sorted(secrets.items()):
            _plan_file(plan, str(Path(secrets_dir, name)), value, access, "value")
        for name in sorted(present - set(secrets)):
            plan.removed.append(str(Path(secrets_dir, name)))
            plan.actions.append(Action("remove", str(Path(secrets_dir, name)), "no secret of this name is configured"))
    _plan_file(plan, path, content, access, "content")
    return plan


def _plan_file(plan: FilePlan, path: str, content: bytes, access: tuple[int, int, int], what: str) -> None:
    why = ""
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        why = "does not exist"
    else:
        if read_bytes(path) != content:
            why = f"{what} differs"
        elif (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) != access:
            why = "owner, group or mode differs"
    if why:
        plan.contents[path] = (content, access)
        plan.actions.append(Action("write", path, why))


def certificate_files(model: Model, config_path: str) -> list[str]:
    """The certificates and keys the configuration names: explicit ones, and those Prosody finds by itself.

    Symbolic links on the way come with what they lead to. Source: core/certmanager.lua (index_certs looks three levels
    deep).
    """
    parent = Path(config_path).parent
    found: dict[str, None] = {}
    places: list[Any] = [model.get("*", "certificates") or "certs"]
    for options in model.hosts.values():
        places += [value for option, value in options.items() if option.endswith("certificate")]
        for option, value in options.items():
            if _TLS_OPTION.match(option):
                places += list(_tls_paths(value))
    for place in places:
        for text in place.values() if isinstance(place, Mapping) else [place]:
            if isinstance(text, str):
                for path in _expand(parent / text, 3):
                    found.update(dict.fromkeys(followed(str(path))))
    return sorted(found)


def followed(path: str) -> list[str]:
    """The symbolic links that lead to a file, then the file itself, all by their real places."""
    links: list[str] = []
    place = Path("/")
    rest = [part for part in Path(path).parts if part != "/"]
    while rest:
        part = rest.pop(0)
        if part == "..":
            place = place.parent
            continue
        place = place / part
        if place.is_symlink() and len(links) < 20:
            target = Path(place.readlink())
            links.append(str(place))
            rest = [*(name for name in target.parts if name != "/"), *rest]
            place = Path("/") if target.is_absolute() else place.parent
    return [*links, str(place)]


def _tls_paths(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in ("certificate", "key") and isinstance(inner, str):
                yield inner
            elif isinstance(inner, Mapping):
                yield from _tls_paths(inner)


def _expand(path: Path, depth: int) -> Iterable[Path]:
    if path.is_file():
        yield path
        if path.suffix == ".crt":
            key = path.with_suffix(".key")
            if key.is_file():
                yield key
    elif path.is_dir() and depth > 0:
        for entry in sorted(path.iterdir()):
            if entry.is_dir() and not entry.name.startswith("."):
                yield from _expand(entry, depth - 1)
            elif _CERTIFICATE_FILE.search(entry.name) and entry.is_file():
                yield entry
