# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a server keeps what belongs to its users, now and as wanted: what would be left behind by a change.

Reader and planner; pure but for `files`. Sources: core/storagemanager.lua, mod_auth_internal_hashed.lua (an account
whose key has another length than the configured hash cannot sign in), util/datamanager.lua (names of files).

Two questions are put to a server. The first asks where things are, and is cheap. The second asks whether there is
anything in the stores that a change would move, and is put only when it would move some.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.datamanager import encoded
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import quote

KINDS = ("authentication", "hosts", "password_hash", "storage")
"""What a change can leave behind, by the names that an operator accepts it with."""

KEY_LENGTHS = {40: "SHA-1", 64: "SHA-256"}
# What the components keep whose names are in the addresses that people use; a store alone tells that there is some
COMPONENT_STORES = {"muc": ("config", "muc_log"), "http_file_share": ("uploads",), "pubsub": ("pubsub_nodes",)}
# What of a host tells that there is something in its storage, beside accounts
HOST_STORES = ("archive", "offline", "private", "roster", "vcard")
_WORDS = {
    "archive": "archives of messages",
    "config": "rooms",
    "muc_log": "archives of rooms",
    "offline": "messages for who is away",
    "pubsub_nodes": "nodes",
    "roster": "contacts",
    "uploads": "shared files",
    "vcard": "profiles",
}
_NOTHING_KEPT = frozenset({"memory", "none", "null"})
_COUNTED = 1000
_LOOKED_AT = 50
_STORED_KEY = re.compile(r'\["stored_key"\]\s*=\s*"([0-9a-f]*)"')
# between files, SQLite and PostgreSQL; what it cannot do it says
_WAY = "move all of it with `bin/xmpp storage INVENTORY`"
_ACCEPT = "accept that for one run with prosody_accept_loss: [{}]"


class ContinuityError(XmppError):
    """What Prosody answered cannot be understood."""


@dataclass(frozen=True)
class Place:
    """Where a host or component keeps what it has.

    module: of a component, "" for a host. driver: of the stores that are not in `stores` (store → driver).
    accounts: how many, None where nobody could look (`unseen` says why); keys: hash → accounts of those looked at.
    """

    authentication: str = "internal_hashed"
    password_hash: str = "SHA-1"
    driver: str = "internal"
    database: Mapping[str, str] = field(default_factory=dict)
    accounts: int | None = 0
    keys: Mapping[str, int] = field(default_factory=dict)
    unseen: str = ""
    module: str = ""
    stores: Mapping[str, str] = field(default_factory=dict)
    data_path: str = ""

    def driver_of(self, store: str) -> str:
        """The driver of a store."""
        return self.stores.get(store, self.driver)

    def storage(self, store: str = "accounts") -> str:
        """The storage of a store in words."""
        driver = self.driver_of(store)
        if driver == "sql":
            where = f" on {self.database['host']}" if self.database.get("host") else ""
            return f"{self.database.get('driver', 'SQL')} database {self.database.get('database', '')}{where}"
        return f"storage {driver}" + (f" below {self.data_path}" if driver == "internal" and self.data_path else "")


@dataclass(frozen=True)
class Objection:
    """A change that leaves something behind. kind: one of KINDS."""

    kind: str
    text: str


Pair = tuple[str, str]
"""A host or component, and a store of it."""

Identity = Callable[[Place, str], Collection[Any]]
"""What a store of a place is, however it is reached: equal for equal data."""


def named(place: Place, store: str) -> tuple[Any, ...]:
    """Identity of a store by the names in its configuration alone."""
    driver = place.driver_of(store)
    if driver in _NOTHING_KEPT:
        return (driver,)
    found: tuple[Any, ...] = (driver,)
    if driver == "sql":
        found += tuple(sorted(place.database.items()))
    if driver != "sql" or place.database.get("driver") == "SQLite3" or store == "uploads":
        found += (place.data_path,)  # files that are shared lie there, whatever keeps their list
    return found


_CHUNK = r"""
local sm, cfg = require"prosody.core.storagemanager", require"prosody.core.configmanager"
local out = {}
for name, host in pairs(prosody.hosts) do
    local sql, storage = cfg.get(name, "sql") or {}, cfg.get(name, "storage")
    local item = { authentication = cfg.get(name, "authentication"), password_hash = cfg.get(name, "password_hash"),
        driver = type(storage) == "string" and storage or cfg.get(name, "default_storage"), stores = {},
        sql = { driver = sql.driver, database = sql.database, host = sql.host, port = sql.port },
        data_path = prosody.paths.data, accounts = 0, keys = {} }
    for store, driver in pairs(type(storage) == "table" and storage or {}) do
        if type(store) == "string" and type(driver) == "string" then item.stores[store] = driver end
    end
    if host.type ~= "local" then
        item.module = cfg.get(name, "component_module") or "component"
    else
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
    end
    out[name] = item
end
return true, require"prosody.util.json".encode(out)
"""

