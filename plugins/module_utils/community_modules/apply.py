# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carrying out a plan: files and running server together, or neither."""

from __future__ import annotations

import functools
from collections.abc import Callable

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.code import ModuleSetError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.environment import Environment
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.planner import Plan
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.server import Server
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.store import Change, Store
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError


def apply(plan: Plan, store: Store, server: Server | None, before: Environment, server_path: str) -> None:
    """Bring files and server into the planned state.

    server: None when there is none to tell; then only files change.
    Raises ModuleSetError: what was seen; files and loaded modules are as they were, or the text says what is not.
    """
    change = None
    touched: list[str] = []
    if server:
        server.remember()
    try:
        if plan.files_change:
            change = store.begin(plan.write, frozenset(plan.removed), plan.record)
        if server:
            _check_found(plan, server, server_path)
            _run(plan, server, touched)
            _check_lost(plan, server.environment(), before)
    except XmppError as error:
        left = _undo(change, server, touched)
        raise ModuleSetError(f"{error} {left}") from error
    if change:
        change.commit()


def _check_found(plan: Plan, server: Server, server_path: str) -> None:
    """Let the server look for each module of the set: does it parse, and is it ours that is found first?"""
    for name, found in sorted(server.find(sorted(plan.picks)).items()):
        if "error" in found:
            raise ModuleSetError(f"Prosody cannot load mod_{name}: {found['error']}.")
        if plan.picks[name].files is not None and not found["path"].startswith(f"{server_path}/"):
            raise ModuleSetError(
                f"Prosody would load mod_{name} from {found['path']}, which it looks into before {server_path}. "
                "Remove that file."
            )


def _run(plan: Plan, server: Server, touched: list[str]) -> None:
    for name in plan.unload:
        server.unload(name)
    for name in plan.reload:
        touched.append(name)
        server.reload(name)
    for host, name in plan.load:
        server.load(host, name)


def _check_lost(plan: Plan, now: Environment, before: Environment) -> None:
    """Unloading a module unloads what needs it: nothing else may be lost."""
    lost = [
        f"mod_{name} on {host}"
        for host, modules in sorted(before.hosts.items())
        for name in sorted(modules.loaded)
        if name not in plan.unload and host in now.hosts and name not in now.hosts[host].loaded
    ]
    if lost:
        raise ModuleSetError(f"These modules were lost on the way, for they need what was changed: {', '.join(lost)}.")


def _undo(change: Change | None, server: Server | None, touched: list[str]) -> str:
    """Put files, then modules back; return a sentence on how that went."""
    failed = []
    if change is not None:
        try:
            change.undo()
        except OSError as error:
            failed.append(f"the files: {error}")
    if server:
        steps: list[Callable[[], None]] = [functools.partial(server.reload, name) for name in touched]
        for step in (*steps, server.restore):
            try:
                step()
            except XmppError as error:
                failed.append(str(error))
    if failed:
        return f"Not everything could be put back: {' '.join(failed)} Restart Prosody once its files are in order."
    return "Everything was put back as it was."
