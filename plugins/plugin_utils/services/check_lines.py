# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is printed of the checks of several domains: their lines, and whether the message lies in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_MARK = 8
_LOOK = "Does Prosody store somewhere else? Look at storage and sql in prosody.cfg.lua; systemctl status postgresql"


def check_lines(
    checks: Iterable[Mapping[str, Any]], stored: Iterable[Mapping[str, Any]] = (), database: str = ""
) -> list[str]:
    """Return the lines of all checks, which begin with ok, FAILED, untried or absent.

    checks: results of module xmpp_check in a loop over services. stored: results of the query for its message, each
    with the check it is about as item. database: the host that was asked. Of several domains, lines name their own.
    """
    checked = [one for one in checks if one.get("lines")]
    asked = {one["item"]["item"]["domain"]: one for one in stored if not one.get("skipped")}
    found = []
    for check in checked:
        domain = check["item"]["domain"]
        lines = list(check["lines"])
        if domain in asked:
            lines.append(_database(asked[domain], database))
        found += [line[:_MARK] + f"{domain}: " + line[_MARK:] if len(checked) > 1 else line for line in lines]
    return found


def _database(result: Mapping[str, Any], database: str) -> str:
    if str(result.get("stdout") or "").strip() == "1":
        return f"ok      PostgreSQL: the message lies in prosodyarchive on {database}"
    seen = str(result.get("stderr") or result.get("msg") or "").strip() or "no such row"
    return f"FAILED  PostgreSQL: the message is not in prosodyarchive on {database} ({seen}). {_LOOK}"
