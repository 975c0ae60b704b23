# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Can Prosody's user sign in to the database that a configuration names? Asked before the server is told of it.

Prosody's own answer to a failed sign-in is "no connection to the server", whatever the reason. Here the same library
(libpq, which LuaDBI brings with it) is asked in a process of Prosody's user, and says why.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.installation import RunCommand
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import Model

# LuaDBI's driver for PostgreSQL calls PQsetdbLogin with exactly these (dbd/postgresql/connection.c)
_SCRIPT = r"""
import ctypes, json, os, pwd
given = json.loads(%s)
for name in [name for name in os.environ if name.startswith("PG")]:
    del os.environ[name]
os.environ.update(given["environment"], HOME=pwd.getpwuid(os.getuid()).pw_dir)
try:
    library = ctypes.CDLL("libpq.so.5")
except OSError:
    raise SystemExit(0)
library.PQsetdbLogin.restype = library.PQerrorMessage.restype = ctypes.c_void_p
library.PQsetdbLogin.argtypes = [ctypes.c_char_p] * 7
library.PQerrorMessage.argtypes = library.PQstatus.argtypes = library.PQfinish.argtypes = [ctypes.c_void_p]
def text(value):
    return value.encode() if value else None
p = given["parameters"]
connection = library.PQsetdbLogin(text(p["host"]), text(p["port"]), None, None, text(p["database"]),
                                  text(p["username"]), text(p["password"]))
failed = library.PQstatus(connection) != 0
if failed:
    print("\0refused\0" + ctypes.string_at(library.PQerrorMessage(connection)).decode("utf-8", "replace"))
library.PQfinish(connection)
"""


@dataclass(frozen=True)
class Parameters:
    """How Prosody connects to PostgreSQL; empty where the configuration says nothing."""

    database: str
    username: str
    password: str
    host: str
    port: str

    def __str__(self) -> str:
        where = self.host or "the local socket"
        return f"database {self.database} on {where}{':' + self.port if self.port else ''} as {self.username}"


def uses_sql(storage: Any, default: Any) -> bool:
    """Does a host with these values of `storage` and `default_storage` use SQL? (core/storagemanager.lua)"""
    if isinstance(storage, str):
        return storage == "sql"
    return default == "sql" or (isinstance(storage, Mapping) and "sql" in storage.values())


def connections(model: Model) -> list[Parameters]:
    """The PostgreSQL connections the configuration makes Prosody open; pure."""
    found: dict[Parameters, None] = {}
    for host in model.enabled():
        sql = model.get(host, "sql")
        if not uses_sql(model.get(host, "storage"), model.get(host, "default_storage")):
            continue
        if isinstance(sql, Mapping) and sql.get("driver") == "PostgreSQL":
            names = ("database", "username", "password", "host", "port")
            found[Parameters(*(str(sql.get(name, "") or "") for name in names))] = None
    return list(found)


def environment_of(pid: int, shown: str) -> dict[str, str]:
    """libpq's variables in the environment of the server: of its process, or of its unit (systemctl show)."""
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "replace").split("\0") if pid else []
    except OSError:
        entries = []
    if not entries:
        entries = shown.split()
    pairs = (entry.partition("=") for entry in entries)
    return {name: value for name, _sign, value in pairs if name.startswith("PG")}


def refusal(parameters: Parameters, environment: Mapping[str, str], as_user: list[str], run_command: RunCommand) -> str:
    """Connect once; "" when it works (or cannot be tried here), else what libpq says.

    as_user: command prefix that becomes Prosody's user. Nothing secret is on the command line.
    """
    given = json.dumps({"parameters": asdict(parameters), "environment": dict(environment)})
    program = _SCRIPT % repr(given)
    _rc, out, _err = run_command([*as_user, sys.executable, "-I", "-"], data=program, binary_data=True)
    return " ".join(out.partition("\0refused\0")[2].split())