_HELD = r"""
local sm = require"prosody.core.storagemanager"
local out = {}
local function count(host, store, kind)
    local opened = sm.open(host, store, kind)
    local found = 0
    local users, state, control
    if opened and opened.users then users, state, control = opened:users() end
    if users then
        for _ in users, state, control do
            found = found + 1
            if found >= COUNTED then return found end
        end
    end
    if found == 0 and opened and kind == "archive" then
        local items, query, first = opened:find(nil, { limit = 1 })
        if items and items(query, first) then found = 1 end
    elseif found == 0 and opened and opened:get(nil) ~= nil then found = 1 end
    return found
end
for _, pair in ipairs { PAIRS } do
    local found = 0
    for _, kind in ipairs { "keyval", "archive" } do
        local ok, number = pcall(count, pair[1], pair[2], kind)
        if ok and number > found then found = number end
    end
    out[#out+1] = { pair[1], pair[2], found }
end
return true, require"prosody.util.json".encode(out)
"""


def question() -> str:
    """Return the Lua, in one line, that a running server answers with its places."""
    text = _CHUNK.replace("COUNTED", str(_COUNTED)).replace("LOOKED_AT", str(_LOOKED_AT))
    return " ".join(text.split())


def question_of(pairs: Iterable[Pair]) -> str:
    """Return the Lua that a running server answers with how much is in each store."""
    listed = ", ".join(f"{{ {quote(host)}, {quote(store)} }}" for host, store in pairs)
    return " ".join(_HELD.replace("COUNTED", str(_COUNTED)).split()).replace("PAIRS", listed)


def answer(data: Any) -> dict[str, Place]:
    """Read the decoded answer to question(): host → place. Raises ContinuityError."""
    if not isinstance(data, Mapping):
        raise ContinuityError(f"Prosody answered {type(data).__name__} where its hosts were asked for")
    return {str(host): _place(item) for host, item in data.items()}


def answer_of(data: Any) -> dict[Pair, int | None]:
    """Read the decoded answer to question_of(). Raises ContinuityError."""
    try:
        return {(str(host), str(store)): int(number) for host, store, number in data or ()}
    except (TypeError, ValueError) as error:
        raise ContinuityError(f"Prosody answered {type(data).__name__} where its stores were asked for") from error


def _place(item: Mapping[str, Any]) -> Place:
    keys: dict[str, int] = {}
    counted = item.get("keys") or {}
    for length, number in counted.items() if isinstance(counted, Mapping) else ():
        kind = KEY_LENGTHS.get(int(str(length).rpartition(" ")[2]))
        if kind:
            keys[kind] = keys.get(kind, 0) + int(number)
    unseen, stores = str(item.get("unseen") or ""), item.get("stores")
    return Place(
        authentication=item.get("authentication") or "internal_hashed",
        password_hash=item.get("password_hash") or "SHA-1",
        driver=item.get("driver") or "internal",
        database=database(item.get("sql")),
        accounts=None if unseen else int(item.get("accounts") or 0),
        keys=keys,
        unseen=unseen,
        module=str(item.get("module") or ""),
        stores=dict(stores) if isinstance(stores, Mapping) else {},
        data_path=str(item.get("data_path") or "").rstrip("/"),
    )


def database(options: Any) -> dict[str, str]:
    """Return what tells one database from another, out of Prosody's option sql; a password is not part of it."""
    if not isinstance(options, Mapping) or not options.get("driver"):
        return {}
    found = {name: str(options[name]) for name in ("driver", "database", "host", "port") if options.get(name)}
    if found["driver"] == "PostgreSQL" and found.get("port") == "5432":
        del found["port"]
    return found


def wanted(options: Mapping[str, Mapping[str, Any]], data_path: str = "") -> dict[str, Place]:
    """Read the module's option `hosts`: host or component → place, as it is wanted.

    data_path: where data lies when the options do not say
    """
    return {
        host: Place(
            authentication=item.get("authentication") or "internal_hashed",
            password_hash=item.get("password_hash") or "SHA-1",
            driver=item.get("storage") or "internal",
            database=database(item.get("sql")),
            module=item.get("module") or "",
            stores=dict(item.get("stores") or {}),
            data_path=str(item.get("data_path") or data_path).rstrip("/"),
        )
        for host, item in options.items()
    }


