# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything of one person in one file, which only its owner can read."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.audit import files, lines
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.person import document
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.person.server import ARCHIVES, Person, Upload


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


class _Talks:
    """Conversations as files that people can read, one for each that somebody talked with."""

    def __init__(self, place: Path) -> None:
        self._place, self._names = place, set[str]()
        self.found: dict[str, tuple[str, int]] = {}
        place.mkdir()

    def add(self, message: document.Message) -> None:
        name, number = self.found.get(message.other) or (document.file_name(f"{message.other}.txt", self._names), 0)
        with (self._place / name).open("a", encoding="utf-8") as file:
            file.write(document.line(message))
        self.found[message.other] = (name, number + 1)


def _account(person: Person, place: Path, talks: _Talks) -> dict[str, int]:
    """Write account.xml, an archive a page at a time. Out: how many messages are in each archive."""
    before, after = document.halves(person.document())
    counts = {}
    with (place / "account.xml").open("w", encoding="utf-8") as file:
        file.write(before)
        for store in ARCHIVES:
            counts[store] = 0
            for message in person.messages(store):
                if not counts[store]:
                    file.write(f"\n{document.AROUND[store][0]}\n")
                counts[store] += 1
                file.write(document.entry(store, message))
                talks.add(message)
            if counts[store]:
                file.write(document.AROUND[store][1])
        file.write(after)
    return counts


def _uploads(person: Person, place: Path) -> list[tuple[Upload, str]]:
    """Copy the files. Out: each with its name there, "" where it is gone."""
    place.mkdir()
    names, found = set[str](), []
    for upload in person.uploads():
        name = document.file_name(upload.name or upload.slot, names)
        try:
            shutil.copyfile(upload.path, place / name)
        except FileNotFoundError:
            name = ""
        found.append((upload, name))
    return found


def _trail(person: Person, directory: Path) -> list[dict[str, Any]]:
    """Out: sign-ins, and what was done to the account and by it. From where others did it is theirs."""
    found, _total = files.read(directory, lines.Wanted(account=person.jid.bare))
    told = [one.told() for one in found]
    for one in told:
        if one.get("by", person.jid.bare) != person.jid.bare:
            one.pop("from", None)
    return told


def export(person: Person, path: Path, trail: Path) -> dict[str, Any]:
    """Write all that is kept of a person into a file (tar, gzip). Out: what is in it. Raises OSError, XmppError.

    trail: the directory of the audit trail.
    """
    # nobody else can look into it, whatever the mode of what is written there
    place = Path(tempfile.mkdtemp(prefix=".export-", dir=path.parent))
    try:
        top = place / document.file_name(person.jid.bare, set())
        top.mkdir()
        talks = _Talks(top / "messages")
        counts = _account(person, top, talks)
        uploads = _uploads(person, top / "uploads")
        stores = person.stores()
        (top / "stores").mkdir()
        for name, data in stores.items():
            _write(
                top / "stores" / f"{name}.json", json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
            )
        happened = _trail(person, trail)
        _write(top / "audit_trail.json", json.dumps(happened, indent=1, ensure_ascii=False) + "\n")
        page = document.index(
            person.jid, time.time(), counts, talks.found, uploads, stores, person.rooms(), len(happened)
        )
        _write(top / "index.html", page)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
            archive.add(top, top.name, filter=_private)
    finally:
        shutil.rmtree(place)
    gone = [one.name or one.slot for one, name in uploads if not name]
    return {
        "messages": sum(counts.values()),
        "uploads": len(uploads) - len(gone),
        "gone": gone,
        "stores": sorted(stores),
        "size": path.stat().st_size,
    }


def _private(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """What is unpacked is its owner's alone, too."""
    member.mode = 0o700 if member.isdir() else 0o600
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
