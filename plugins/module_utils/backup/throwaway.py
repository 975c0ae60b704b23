# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Prosody that is started on a restored database, asked what it finds there, and thrown away.

It opens no port and no socket, and knows of no other server; where the kernel allows it, it has no network either. It
runs as the user of the live one, with a configuration and a data directory of its own below the restored database, in
which it may read and write as a role that is there nowhere else.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import scratch, throwaway_lua
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Done, Programs
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import installation
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import quote

READ = 500  # messages of each archive that is looked into
LONGEST = 3600  # seconds
PLACE = scratch.PLACE / "prosody"
ROLE = f"""CREATE ROLE {scratch.GUEST} LOGIN;
GRANT pg_read_all_data, pg_write_all_data TO {scratch.GUEST};
GRANT CONNECT ON DATABASE :"database" TO {scratch.GUEST};"""
# What it has to find. Whose archives: of the accounts that some of the rows belong to, big archives more often
WANTED = """WITH whose AS (SELECT DISTINCT host, "user" FROM prosodyarchive AS row WHERE store = 'archive'
  AND sort_id IN ({ids}) AND EXISTS (SELECT FROM prosody AS one
  WHERE one.host = row.host AND one."user" = row."user" AND one.store = 'accounts') LIMIT 20)
SELECT json_build_object(
 'accounts', (SELECT json_object_agg(host, number) FROM (SELECT host, count(DISTINCT "user") AS number FROM prosody
  WHERE store = 'accounts' GROUP BY host) AS one),
 'rooms', (SELECT json_object_agg(host, number) FROM (SELECT host, count(*) AS number FROM prosody
  WHERE store = 'persistent' GROUP BY host) AS one),
 'archive', (SELECT json_object_agg(host, users) FROM (SELECT host, json_object_agg("user", (SELECT count(*)
  FROM prosodyarchive AS row WHERE row.host = whose.host AND row."user" = whose."user" AND store = 'archive')) AS users
  FROM whose GROUP BY host) AS one));"""
CONFIG = """-- Written by a drill of allthingslinux.xmpp, and removed with it.
data_path = {place}
plugin_paths = {{ {place} }}
modules_enabled = {{ {module} }}
-- what is loaded unasked: nobody signs in, and nothing is sent
modules_disabled = {{ "presence", "message", "iq", "offline", "c2s", "s2s", "s2s_auth_certs" }}
authentication = "internal_hashed"
storage = "sql"
-- a table that is missing stays so
sql_manage_tables = false
sql = {{ driver = "PostgreSQL", database = {database}, username = {role}, host = {socket}, port = {port} }}
log = {{ {{ levels = {{ min = "warn" }}, to = "console" }} }}
drill_wanted = {wanted}
"""


def configuration(wanted: Mapping[str, Any], database: str, socket: str, port: int) -> str:
    """In: address → number of accounts and of rooms, domain → user → messages, as WANTED has it. Pure."""
    asked = {
        **{part: list(wanted[part]) for part in ("accounts", "rooms")},
        "archive": {host: list(users) for host, users in wanted["archive"].items()},
        "read": READ,
    }
    text = CONFIG.format(
        place=quote(str(PLACE)),
        module=quote(throwaway_lua.NAME),
        database=quote(database),
        role=quote(scratch.GUEST),
        socket=quote(socket),
        port=port,
        wanted=quote(json.dumps(asked)),
    )
    domains = [f"VirtualHost {quote(host)}\n" for host in sorted({*wanted["accounts"], *wanted["archive"]})]
    return text + "".join(domains + [f'Component {quote(host)} "muc"\n' for host in sorted(wanted["rooms"])])


def _line(text: str) -> str:
    return " ".join(text.split())[:400]


def unlike(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """In: what SQL counted, and what Prosody answered. Out: where the two differ. Pure."""
    problems = []
    for part in ("accounts", "rooms"):
        for host, number in wanted[part].items():
            seen = (found.get(part) or {}).get(host)
            if isinstance(seen, str):
                problems.append(f"Prosody cannot read the {part} of {host} in what was restored: {_line(seen)}")
            elif seen != number:
                problems.append(
                    f"Prosody finds {seen or 'no'} {part} of {host} in what was restored, and {number} are in its "
                    "tables"
                )
    for host, users in wanted["archive"].items():
        there = (found.get("archive") or {}).get(host) or {}
        for user, number in users.items():
            seen = there.get(user)
            if isinstance(seen, str):
                problems.append(f"Prosody cannot read the archive of {user}@{host} in what was restored: {_line(seen)}")
            elif seen != [number, min(number, READ)]:
                counted, read = seen or (0, 0)
                problems.append(
                    f"Prosody finds {counted} messages of {user}@{host} in what was restored and reads {read}, and "
                    f"{number} are in its tables, of which it was to read {min(number, READ)}"
                )
    return problems


def answer(done: Done) -> dict[str, Any] | str:
    """In: how Prosody ended. Out: what it found, or why it did not say so. Pure."""
    _before, mark, text = done.out.rpartition(throwaway_lua.MARK)
    try:
        return dict(json.loads(text.partition("\n")[0])) if mark else _line(done.err + done.out)
    except (ValueError, TypeError):
        return _line(text.partition("\n")[0])


def ask(programs: Programs, database: str, where: Mapping[str, Any], rows: Sequence[int]) -> dict[str, Any]:
    """Start Prosody on what was restored, and compare what it finds with what SQL counts.

    rows: numbers of rows of the archive; whose they are is looked into. Out: {"problems": […], part → what was found},
    nothing where no Prosody is installed (the database has a host of its own) or nothing is there to be found.
    Raises BackupError.
    """
    installed = installation.find_or_none()
    counted = json.loads(programs.sql(WANTED.format(ids=",".join(map(str, rows)) or "0"), database, **where))
    wanted = {part: counted[part] or {} for part in ("accounts", "rooms", "archive")}
    if installed is None or not installed.programs or not (wanted["accounts"] or wanted["rooms"]):
        return {}
    programs.sql(ROLE, given={"database": database}, **where)
    PLACE.mkdir(mode=0o700)
    (PLACE / f"mod_{throwaway_lua.NAME}.lua").write_text(throwaway_lua.MODULE, encoding="utf-8")
    config = PLACE / "prosody.cfg.lua"
    config.write_text(configuration(wanted, database, where["socket"], where["port"]), encoding="utf-8")
    for path in (PLACE, *PLACE.iterdir()):
        shutil.chown(path, installed.user, installed.user)
    found = answer(programs.prosody(installed, config, LONGEST))
    if isinstance(found, str):
        return {"problems": [f"Prosody does not come up on what was restored: {found}"]}
    return {
        "problems": unlike(wanted, found),
        "accounts": sum(wanted["accounts"].values()),
        "rooms": sum(wanted["rooms"].values()),
        "archives": sum(len(users) for users in wanted["archive"].values()),
    }
