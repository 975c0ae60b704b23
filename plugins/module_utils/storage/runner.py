# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runner: the program that copies, and what is set aside in the place where its copy goes."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.datamanager import encoded
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.installation import Installation, RunCommand
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.storage import lua
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.storage.planner import StorageError

_KINDS = (".dat", ".list", ".lidx")
_SQLITE = ("", "-wal", "-shm")


class Program:
    """Runs the Lua program as the user that Prosody runs as. environment: what libpq has to know of."""

    def __init__(
        self,
        installation: Installation,
        run_command: RunCommand,
        config: str,
        data: Path,
        environment: Mapping[str, str],
    ) -> None:
        self._installation, self._run_command = installation, run_command
        self._config, self._data, self._environment = config, data, dict(environment)

    def run(self, step: str, hosts: Sequence[str], **job: Any) -> dict[str, Any]:
        """Out: the answer. Secrets go through standard input alone. Raises StorageError."""
        found = self._installation
        given = {
            "source": str(found.source),
            "plugins": ";".join(f"{path}/" for path in found.plugins),
            "data": str(self._data),
            "config": self._config,
            "step": step,
            "hosts": list(hosts),
            **job,
        }
        argv = [*found.unprivileged(), found.lua, "-e", lua.SCRIPT]
        # libpq looks for certificates in the home of whoever it is, and gives up where it may not look
        environment = {**self._environment, "LC_ALL": "C.UTF-8", "HOME": str(self._data)}
        code, out, err = self._run_command(argv, data=json.dumps(given) + "\n", environ_update=environment, cwd="/")
        if lua.MARK not in out:
            raise StorageError(f"The copying ended with status {code}: {(err or out).strip()[-400:]}")
        answer: dict[str, Any] = json.loads(out[out.rfind(lua.MARK) + len(lua.MARK) :])
        if answer.get("error"):
            raise StorageError(str(answer["error"])[:600])
        return answer


def files_of(data: Path, hosts: Sequence[str]) -> Iterator[Path]:
    """The files of internal storage of these hosts; what people uploaded lies beside them and is none."""
    for host in hosts:
        top = data / encoded(host)
        for path in sorted(top.glob("*")) + sorted(top.glob("*/*")):
            if path.suffix in _KINDS and path.is_file():
                yield path


def sqlite_files(path: Path) -> list[Path]:
    """The files of a database of SQLite that are there."""
    return [one for one in (path.with_name(path.name + end) for end in _SQLITE) if one.exists()]


def size_of_files(data: Path, hosts: Sequence[str]) -> int:
    """Bytes on the disk: a file takes a block, however little is in it."""
    return sum(path.stat().st_blocks * 512 for path in files_of(data, hosts))


def aside(paths: Sequence[Path], top: Path, place: Path) -> str:
    """Move files, with their directories below top, to another place. Out: the place, "" where there was nothing."""
    for path in paths:
        there = place / path.relative_to(top)
        there.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        path.rename(there)
    return str(place) if paths else ""


def own(top: Path, like: Path) -> None:
    """Give a directory and all in it to the owner of another one."""
    status = like.stat()
    for one in [top, *top.rglob("*")]:
        os.chown(one, status.st_uid, status.st_gid)


def staging(data: Path, stamp: str) -> Path:
    """An empty directory beside the data, of the same owner, for files that are not whole yet."""
    place = data / f".storage-{stamp}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o750, exist_ok=True)
    own(place, data)
    return place


def put(place: Path, data: Path) -> None:
    """Have files that are whole where Prosody looks for them."""
    for path in sorted(place.rglob("*")):
        there = data / path.relative_to(place)
        if path.is_dir():
            there.mkdir(exist_ok=True, mode=0o750)
            status = path.stat()
            os.chown(there, status.st_uid, status.st_gid)
        else:
            path.rename(there)
    shutil.rmtree(place)
