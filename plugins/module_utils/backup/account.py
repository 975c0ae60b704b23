# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One account out of a backup, and back into the live database beside what everybody else wrote since.

The tables are those of mod_storage_sql of Prosody 13. What an account has, its password, roster, PEP and so on, is
replaced; of its archive and its uploads (mod_http_file_share has no user of a row, and says in "with" whose it is)
what is missing is added, at its old place in the order.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import planner, repository, scratch
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Programs
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.settings import BackupError, Settings
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files.durable import write_text
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.datamanager import encoded
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import jid as jids
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import Jid

PLACE = Path("/var/lib/xmpp-backup")
OWNED = "host = :'host' AND \"user\" = :'user'"
NAMED = f"({OWNED}) OR (store = 'uploads' AND \"with\" = :'jid')"
STORES = f"SELECT store, count(*) FROM prosody WHERE {OWNED} GROUP BY store ORDER BY store;"
KEPT = f"SELECT store, count(*) FROM prosodyarchive WHERE {NAMED} GROUP BY store ORDER BY store;"
FILES = "SELECT host, key FROM prosodyarchive WHERE store = 'uploads' AND \"with\" = :'jid' ORDER BY sort_id;"
COPY_ROWS = f'COPY (SELECT host, "user", store, key, type, value FROM prosody WHERE {OWNED}) TO STDOUT;'
_ARCHIVE = 'sort_id, host, "user", store, key, "when", "with", type, value'
COPY_ARCHIVE = f"COPY (SELECT {_ARCHIVE} FROM prosodyarchive WHERE {NAMED} ORDER BY sort_id) TO STDOUT;"
# A number that is taken, as after an earlier restore, is given anew
WRITE = f"""BEGIN;
CREATE TEMP TABLE back_rows ON COMMIT DROP AS SELECT host, "user", store, key, type, value FROM prosody LIMIT 0;
CREATE TEMP TABLE back_archive ON COMMIT DROP AS SELECT {_ARCHIVE} FROM prosodyarchive LIMIT 0;
COPY back_rows FROM STDIN;
{{rows}}\\.
COPY back_archive FROM STDIN;
{{archive}}\\.
ANALYZE back_archive;
DELETE FROM prosody WHERE {OWNED};
INSERT INTO prosody (host, "user", store, key, type, value) SELECT * FROM back_rows;
DELETE FROM back_archive AS back USING prosodyarchive AS live WHERE back.host = live.host AND back."user" = live."user"
 AND back.store = live.store AND back.key = live.key;
INSERT INTO prosodyarchive ({_ARCHIVE}) SELECT {_ARCHIVE} FROM back_archive AS back
 WHERE NOT EXISTS (SELECT FROM prosodyarchive AS live WHERE live.sort_id = back.sort_id);
INSERT INTO prosodyarchive (host, "user", store, key, "when", "with", type, value)
 SELECT host, "user", store, key, "when", "with", type, value FROM back_archive AS back
 WHERE NOT EXISTS (SELECT FROM prosodyarchive AS live WHERE back.host = live.host AND back."user" = live."user"
 AND back.store = live.store AND back.key = live.key) ORDER BY sort_id;
COMMIT;
"""


def jid_of(text: str) -> Jid:
    """Out: the address of an account, as Prosody stores it. Raises BackupError."""
    try:
        return jids.account(text)
    except jids.InvalidJid as error:
        raise BackupError(str(error)) from error


def words(jid: Jid) -> dict[str, str]:
    """Out: the variables of the statements. Pure."""
    return {"user": jid.local, "host": jid.domain, "jid": jid.bare}


def upload(host: str, key: str) -> str:
    """Out: the file of an upload, as restic is asked for it. Pure."""
    return f"/var/lib/prosody/{encoded(host)}/http_file_share/{encoded(key)}.*"


def _counted(text: str) -> dict[str, int]:
    return {line.rpartition("|")[0]: int(line.rpartition("|")[2]) for line in text.splitlines() if "|" in line}


def _paths(jid: Jid) -> tuple[Path, Path]:
    name = encoded(jid.bare)
    return PLACE / f"{name}.rows", PLACE / f"{name}.archive"


def read(programs: Programs, settings: Settings, jid: Jid, moment: float | None) -> dict[str, Any]:
    """Take an account out of the backup of a moment, into files beside. Raises BackupError, OSError.

    Out: what there is of it, store → rows, and its uploads as restic is asked for them.
    """
    seen = repository.seen(programs, settings, moment)
    free = shutil.disk_usage(scratch.PLACE.parent).free
    found = planner.objections(settings, planner.Wanted(moment, "database"), seen, free, settings.cluster)
    if found:
        raise BackupError(" ".join(found))
    try:
        return _read(programs, settings, jid, moment)
    except BackupError as error:
        if planner.NOTHING_LATER not in str(error):
            raise
    return _read(programs, settings, jid, None)


def _read(programs: Programs, settings: Settings, jid: Jid, moment: float | None) -> dict[str, Any]:
    with scratch.cluster(programs, settings, moment) as where:
        ask: dict[str, Any] = {"database": settings.database, "given": words(jid), **where}
        stores = _counted(programs.sql(STORES, **ask))
        if "accounts" not in stores:
            raise BackupError(
                f"There is no account {jid.bare} in the backup"
                + (f" as of {planner.told(moment)}" if moment else "")
                + ": give another time."
            )
        archive = _counted(programs.sql(KEPT, **ask))
        files = [line.split("|") for line in programs.sql(FILES, **ask).splitlines()]
        for path, statement in zip(_paths(jid), (COPY_ROWS, COPY_ARCHIVE), strict=True):
            write_text(path, programs.sql(statement, raw=True, **ask), mode=0o600)
    return {"stores": stores, "archive": archive, "uploads": [upload(*one) for one in files]}


def write(programs: Programs, settings: Settings, jid: Jid, stamp: str) -> str:
    """Put into the live database what was read. Prosody must not run. Out: where the rows that it had are.

    Raises BackupError, OSError.
    """
    rows, archive = _paths(jid)
    texts = [path.read_text(encoding="utf-8") for path in (rows, archive)]
    ask: dict[str, Any] = {"database": settings.database, "given": words(jid)}
    before = PLACE / f"{encoded(jid.bare)}.before-{stamp}"
    write_text(before, programs.sql(COPY_ROWS, raw=True, **ask), mode=0o600)
    programs.sql(WRITE.format(rows=texts[0], archive=texts[1]), **ask)
    for path in (rows, archive):
        path.unlink()
    return str(before)
