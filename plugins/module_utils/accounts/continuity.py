# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the accounts of a server are and in which form, now and as wanted: what would be left behind by a change.

Reader and planner; pure but for `files`. Sources: core/storagemanager.lua, mod_auth_internal_hashed.lua (an account
whose key has another length than the configured hash cannot sign in), util/datamanager.lua (names of files).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

KINDS = ("authentication", "hosts", "password_hash", "storage")
"""What a change can leave behind, by the names that an operator accepts it with."""

KEY_LENGTHS = {40: "SHA-1", 64: "SHA-256"}
_COUNTED = 1000
_LOOKED_AT = 50
_STORED_KEY = re.compile(r'\["stored_key"\]\s*=\s*"([0-9a-f]*)"')


class ContinuityError(XmppError):
    """What Prosody answered cannot be understood."""


@dataclass(frozen=True)
class Place:
    """Where the accounts of one host are.

    accounts: how many, None where nobody could look (`unseen` says why); keys: hash → accounts of those looked at.
    """

    authentication: str = "internal_hashed"
    password_hash: str = "SHA-1"
    driver: str = "internal"
    database: Mapping[str, str] = field(default_factory=dict)
    accounts: int | None = 0
    keys: Mapping[str, int] = field(default_factory=dict)
    unseen: str = ""

    @property
    def storage(self) -> str:
        """The storage in words."""
        if self.driver != "sql":
            return f"storage {self.driver}"
        where = f" on {self.database['host']}" if self.database.get("host") else ""
        return f"{self.database.get('driver', 'SQL')} database {self.database.get('database', '')}{where}"


@dataclass(frozen=True)
class Objection:
    """A change that leaves something behind. kind: one of KINDS."""

    kind: str
    text: str


_CHUNK = r"""
local sm, cfg = require"prosody.core.storagemanager", require"prosody.core.configmanager"
local out = {}
for name, host in pairs(prosody.hosts) do
    if host.type == "local" then
        local _, driver = sm.get_driver(name, "accounts")
        local sql = cfg.get(name, "sql") or {}
        local item = { authentication = cfg.get(name, "authentication"), password_hash = cfg.get(name, "password_hash"),
            driver = driver, sql = { driver = sql.driver, database = sql.database, host = sql.host, port = sql.port },
            accounts = 0, keys = {} }
        local ok, err = pcall(function ()
            local store = assert(sm.open(name, "accounts"))
            local names, users, state, control = {}, store:users()
            if not users then if state then error(state, 0) end return end
            for user in users, state, control do
                names[#names+1] = user
                if #names >= COUNTED then break end
            end
            item.accounts = #names
            for i = 1, math.min(#names, LOOKED_AT) do
                local data = store:get(names[i])
                local key = "length " .. (data and data.stored_key and #data.stored_key or 0)
                item.keys[key] = (item.keys[key] or 0) + 1
            end
        end)
        if not ok then item.unseen = tostring(err) end
        out[name] = item
    end
end
return true, require"prosody.util.json".encode(out)
"""


def question() -> str:
    """Return the Lua, in one line, that a running server answers with its places."""
    text = _CHUNK.replace("COUNTED", str(_COUNTED)).replace("LOOKED_AT", str(_LOOKED_AT))
    return " ".join(text.split())


def answer(data: Any) -> dict[str, Place]:
    """Read the decoded answer to question(): host → place. Raises ContinuityError."""
    if not isinstance(data, Mapping):
        raise ContinuityError(f"Prosody answered {type(data).__name__} where its hosts were asked for")
    return {str(host): _place(item) for host, item in data.items()}


def _place(item: Mapping[str, Any]) -> Place:
    keys: dict[str, int] = {}
    counted = item.get("keys") or {}
    for length, number in counted.items() if isinstance(counted, Mapping) else ():
        kind = KEY_LENGTHS.get(int(str(length).rpartition(" ")[2]))
        if kind:
            keys[kind] = keys.get(kind, 0) + int(number)
    unseen = str(item.get("unseen") or "")
    return Place(
        authentication=item.get("authentication") or "internal_hashed",
        password_hash=item.get("password_hash") or "SHA-1",
        driver=item.get("driver") or "internal",
        database=database(item.get("sql")),
        accounts=None if unseen else int(item.get("accounts") or 0),
        keys=keys,
        unseen=unseen,
    )


def database(options: Any) -> dict[str, str]:
    """Return what tells one database from another, out of Prosody's option sql; a password is not part of it."""
    if not isinstance(options, Mapping) or not options.get("driver"):
        return {}
    found = {name: str(options[name]) for name in ("driver", "database", "host", "port") if options.get(name)}
    if found["driver"] == "PostgreSQL" and found.get("port") == "5432":
        del found["port"]
    return found


