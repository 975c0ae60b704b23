# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Planner: the modules that are wanted, where they can be had and what there is → what to do.

Pure, but for the reading of files that sources do when asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules import code
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.code import Files, ModuleSetError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.environment import Environment
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.sources import Source

#: modules that hosts hold on to; only activating the host anew, or a restart, changes them
_HELD = re.compile(r"(?:storage|auth|authz)_")


@dataclass(frozen=True)
class Wanted:
    """A module as declared. hosts: where to have it loaded besides those whose configuration enables it."""

    name: str
    source: str = ""
    version: str = ""
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pick:
    """A module of the set.

    files: None for one that lies where Prosody finds it already. needed_by: the module that needs it, "" when declared.
    """

    name: str
    source: str
    files: Files | None
    revision: str = ""
    needed_by: str = ""
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What to do. record: what the managed directory says afterwards. held: what takes effect with a restart only."""

    picks: Mapping[str, Pick]
    write: Mapping[str, Files] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)
    recorded: bool = True
    load: tuple[tuple[str, str], ...] = ()
    reload: tuple[str, ...] = ()
    unload: tuple[str, ...] = ()
    held: tuple[str, ...] = ()

    @property
    def files_change(self) -> bool:
        return bool(self.write or self.removed) or not self.recorded

    def __bool__(self) -> bool:
        return self.files_change or bool(self.load or self.reload or self.unload)


def resolve(wanted: Sequence[Wanted], offered: Sequence[Source], environment: Environment) -> dict[str, Pick]:
    """Return name → pick for the wanted modules and for all that they need.

    offered: the sources, the preferred one first.
    Raises ModuleSetError: naming everything that is wrong.
    """
    picks: dict[str, Pick] = {}
    problems: list[str] = []
    queue = [(each, "") for each in wanted]
    while queue:
        each, needed_by = queue.pop(0)
        if each.name in picks:
            if not needed_by:
                problems.append(f"mod_{each.name} is declared twice; remove one of the two.")
            continue
        try:
            pick = _pick(each, needed_by, offered, environment)
        except ModuleSetError as error:
            problems.append(str(error))
            continue
        if pick is None:
            continue
        picks[each.name] = pick
        if pick.files is None:
            continue
        says = code.read(pick.name, pick.files)
        problems += _unfit(pick, says, environment)
        known = {other.name for other, parent in queue}
        queue += [(Wanted(name), pick.name) for name in sorted(says.depends - known)]
    problems += _conflicts(picks)
    if problems:
        raise ModuleSetError(" ".join(problems))
    return picks


def _pick(each: Wanted, needed_by: str, offered: Sequence[Source], environment: Environment) -> Pick | None:
    """Return where to take one module from; None for what a module needs and Prosody has itself."""
    name = each.name
    if name in environment.core:
        if needed_by:
            return None
        raise ModuleSetError(
            f"mod_{name} is part of Prosody {environment.version or 'here'} itself: a copy would run instead of it, "
            "and never be updated. Take it off the list; modules_enabled is all that it needs."
        )
    candidates = [source for source in offered if each.source in ("", source.name)]
    if each.source and not candidates:
        raise ModuleSetError(
            f"mod_{name} is wanted from the source {each.source}, and there is no such one. "
            f"The sources are: {_listed(source.name for source in offered)}."
        )
    sure = [source for source in candidates if source.names is not None and name in source.names]
    if not sure and needed_by and any(name in names for names in environment.available.values()):
        return None
    # only asking tells whether these have it
    for source in sure or [source for source in candidates if source.names is None]:
        files = None if source.in_place else source.files(name)
        revision = source.version_of(name) if source.version_of else source.revision
        if each.version and each.version != revision:
            raise ModuleSetError(
                f"mod_{name}: the source {source.name} gives version {revision or 'unknown'}, "
                f"and {each.version} was wanted. Nothing was taken from it."
            )
        return Pick(name, source.name, files, revision, needed_by, each.hosts)
    by = f", which mod_{needed_by} needs," if needed_by else ""
    raise ModuleSetError(f"mod_{name}{by} is in none of the sources: {_listed(source.name for source in candidates)}.")


def _listed(names: Any) -> str:
    return ", ".join(names) or "there are none"


def _unfit(pick: Pick, says: code.Code, environment: Environment) -> list[str]:
    """What the headers of a module have against this Prosody."""
    problems = []
    if says.lua and environment.lua and environment.lua not in says.lua:
        problems.append(
            f"mod_{pick.name} is for Lua {_listed(sorted(says.lua))}, and Prosody runs on {environment.lua}."
        )
    twins = says.conflicts & environment.features
    if twins:
        problems.append(
            f"mod_{pick.name} conflicts with what this Prosody has itself: {_listed(sorted(twins))}. "
            "Take it off the list."
        )
    missing = says.requires - environment.features if environment.features else frozenset()
    if missing:
        problems.append(f"mod_{pick.name} requires what this Prosody does not have: {_listed(sorted(missing))}.")
    for token in sorted(says.conflicts - twins):
        if token.startswith("mod_") and environment.loaded_on(token[4:]):
            where = _listed(environment.loaded_on(token[4:]))
            problems.append(
                f"mod_{pick.name} conflicts with {token}, which is loaded on {where}. Disable one of the two."
            )
    return problems


def _conflicts(picks: Mapping[str, Pick]) -> list[str]:
    problems = []
    for pick in picks.values():
        says = code.read(pick.name, pick.files) if pick.files is not None else code.Code()
        for token in sorted(says.conflicts):
            if token.startswith("mod_") and token[4:] in picks:
                problems.append(f"mod_{pick.name} conflicts with {token}, which is wanted, too. Take one off the list.")
    return problems


def plan(
    picks: Mapping[str, Pick],
    installed: Mapping[str, Files],
    record: Mapping[str, Any],
    environment: Environment,
    server_path: str,
    purge: bool,
) -> Plan:
    """Return what brings the managed directory and the running server to the set.

    installed: the modules in the managed directory. record: what it says of them.
    server_path: the managed directory as the server sees it.
    Raises ModuleSetError: what would be removed is still enabled, or Prosody does not look into the directory.
    """
    kept = {name: pick for name, pick in picks.items() if pick.files is not None}
    write = {name: pick.files for name, pick in kept.items() if pick.files != installed.get(name) and pick.files}
    removed = tuple(sorted(name for name in installed if name not in kept)) if purge else ()
    # what lies there and stays though it is not in the set keeps what is said of it
    now = {name: entry for name, entry in record.items() if name in installed and name not in removed}
    now.update({name: _entry(pick) for name, pick in kept.items()})
    if kept and environment.running and server_path not in environment.plugin_paths:
        raise ModuleSetError(
            f"Prosody does not look for modules in {server_path}, but in {_listed(environment.plugin_paths)}. Put "
            f'plugin_paths = {{ "{server_path}" }} into its configuration and restart it, for a reload does not read '
            "that; or set manage_running to false to install the modules first."
        )
    _refuse_enabled(removed, environment, server_path)
    reload: list[str] = []
    held: list[str] = []
    for name in sorted({*picks, *removed}):
        stays = name in picks or environment.elsewhere(name, server_path)
        if stays and _runs_other_code(name, name in write or name in removed, name in kept, environment, server_path):
            (held if _HELD.match(name) else reload).append(name)
    return Plan(
        picks=picks,
        write=write,
        added=tuple(sorted(name for name in write if name not in installed)),
        removed=removed,
        record=now,
        recorded=now == record,
        load=tuple(_missing(picks, environment)),
        reload=tuple(reload),
        unload=tuple(
            name for name in removed if environment.loaded_on(name) and not environment.elsewhere(name, server_path)
        ),
        held=tuple(held),
    )


def _entry(pick: Pick) -> dict[str, str]:
    entry = {"source": pick.source, "revision": pick.revision, "sha256": code.digest(pick.files or {})}
    return {**entry, "needed_by": pick.needed_by} if pick.needed_by else entry


def _refuse_enabled(removed: Sequence[str], environment: Environment, server_path: str) -> None:
    enabled = [
        f"mod_{name} (on {_listed(environment.enabled_on(name))})"
        for name in removed
        if environment.enabled_on(name) and not environment.elsewhere(name, server_path)
    ]
    if enabled:
        raise ModuleSetError(
            f"These modules are in the set no more, but still enabled in the configuration: {_listed(enabled)}. "
            "Prosody would start without them. Take them out of modules_enabled first, or set purge to false."
        )


def _runs_other_code(name: str, changed: bool, managed: bool, environment: Environment, server_path: str) -> bool:
    """Whether a module is loaded, and not from the file that it shall be loaded from, or from a file that changes."""
    for host in environment.hosts.values():
        if name in host.loaded:
            ours = host.loaded[name].startswith(f"{server_path}/")
            if ours != managed or (changed and ours):
                return True
    return False


def _missing(picks: Mapping[str, Pick], environment: Environment) -> list[tuple[str, str]]:
    """(host, module) for what shall be loaded and is not."""
    everywhere = environment.hosts["*"].loaded if "*" in environment.hosts else {}
    result = []
    for name, pick in sorted(picks.items()):
        for host in pick.hosts:
            if environment.running and host not in environment.hosts:
                raise ModuleSetError(
                    f"mod_{name} is wanted on {host}, and there is no such host. Look at its spelling."
                )
        for host in sorted({*environment.enabled_on(name), *(pick.hosts if environment.running else ())}):
            if name not in environment.hosts[host].loaded and name not in everywhere:
                result.append((host, name))
    return result
