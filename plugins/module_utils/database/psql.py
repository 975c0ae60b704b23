# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""psql, run on the host as administrator of the database: the only input and output of this package beside files."""

from __future__ import annotations

import subprocess

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host import psql


class DatabaseError(XmppError):
    """PostgreSQL did not do what it was asked for."""


def ask(database: str, statement: str) -> str:
    """Run one statement, outside of a transaction. Out: what psql prints, without titles. Raises DatabaseError."""
    # a program of its own under systemd, too: there is no AnsibleModule
    done = subprocess.run(  # pylint: disable=ansible-bad-function
        psql.words(database), input=statement, capture_output=True, text=True, errors="replace", check=False, cwd="/"
    )
    if done.returncode:
        said = " ".join(line.strip() for line in done.stderr.splitlines() if line.strip())
        raise DatabaseError(f"PostgreSQL did not answer for database {database}: {said[:400]}")
    return done.stdout.strip()
