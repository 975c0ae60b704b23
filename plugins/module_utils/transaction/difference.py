# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What differs between two models; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import GLOBAL, Model

# what makes a host what it is; not options that modules read
STRUCTURE = frozenset({"defined", "component_module", "load_global_modules", "enabled"})

# Tables into which Prosody itself writes when it has read them, and what: option → keys, None for any.
# Sources: net/unbound.lua, mod_password_policy, mod_authz_internal (for each role in the list).
FILLED_IN: Mapping[str, frozenset[str] | None] = {
    "unbound": None,
    "password_policy": frozenset({"length", "exclude_username"}),
    "custom_roles": frozenset({"permissions"}),
}

# How an option is said to differ of which nothing but the password does: {password} of a table, as in sql.
PASSWORD = "password changed"

# What the sinks console and stdout write into their own settings (log_to_stdout in core/loggingmanager.lua).
STDOUT = {"timestamps": False, "source_width": 20}


@dataclass(frozen=True)
class Change:
    """One option that differs. host: "*" for a global one. Never holds the value.

    kind: added, removed, changed, or PASSWORD.
    """

    host: str
    option: str
    kind: str

    def __str__(self) -> str:
        where = "" if self.host == GLOBAL else f" of {self.host}"
        return f"{self.option}{where} {self.kind}"


@dataclass(frozen=True)
class Difference:
    """What differs: hosts by name, and options of the hosts that are in both (and global ones)."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.retyped or self.changes)


def compare(old: Model, new: Model) -> Difference:
    """What has to change in a server that runs old so that it runs new. Disabled hosts count as absent."""
    before, after = old.enabled(), new.enabled()
    both = [host for host in after if host in before]
    retyped = [host for host in both if old.component(host) != new.component(host)]
    changes: list[Change] = []
    for host in [GLOBAL, *both]:
        if host in retyped:
            continue
        was, now = old.hosts.get(host, {}), new.hosts.get(host, {})
        for option in sorted((set(was) | set(now)) - STRUCTURE):
            if option not in was:
                changes.append(Change(host, option, "added"))
            elif option not in now:
                changes.append(Change(host, option, "removed"))
            elif not _same(option, was[option], now[option]):
                changes.append(Change(host, option, _kind(was[option], now[option])))
    return Difference(
        tuple(host for host in after if host not in before),
        tuple(host for host in before if host not in after),
        tuple(retyped),
        tuple(changes),
    )


def _kind(was: Any, now: Any) -> str:
    tables = isinstance(was, Mapping) and isinstance(now, Mapping) and "password" in was and "password" in now
    return PASSWORD if tables and {**was, "password": None} == {**now, "password": None} else "changed"


def _same(option: str, was: Any, now: Any) -> bool:
    if option == "log" and isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        return all(_same_sink(*pair) for pair in zip(was, now))
    if was == now or option not in FILLED_IN:
        return bool(was == now)
    if isinstance(was, list) and isinstance(now, list):
        return len(was) == len(now) and all(_filled_in(option, *pair) for pair in zip(was, now))
    return _filled_in(option, was, now)


def _same_sink(was: Any, now: Any) -> bool:
    if isinstance(was, Mapping) and isinstance(now, Mapping) and now.get("to") in ("console", "stdout"):
        return {**STDOUT, **was} == {**STDOUT, **now}
    return bool(was == now)


def _filled_in(option: str, was: Any, now: Any) -> bool:
    if not isinstance(was, Mapping) or not isinstance(now, Mapping):
        return bool(was == now)
    added = FILLED_IN[option]
    if added is not None and not set(was) - set(now) <= added:
        return False
    return all(_kept(key, was.get(key), value) for key, value in now.items())


def _kept(key: str, was: Any, now: Any) -> bool:
    """mod_authz_internal puts roles in the place of their names, and permissions into their table."""
    if key == "inherits" and isinstance(was, list) and isinstance(now, list):
        return len(was) == len(now)
    return bool(was == now) or key == "permissions"


def merge(first: Difference, second: Difference) -> Difference:
    """The union: what differs from either of two states the server may be in."""

    def union(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
        return left + tuple(name for name in right if name not in left)

    # more than the password differs where it does from either state
    kinds = {(change.host, change.option): change.kind for change in second.changes}
    changes = [
        Change(item.host, item.option, kinds.get((item.host, item.option), item.kind))
        if item.kind == PASSWORD
        else item
        for item in first.changes
    ]
    known = {(change.host, change.option) for change in first.changes}
    return Difference(
        union(first.added, second.added),
        union(first.removed, second.removed),
        union(first.retyped, second.retyped),
        tuple(changes) + tuple(item for item in second.changes if (item.host, item.option) not in known),
    )
