# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the timers of systemd run: python3 -m …backup.run backup|drill|figures.

backup [full|diff]: makes a backup, of the kind that is due or the one that is named; drill: proves the newest one;
figures: says what is known of both. Problems go to the journal, and make the exit status 1.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import drill, figures, settings, state, work
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Programs, alone, run
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files.durable import write_json
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor import textfile

PATIENCE = 3600  # seconds for what else runs


def _show(told: settings.Settings, known: dict[str, Any]) -> None:
    waits = figures.waiting(told.data / "pg_wal", time.time()) if told.database else None
    place = Path(told.metrics)
    if place.is_dir():
        textfile.write(place / "backup.prom", textfile.render(figures.samples(known, waits)))


def _problems(found: list[str]) -> int:
    for one in found:
        sys.stderr.write(f"{one}\n")
    return 1 if found else 0


def main(arguments: list[str]) -> int:
    """In: what to do."""
    command, *more = arguments or [""]
    try:
        told = settings.load()
        programs = Programs(told)
        if command == "figures":
            _show(told, state.load())
            return 0
        with alone(settings.LOCK, PATIENCE):
            known, begun = state.load(), time.time()
            if command == "backup":
                version = run("dpkg-query", "--show", "--showformat=${Version}", "prosody")
                outcome = work.backup(
                    programs, told, known, more[0] if more else "", version.out if version.code == 0 else ""
                )
                problems, known = outcome.problems, state.backed_up(known, outcome, told.repository, begun, time.time())
            elif command == "drill":
                found = drill.drill(programs, told)
                problems, known = found["problems"], state.drilled(known, found, begun, time.time())
            else:
                return _problems([f"There is no {command}: backup, drill or figures."])
            write_json(settings.STATE, known)
            _show(told, known)
            sys.stdout.write(f"{json.dumps(known[command])}\n")
        return _problems(problems)
    except settings.BackupError as error:
        return _problems([str(error)])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
