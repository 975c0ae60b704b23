# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where modules come from: a directory or an archive, pinned and read without ever unpacking anything.

Only paths and regular files of an archive are looked at, in memory; what an archive holds cannot land anywhere but in
the directory of the module that it belongs to.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules import code
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.code import Files, ModuleSetError

#: bytes that one module may have
MODULE_LIMIT = 32 * 1024 * 1024
_REVISION = re.compile(r"[0-9a-f]{7,64}")
_UNREADABLE = (OSError, tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError)


@dataclass(frozen=True)
class Source:
    """Modules that can be had.

    names: all of them; None where only asking tells. files(name): the files of one. revision: the one that it says it
    is, or "". sha256: of an archive. in_place: they lie where Prosody finds them already, and stay there.
    version_of: the version of each, where they have one of their own.
    """

    name: str
    names: frozenset[str] | None
    files: Callable[[str], Files]
    revision: str = ""
    sha256: str = ""
    in_place: bool = False
    version_of: Callable[[str], str] | None = None


@dataclass
class _Index:
    """Module → path below its directory → how to read it."""

    modules: dict[str, dict[str, Callable[[], bytes]]] = field(default_factory=dict)

    def add(self, path: PurePosixPath, read: Callable[[], bytes]) -> None:
        """Put a file where it belongs: into the outermost directory `mod_*` above it, or into a module of its own."""
        for position, part in enumerate(path.parts[:-1]):
            if part.startswith("mod_"):
                inner = path.parts[position + 1 :]
                if not any(piece.startswith(".") for piece in inner):
                    self.modules.setdefault(part[4:], {})["/".join(inner)] = read
                return
        if path.name.startswith("mod_") and path.suffix == ".lua":
            self.modules.setdefault(path.stem[4:], {}).setdefault(path.name, read)

    def source(self, name: str, revision: str, sha256: str) -> Source:
        found = {
            module: files for module, files in self.modules.items() if code.main_file(module, dict.fromkeys(files, b""))
        }

        def files(module: str) -> Files:
            return {path: read() for path, read in found[module].items()}

        return Source(name, frozenset(found), files, revision, sha256)


def open_source(name: str, kind: str, path: str, revision: str, sha256: str) -> Source:
    """Return the modules of a directory (`tree`) or an `archive`, once it is proved to be the pinned one.

    Raises ModuleSetError: it cannot be read, is not pinned, is not the pinned one, or holds what it must not.
    """
    place = Path(path)
    try:
        source = _tree(name, place) if kind == "tree" else _archive(name, place, sha256)
    except _UNREADABLE as error:
        raise ModuleSetError(f"Source {name}: cannot read {path}: {error}.") from error
    if not source.names:
        raise ModuleSetError(f"Source {name}: {path} holds no module, that is, no file mod_*.lua.")
    _check_pin(source, path, revision, sha256, needs_hash=kind == "archive")
    return source


def _check_pin(source: Source, path: str, revision: str, sha256: str, needs_hash: bool) -> None:
    if not sha256 and (needs_hash or not revision):
        raise ModuleSetError(
            f"Source {source.name}: {path} is not pinned. Look at what it holds, then give its sha256: "
            f"{_sha256(source)}"
        )
    if sha256 and sha256.lower() != _sha256(source):
        raise ModuleSetError(
            f"Source {source.name}: {path} is not what was pinned: its SHA-256 is {_sha256(source)}, "
            f"and {sha256.lower()} was wanted. Nothing was taken from it."
        )
    if revision:
        if not _REVISION.fullmatch(revision.lower()):
            raise ModuleSetError(
                f"Source {source.name}: {revision!r} is not a revision; give 7 to 64 hex digits of it."
            )
        if not source.revision:
            raise ModuleSetError(
                f"Source {source.name}: {path} does not say which revision it is; pin it by sha256: {_sha256(source)}"
            )
        if not source.revision.startswith(revision.lower()):
            raise ModuleSetError(
                f"Source {source.name}: {path} is revision {source.revision}, and {revision} was wanted. "
                "Nothing was taken from it."
            )


def _sha256(source: Source) -> str:
    return source.sha256 or code.tree_digest({name: code.digest(source.files(name)) for name in source.names or ()})


def _tree(name: str, place: Path) -> Source:
    if not place.is_dir():
        raise ModuleSetError(f"Source {name}: {place} is no directory.")
    root = place.resolve()
    index = _Index()
    for directory, below, files in os.walk(place):
        below[:] = sorted(entry for entry in below if not entry.startswith("."))
        for file in sorted(files):
            full = Path(directory, file)
            if root not in full.resolve().parents:
                raise ModuleSetError(f"Source {name}: {full} leads out of the tree, to {full.resolve()}.")
            if full.is_file():
                index.add(PurePosixPath(full.relative_to(place).as_posix()), _reader(name, full))
    return index.source(name, _tree_revision(place), "")


