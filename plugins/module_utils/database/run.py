# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a timer of systemd runs on the host of the database: python3 -m …database.run DIRECTORY DATABASE…

Sees to the index of archive_index.py in each database, and leaves figures of it and of statements.py in the directory
where there is one. Problems go to the journal, and make the exit status 1.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.database import archive_index, psql, statements
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor import textfile

FIGURES = "database.prom"


def _look(databases: list[str], place: Path) -> tuple[dict[str, archive_index.Archive], list[str]]:
    """Out: database → its archive, and why others could not be looked at."""
    seen, problems = {}, []
    for database in databases:
        try:
            archive = archive_index.read(psql.ask(database, archive_index.LOOK))
        except psql.DatabaseError as error:
            problems.append(str(error))
            continue
        if archive is not None:
            seen[database] = archive
    if place.is_dir():
        found = [one for database, archive in seen.items() for one in archive_index.samples(database, archive)]
        for database in databases:
            try:
                if psql.ask(database, statements.LOADED) == "t":
                    found += statements.samples(database, psql.ask(database, statements.LOOK))
            except psql.DatabaseError as error:
                problems += [] if str(error) in problems else [str(error)]
        textfile.write(place / FIGURES, textfile.render(found))
    return seen, problems


def main(arguments: list[str]) -> int:
    """In: the directory for figures, and the databases."""
    place, databases = Path(arguments[0]), arguments[1:]
    seen, problems = _look(databases, place)
    if any(archive_index.plan(archive) for archive in seen.values()):
        for database, archive in seen.items():
            try:
                for statement in archive_index.plan(archive):
                    psql.ask(database, statement)
            except psql.DatabaseError as error:
                problems.append(f"The index {archive_index.NAME} was not made, and is tried again in an hour. {error}")
        _look(databases, place)
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