def configured(model: Any, data_path: Path) -> dict[str, Place]:
    """Return the places that the configuration of a stopped server names, with the accounts in its files.

    model: a transaction.model.Model; data_path: where data lies when it does not say. What is in a database cannot be
    seen without the server.
    """
    chosen = model.get("*", "data_path")
    directory = data_path / chosen if isinstance(chosen, str) else data_path
    places = {}
    for host in model.enabled():
        storage, module = model.get(host, "storage"), model.component(host)
        stores = {str(name): str(value) for name, value in storage.items()} if isinstance(storage, Mapping) else {}
        default = storage if isinstance(storage, str) else model.get(host, "default_storage")
        place = Place(
            authentication=str(model.get(host, "authentication") or "internal_hashed"),
            password_hash=str(model.get(host, "password_hash") or "SHA-1"),
            driver=str(default or "internal"),
            database=database(model.get(host, "sql")),
            module=str(module or ""),
            stores=stores,
            data_path=str(directory),
        )
        driver = place.driver_of("accounts")
        if not module and driver == "internal":
            accounts, keys = files(directory, host)
            place = replace(place, accounts=accounts, keys=keys)
        elif not module and driver not in _NOTHING_KEPT:
            place = replace(place, accounts=None, unseen="Prosody does not run")
        places[host] = place
    return places


def files(data_path: Path, host: str) -> tuple[int, dict[str, int]]:
    """Count the accounts of a host in internal storage, and the hashes of some of them."""
    found = sorted((data_path / encoded(host) / "accounts").glob("*.dat"))
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


def held_in_files(places: Mapping[str, Place], pairs: Iterable[Pair]) -> dict[Pair, int | None]:
    """How much of a stopped server is in each store; None for what is in no file of internal storage."""
    found: dict[Pair, int | None] = {}
    for host, store in pairs:
        place = places[host]
        if place.driver_of(store) != "internal":
            found[host, store] = None
            continue
        below = Path(place.data_path) / encoded(host)
        # datamanager.lua: HOST/STORE/USER.dat, and HOST/STORE.list or .dat for what belongs to the host itself
        own = [below / f"{store}.{kind}" for kind in ("list", "dat")]
        found[host, store] = len(list((below / store).glob("*"))) or sum(path.is_file() for path in own)
    return found


def moved(now: Mapping[str, Place], then: Mapping[str, Place], identity: Identity = named) -> list[Pair]:
    """Stores, beside accounts, that a change would have elsewhere or would no longer have."""
    return [(host, store) for host, place in sorted(now.items()) for store in _moved(place, then.get(host), identity)]


def _moved(now: Place, then: Place | None, identity: Identity) -> list[str]:
    if then is None or then.module != now.module:  # of a host that is to be no more the accounts tell enough
        return [store for store in COMPONENT_STORES.get(now.module, ()) if now.driver_of(store) not in _NOTHING_KEPT]
    stores = {*(COMPONENT_STORES.get(now.module, ()) if now.module else HOST_STORES), *now.stores, *then.stores}
    found = []
    for store in sorted(stores - {"accounts"}):
        before, after = identity(now, store), identity(then, store)
        goes_along = now.accounts != 0 and (before, after) == (identity(now, "accounts"), identity(then, "accounts"))
        if before != after and not goes_along and now.driver_of(store) not in _NOTHING_KEPT:
            found.append(store)
    return found


def objections(
    now: Mapping[str, Place],
    then: Mapping[str, Place],
    accepted: Collection[str] = (),
    held: Mapping[Pair, int | None] | None = None,
    identity: Identity = named,
) -> list[Objection]:
    """Return what a change from `now` to `then` would leave behind, without the kinds that are `accepted`.

    held: how much is in the stores that `moved` names
    """
    found = [item for host in sorted(now) for item in _of_host(host, now[host], then.get(host), identity)]
    kept: dict[str, dict[str, int | None]] = {}
    for (host, store), number in sorted((held or {}).items()):
        if number != 0:
            kept.setdefault(host, {})[store] = number
    for host, stores in kept.items():
        found += _of_stores(host, now, then, stores)
    return [objection for objection in found if objection.kind not in accepted]


