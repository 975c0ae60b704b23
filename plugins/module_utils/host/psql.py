# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How PostgreSQL on this host is asked as its administrator. Pure."""

from __future__ import annotations

from collections.abc import Mapping

# not runuser, which tells the journal of a session each time
AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--")
SOCKET = "/run/postgresql"


def words(
    database: str, socket: str = SOCKET, port: int = 5432, given: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """The command that takes statements from standard input, outside of a transaction, and prints rows and no titles.

    given: values for :'name' in the statements; everybody on the host can read them
    """
    return (
        *AS_POSTGRES,
        "psql",
        f"--host={socket}",
        f"--port={port}",
        f"--dbname={database}",
        "--no-psqlrc",
        "--no-password",
        "--quiet",
        "--tuples-only",
        "--no-align",
        "--set=ON_ERROR_STOP=1",
        *(f"--set={name}={value}" for name, value in (given or {}).items()),
    )