def wanted(options: Mapping[str, Mapping[str, Any]]) -> dict[str, Place]:
    """Read the module's option `hosts`: host → place, as it is wanted."""
    return {
        host: Place(
            authentication=item.get("authentication") or "internal_hashed",
            password_hash=item.get("password_hash") or "SHA-1",
            driver=item.get("storage") or "internal",
            database=database(item.get("sql")),
        )
        for host, item in options.items()
    }


def configured(model: Any, data_path: Path) -> dict[str, Place]:
    """Return the places that the configuration of a stopped server names, with the accounts in its files.

    model: a transaction.model.Model. What is in a database cannot be seen without the server.
    """
    places = {}
    for host in model.enabled():
        if model.component(host):
            continue
        storage = model.get(host, "storage")
        driver = storage.get("accounts") if isinstance(storage, Mapping) else storage
        driver = str(driver or model.get(host, "default_storage") or "internal")
        accounts, keys = files(data_path, host) if driver == "internal" else (None, {})
        places[host] = Place(
            authentication=str(model.get(host, "authentication") or "internal_hashed"),
            password_hash=str(model.get(host, "password_hash") or "SHA-1"),
            driver=driver,
            database=database(model.get(host, "sql")) if driver == "sql" else {},
            accounts=0 if driver == "memory" else accounts,
            keys=keys,
            unseen="Prosody does not run" if accounts is None and driver != "memory" else "",
        )
    return places


def files(data_path: Path, host: str) -> tuple[int, dict[str, int]]:
    """Count the accounts of a host in internal storage, and the hashes of some of them."""
    encoded = re.sub(rb"[^0-9A-Za-z]", lambda match: b"%%%02x" % match[0][0], host.encode("utf-8")).decode("ascii")
    found = sorted((data_path / encoded / "accounts").glob("*.dat"))
    keys: dict[str, int] = {}
    for path in found[:_LOOKED_AT]:
        try:
            match = _STORED_KEY.search(path.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue
        kind = KEY_LENGTHS.get(len(match[1])) if match else None
        if kind:
            keys[kind] = keys.get(kind, 0) + 1
    return len(found), keys


def objections(now: Mapping[str, Place], then: Mapping[str, Place], accepted: Collection[str] = ()) -> list[Objection]:
    """Return what a change from `now` to `then` would leave behind, without the kinds that are `accepted`."""
    found = [objection for host in sorted(now) for objection in _of_host(host, now[host], then.get(host))]
    return [objection for objection in found if objection.kind not in accepted]


def _of_host(host: str, now: Place, then: Place | None) -> list[Objection]:
    if now.accounts == 0:
        return []
    if then is None:
        # Whoever cannot look does not stand in the way of taking a host out.
        return [_gone(host, now)] if now.accounts else []
    if now.authentication != then.authentication:
        return [_other_authentication(host, now, then)]
    if (now.driver, now.database) != (then.driver, then.database):
        return [_other_storage(host, now, then)]
    if then.authentication == "internal_hashed":
        return _other_hash(host, now, then)
    return []


def _many(place: Place) -> str:
    if place.accounts is None:
        return f"accounts that cannot be counted ({place.unseen})"
    number = f"{place.accounts} or more" if place.accounts >= _COUNTED else str(place.accounts)
    return f"{number} account{'' if place.accounts == 1 else 's'}"


def _gone(host: str, now: Place) -> Objection:
    return Objection(
        "hosts",
        f"{host} has {_many(now)}, and is not among the wanted hosts: none of them could sign in any more. Keep "
        "the host, or accept that (hosts).",
    )


def _other_authentication(host: str, now: Place, then: Place) -> Objection:
    return Objection(
        "authentication",
        f"{host} has {_many(now)} with authentication {now.authentication}, and {then.authentication} does not know "
        f"their passwords. Keep {now.authentication}, or have the accounts there and accept that (authentication).",
    )


def _other_storage(host: str, now: Place, then: Place) -> Objection:
    return Objection(
        "storage",
        f"{host} has {_many(now)} in {now.storage}; with {then.storage} it would start without them, their "
        f"messages and contacts. Keep {now.storage}; or stop Prosody, move the data with prosody-migrator, then accept "
        "the change (storage) for one run.",
    )


def _other_hash(host: str, now: Place, then: Place) -> list[Objection]:
    wrong = {kind: number for kind, number in now.keys.items() if kind != then.password_hash}
    if now.accounts is None and now.password_hash != then.password_hash:
        wrong = {now.password_hash: 0}
    if not wrong:
        return []
    kind = next(iter(wrong))
    seen = f"{wrong[kind]} of the {sum(now.keys.values())} that were looked at" if now.keys else "probably all"
    return [
        Objection(
            "password_hash",
            f"{host} has {_many(now)}, {seen} with a password kept as {kind}; with {then.password_hash} they could not "
            f"sign in any more, and a hash cannot be turned into another. Keep {kind}; or be ready to give all of them "
            "new passwords, and accept that (password_hash).",
        )
    ]