def _of_host(host: str, now: Place, then: Place | None, identity: Identity) -> list[Objection]:
    if now.module or now.accounts == 0:
        return []
    if then is None or then.module:
        # Whoever cannot look does not stand in the way of taking a host out.
        return [_gone(host, now)] if now.accounts else []
    if now.authentication != then.authentication:
        return [_other_authentication(host, now, then)]
    if identity(now, "accounts") != identity(then, "accounts"):
        return [_other_storage(host, now, then)]
    if then.authentication == "internal_hashed":
        return _other_hash(host, now, then)
    return []


def _of_stores(
    host: str, places: Mapping[str, Place], wanted: Mapping[str, Place], stores: Mapping[str, int | None]
) -> list[Objection]:
    """Objections to stores with something in them that would lie elsewhere, or on a component that is no more."""
    now, then = places[host], wanted.get(host)
    if then is None or then.module != now.module:
        if all(number is None for number in stores.values()):
            return []  # as for hosts: whoever cannot look does not stand in the way
        above = host.partition(".")[2]
        if above in places and above not in wanted:
            text = (
                f"{host} has {_amounts(stores)}, and goes with {above}: nobody would find that any more. Keep {above}"
            )
            return [Objection("hosts", f"{text}, or {_ACCEPT.format('hosts')}.")]
        others = sorted(name for name in wanted if wanted[name].module == now.module and name not in places)
        instead = f"; {', '.join(others)} would begin empty" if others else ""
        label = {"muc": "muc", "http_file_share": "upload", "pubsub": "pubsub"}[now.module]
        return [
            Objection(
                "hosts",
                f"{host} has {_amounts(stores)}, and is not among the wanted components{instead}. Keep its name "
                f"(prosody_component_settings: {{{label}: {{label: {host.partition('.')[0]}}}}}), or "
                f"{_ACCEPT.format('hosts')}.",
            )
        ]
    moves: dict[tuple[str, str], dict[str, int | None]] = {}
    for store, number in stores.items():
        moves.setdefault((now.storage(store), then.storage(store)), {})[store] = number
    return [
        Objection(
            "storage",
            f"{host} has {_amounts(found)} in {before}{_shared(now, found)}; with {after}{_shared(then, found)} it "
            f"would start without. Keep it there; or {_WAY}; or {_ACCEPT.format('storage')}.",
        )
        for (before, after), found in moves.items()
    ]


def _shared(place: Place, stores: Collection[str]) -> str:
    """Where shared files are, in words, when the storage does not say so."""
    if "uploads" not in stores or not place.data_path or place.driver_of("uploads") == "internal":
        return ""
    return f" and files below {place.data_path}"


def _amounts(stores: Mapping[str, int | None]) -> str:
    """What there is, in words: `3 rooms, archives of rooms`."""
    words = []
    for store, number in stores.items():
        what = _WORDS.get(store, f"data in the store {store}")
        if number is None:
            words.append(f"perhaps {what} (Prosody does not run, so nobody can look)")
        elif store == "config":
            words.append(f"{_at_least(number)} room{'' if number == 1 else 's'}")
        else:
            words.append(what)
    return ", ".join(words)


def _at_least(number: int) -> str:
    return f"{number} or more" if number >= _COUNTED else str(number)


def _many(place: Place) -> str:
    if place.accounts is None:
        return f"accounts that cannot be counted ({place.unseen})"
    return f"{_at_least(place.accounts)} account{'' if place.accounts == 1 else 's'}"


def _gone(host: str, now: Place) -> Objection:
    return Objection(
        "hosts",
        f"{host} has {_many(now)}, and is not among the wanted hosts: none of them could sign in any more. Keep "
        f"the host, or {_ACCEPT.format('hosts')}.",
    )


def _other_authentication(host: str, now: Place, then: Place) -> Objection:
    return Objection(
        "authentication",
        f"{host} has {_many(now)} with authentication {now.authentication}, and {then.authentication} does not know "
        f"their passwords. Keep {now.authentication}, or have the accounts there and "
        f"{_ACCEPT.format('authentication')}.",
    )


def _other_storage(host: str, now: Place, then: Place) -> Objection:
    return Objection(
        "storage",
        f"{host} has {_many(now)} in {now.storage()}; with {then.storage()} it would start without them, their "
        f"messages and contacts. Keep {now.storage()}; or {_WAY}; or {_ACCEPT.format('storage')}.",
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
            f"new passwords, and {_ACCEPT.format('password_hash')}.",
        )
    ]
