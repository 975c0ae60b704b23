# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All that a server stores, carried into another storage. The one that it comes from is only read.

What lies in the other one already (from before an earlier move) is set aside. Until all has arrived and was counted
the server goes on with what it had; `undo` brings that about later, too.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.continuity import Place
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host.service import Service
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.storage import planner, runner, tallies
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.storage.planner import StorageError


@dataclass
class Moved:
    """What was done. aside: where what lay there is now; seconds: how long the copying took."""

    counts: planner.Counts = field(default_factory=dict)
    aside: str = ""
    seconds: float = 0.0


class Move:
    """From where the server has its data to where it is wanted.

    now, then: host → place, each of them in one storage (see planner.unclear); target: parameters of the database that
    it goes into, with its password; stamp: what names of things that are set aside end in.
    """

    def __init__(
        self,
        program: runner.Program,
        now: Mapping[str, Place],
        then: Mapping[str, Place],
        target: Mapping[str, Any],
        stamp: str,
    ) -> None:
        self._program, self._hosts, self._target, self._stamp = program, sorted(now), dict(target), stamp
        first = next(iter(now.values()))
        self._data = Path(first.data_path or "/var/lib/prosody")
        self.before, self.after = planner.kind(first), planner.kind(next(iter(then.values())))
        self._database = first.database

    @property
    def _from(self) -> dict[str, Any]:
        return {"driver": "internal" if self.before == "internal" else "sql"}

    def _sqlite(self, name: str) -> Path:
        return self._data / name

    def look(self) -> planner.Look:
        """Count what there is, while the server runs. Raises StorageError, OSError."""
        answer = self._program.run("count", self._hosts, **{"from": self._from})
        size = int(answer.get("bytes") or 0)
        if self.before == "internal":
            size = runner.size_of_files(self._data, self._hosts)
        elif self.before == "sqlite":
            paths = runner.sqlite_files(self._sqlite(self._database.get("database", "")))
            size = sum(path.stat().st_size for path in paths)
        place = Path("/var/lib/postgresql") if self.after == "postgresql" else self._data
        away = self.after == "postgresql" and not str(self._target.get("host", "")).startswith("/")
        free = None if away or not place.is_dir() else shutil.disk_usage(place).free
        return planner.Look(
            planner.counted(answer.get("from")),
            size,
            free,
            int(answer.get("longest") or 0),
            int(answer.get("limit") or 10000),
        )

    def copy(self, service: Service) -> Moved:
        """Stop the server, copy and count. Where that fails the server runs as before. Raises StorageError, OSError."""
        began, done = time.monotonic(), Moved()
        service.stop()
        try:
            self._copy(done)
        except (StorageError, OSError) as error:
            service.start()
            raise StorageError(
                f"Nothing was moved, and Prosody runs with its data in {planner.WORDS[self.before]} as before: {error}"
            ) from error
        done.seconds = round(time.monotonic() - began, 1)
        return done

    def _copy(self, done: Moved) -> None:
        job: dict[str, Any] = {"from": self._from, "stamp": self._stamp}
        place = None
        if self.after == "internal":
            place = runner.staging(self._data, self._stamp)
            job["to"] = {"driver": "internal", "path": str(place)}
        else:
            job["to"] = {"driver": "sql", "sql": self._target}
        if self.after == "sqlite":
            paths = runner.sqlite_files(self._sqlite(self._target["database"]))
            done.aside = runner.aside(paths, self._data, self._aside)
        try:
            answer = self._program.run("copy", self._hosts, **job)
            done.counts = planner.counted(answer.get("to"))
            wrong = planner.differences(planner.counted(answer.get("from")), done.counts)
            if wrong:
                raise StorageError(f"not all arrived: {tallies.in_short(wrong)}")
        except (StorageError, OSError):
            # a database took all or nothing, and has by now what was set aside in it
            if self.after != "postgresql":
                self._discard(place)
            raise
        if place is not None:
            done.aside = runner.aside(list(runner.files_of(self._data, self._hosts)), self._data, self._aside)
            runner.put(place, self._data)
        elif self.after == "postgresql" and answer.get("aside"):
            done.aside = f"the tables prosody_before_{self._stamp} and prosodyarchive_before_{self._stamp}"

    @property
    def _aside(self) -> Path:
        return self._data / f"before-{self._stamp}"

    def _discard(self, place: Path | None = None) -> None:
        """Take the copy away, and have what was set aside for it where it was."""
        if self.after == "postgresql":
            self._program.run(
                "undo",
                self._hosts,
                **{"from": self._from, "stamp": self._stamp, "to": {"driver": "sql", "sql": self._target}},
            )
        elif self.after == "sqlite":
            for path in runner.sqlite_files(self._sqlite(self._target["database"])):
                path.unlink()
        elif place is not None:
            shutil.rmtree(place, ignore_errors=True)
        else:
            for path in list(runner.files_of(self._data, self._hosts)):
                path.unlink()
        if self._aside.is_dir():
            runner.put(self._aside, self._data)

    def undo(self) -> None:
        """Take back a copy that the server did not come up with. Raises StorageError, OSError."""
        self._discard()