def _reader(name: str, path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        if path.stat().st_size > MODULE_LIMIT:
            raise ModuleSetError(f"Source {name}: {path} is larger than {MODULE_LIMIT} bytes.")
        return path.read_bytes()

    return read


def _tree_revision(place: Path) -> str:
    """The revision that a working copy or an exported tree says it is (Mercurial, Git), or ""."""
    archival, dirstate, head = place / ".hg_archival.txt", place / ".hg" / "dirstate", place / ".git" / "HEAD"
    if archival.is_file():
        return _hg_node(archival.read_bytes())
    if dirstate.is_file():
        return dirstate.read_bytes()[:20].hex()
    if head.is_file():
        text = head.read_text("utf-8").strip()
        if not text.startswith("ref: "):
            return text
        reference = place / ".git" / text[5:]
        if reference.is_file():
            return reference.read_text("utf-8").strip()
        packed = place / ".git" / "packed-refs"
        for line in packed.read_text("utf-8").splitlines() if packed.is_file() else ():
            if line.endswith(f" {text[5:]}"):
                return line.split(" ")[0]
    return ""


def _hg_node(data: bytes) -> str:
    match = re.search(rb"^node: ([0-9a-f]{40})$", data, re.MULTILINE)
    return match[1].decode() if match else ""


def _archive(name: str, place: Path, sha256: str) -> Source:
    data = place.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if not sha256 or sha256.lower() != found:
        # not looked into before it is known to be the right one
        return Source(name, frozenset({"unknown"}), lambda _: {}, "", found)
    index = _Index()
    revision = ""
    total = 0
    members = _zip_members(name, data) if zipfile.is_zipfile(io.BytesIO(data)) else _tar_members(name, data)
    for member in members:
        if member.path is None:
            revision = member.revision
            continue
        total += member.size
        if member.size > MODULE_LIMIT or total > 8 * MODULE_LIMIT:
            raise ModuleSetError(f"Source {name}: the archive unpacks to too much, at {member.path}.")
        if member.path.name == ".hg_archival.txt":
            revision = _hg_node(member.read())
        index.add(member.path, member.read)
    return index.source(name, revision, found)


@dataclass(frozen=True)
class _Member:
    """A regular file of an archive; or, without a path, the revision that the archive says it is."""

    path: PurePosixPath | None
    size: int = 0
    read: Callable[[], bytes] = bytes
    revision: str = ""


def _safe_path(name: str, text: str) -> PurePosixPath:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or "\\" in text or "\0" in text:
        raise ModuleSetError(
            f"Source {name}: the archive has the member {text!r}, which leads out of it. Do not trust it."
        )
    return path


def _zip_members(name: str, data: bytes) -> Iterator[_Member]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    comment = archive.comment.decode("ascii", "replace")
    if _REVISION.fullmatch(comment):  # git archive
        yield _Member(None, revision=comment)
    for info in archive.infolist():
        path = _safe_path(name, info.filename)
        kind = info.external_attr >> 16 & 0o170000
        if kind not in (0, 0o100000, 0o040000):
            raise ModuleSetError(f"Source {name}: the archive has {path}, which is no regular file. Do not trust it.")
        if not info.is_dir():
            yield _Member(path, info.file_size, lambda info=info: archive.read(info))  # type: ignore[misc]


def _tar_members(name: str, data: bytes) -> Iterator[_Member]:
    archive = tarfile.open(fileobj=io.BytesIO(data))  # noqa: SIM115 - in memory, and read by the members later
    for info in archive:
        path = _safe_path(name, info.name)
        if info.isdir():
            continue
        if not info.isreg():
            raise ModuleSetError(f"Source {name}: the archive has {path}, which is no regular file. Do not trust it.")
        yield _Member(path, info.size, lambda info=info: _extract(archive, info))  # type: ignore[misc]
    comment = archive.pax_headers.get("comment", "")
    if _REVISION.fullmatch(comment):  # git archive
        yield _Member(None, revision=comment)


def _extract(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(info)
    return file.read() if file else b""


def read_directory(place: Path) -> dict[str, Files]:
    """Return module → files of a directory of modules, as `store` keeps them; nothing when it is not there."""
    index = _Index()
    if place.is_dir():
        for entry in sorted(place.glob("mod_*/**/*")):
            if entry.is_file():
                index.add(PurePosixPath(entry.relative_to(place).as_posix()), _reader("installed", entry))
    return {name: {path: read() for path, read in files.items()} for name, files in index.modules.items()}


def names_in(list_file: Path) -> frozenset[str]:
    """Return the modules among the files that a Debian package has installed (/var/lib/dpkg/info/<package>.list)."""
    if not list_file.is_file():
        return frozenset()
    paths: Mapping[str, None] = dict.fromkeys(list_file.read_text("utf-8").splitlines())
    return frozenset(
        PurePosixPath(path).stem[4:] for path in paths if re.search(r"/modules/(?:.*/)?mod_\w+\.lua$", path)
    )
