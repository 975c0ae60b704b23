# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which actions really apply a difference, and which of them disturb the least; pure.

What each kind of change needs was found by changing it under connected clients (docs/transactions.md holds the table);
who reads an option comes from Prosody's sources. Nothing here talks to anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_json import readable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.difference import (
    PASSWORD,
    Change,
    Difference,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import GLOBAL, Model

# read once, before any module is loaded (util/startup.lua, core/statsmanager.lua, net/server.lua, core/portmanager.lua)
_AT_START = frozenset(
    {
        "network_backend", "gc", "plugin_paths", "installer_plugin_path", "data_path", "pidfile", "umask",
        "statistics", "statistics_interval", "statistics_config", "use_ipv4", "use_ipv6", "network_default_read_size",
        "storage_async_check", "error_library", "run_as_root", "prosody_user", "prosody_group", "admin_socket",
        "strict_deprecate_is_admin", "client_https_ssl",
    }
)  # fmt: skip
# read when a host is activated (core/usermanager.lua, core/storagemanager.lua)
_AT_ACTIVATION = frozenset(
    {"storage", "default_storage", "authentication", "anonymous_login", "authorization", "admins", "admin"}
)
# applied by a reload of the configuration alone
_AT_RELOAD = frozenset(
    {"log", "debug", "syslog_facility", "network_settings", "unbound", "conflict_resolve", "force_module_reload"}
)
_CERTIFICATES = re.compile(
    r"^(tls_profile|certificates|certificate|ssl_compression|use_dane|ssl|\w+_ssl|\w+_certificate)$"
)
# read by the server at each reload, and by modules besides
_SERVER_AT_RELOAD = frozenset({"http_host"})
# how the readers of an option name the server itself
SERVER = ""
_PORTS = re.compile(r"^(?:(\w+)_)?(?:ports?|interfaces?)$")
# the modules that hold TLS contexts of their ports (a reload of the configuration alone leaves some of them stale)
_TLS_PORT_MODULES = ("c2s", "s2s", "http")
# waits for the same event as what it reads from (core/certmanager.lua), in no order, and may go on as before
_STARTTLS_MODULE = "tls"
# has the connections of the database take a new password at a reload (roles/prosody/files)
_TAKES_PASSWORD = "sql_reconnect"
# loaded by Prosody itself, whatever modules_enabled says
_IMPLICIT = re.compile(r"^(auth|authz|storage)_")


@dataclass(frozen=True)
class Action:
    """One step. action: write, config:reload, module:load|unload|reload, host:activate|deactivate, start or restart.

    target: the module or host (or "" for the server); hosts: where, for modules; why: for the operator.
    """

    action: str
    target: str
    why: str
    hosts: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        """The action as it appears in the module's result."""
        shown: dict[str, Any] = {"action": self.action, "target": self.target, "why": self.why}
        if self.hosts:
            shown["hosts"] = [readable(host) for host in self.hosts]
        return shown

    def __str__(self) -> str:
        where = f" on {', '.join(map(readable, self.hosts))}" if self.hosts else ""
        return f"{self.action}{' ' + self.target if self.target else ''}{where} ({self.why})"


@dataclass(frozen=True)
class Loaded:
    """What a running server has loaded.

    modules: host (and "*") → module → the modules it depends on. components: host → component module.
    services: prefix of a port's options ("c2s", "c2s_direct_tls", "http") → module that offers it.
    """

    modules: Mapping[str, Mapping[str, tuple[str, ...]]]
    components: Mapping[str, str | None] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)

    def has(self, host: str, module: str) -> bool:
        """Is the module there for the host, by itself or globally?"""
        return module in self.modules.get(host, {}) or module in self.modules.get(GLOBAL, {})

    def where(self, module: str) -> tuple[str, ...]:
        """The hosts that have the module, "*" first (the order in which Prosody's shell reloads)."""
        return tuple(sorted(host for host, modules in self.modules.items() if module in modules))


Readers = Callable[[str], Iterable[str]]


def concerns_tls(difference: Difference) -> bool:
    """Does the difference change which certificates are used, or how?"""
    return bool(difference.added) or any(_CERTIFICATES.match(change.option) for change in difference.changes)


def plan(
    difference: Difference,
    new: Model,
    loaded: Loaded | None,
    readers: Readers,
    *,
    certificates: bool = False,
    drift: bool = True,
) -> list[Action]:
    """The actions that bring a running server from its state to the new model.

    loaded: None when the server cannot be asked (then only a restart is certain to apply anything).
    readers: option → names of the modules that read it. certificates: files of certificates changed.
    drift: also load and unload what differs between configured and loaded without any change of the configuration.
    """
    if loaded is None:
        if difference or certificates:
            why = _reasons(difference, certificates)
            return [Action("restart", "", f"{why}; the admin socket cannot be reached, so only a restart applies it")]
        return []
    sorted_out = _sort(difference, new, loaded, readers)
    if sorted_out.restart:
        return [Action("restart", "", "; ".join(sorted_out.restart))]
    hosts = _host_actions(difference, new, loaded, sorted_out.cycle)
    untouched = [
        host for host in new.enabled() if host in loaded.modules and not any(item.target == host for item in hosts)
    ]
    modules = _module_actions(difference, new, loaded, untouched, drift)
    fresh = {(item.target, host) for item in modules if item.action != "module:reload" for host in item.hosts}
    reloads = dict(sorted_out.reload)
    if certificates or sorted_out.tls:
        why = "; ".join([*(["certificate files changed"] if certificates else []), *sorted_out.tls])
        for module in _TLS_PORT_MODULES:
            if module in loaded.modules.get(GLOBAL, {}):
                reloads.setdefault((module, GLOBAL), []).append(why)
        for host in untouched:
            if _STARTTLS_MODULE in loaded.modules[host]:
                reloads.setdefault((_STARTTLS_MODULE, host), []).append(why)
    modules += _reload_actions(reloads, fresh, loaded, untouched)
    reload_why = _reasons(difference, certificates) or (
        "hosts and modules differ from the configuration" if hosts else ""
    )
    if not reload_why and modules:
        reload_why = "loaded modules differ from the configuration"
    if not reload_why:
        return []
    return [Action("config:reload", "", reload_why), *hosts, *modules]


@dataclass
class _Sorted:
    restart: list[str] = field(default_factory=list)
    cycle: dict[str, list[str]] = field(default_factory=dict)
    tls: list[str] = field(default_factory=list)
    reload: dict[tuple[str, str], list[str]] = field(default_factory=dict)


def _sort(difference: Difference, new: Model, loaded: Loaded, readers: Readers) -> _Sorted:
    """Each changed option → what it needs."""
    result = _Sorted()
    for change in difference.changes:
        if change.option in ("modules_enabled", "modules_disabled") or change.option in _AT_RELOAD:
            continue
        if change.option == "sql" and change.kind == PASSWORD and _TAKES_PASSWORD in loaded.modules.get(GLOBAL, {}):
            continue
        affected = _affected(change, new, loaded)
        readers_here = set(readers(change.option))
        activation = change.option in _AT_ACTIVATION or any(name.startswith("authz_") for name in readers_here)
        if change.option in _AT_START or _storage_parameter(readers_here, loaded, affected):
            result.restart.append(f"{change}, which Prosody reads only when it starts")
        elif activation and (change.host == GLOBAL or any(new.component(host) is None for host in affected)):
            if change.host == GLOBAL:
                result.restart.append(f"{change}, which every host reads when it is activated")
            else:
                result.cycle.setdefault(change.host, []).append(str(change))
        elif activation:
            for host in affected:
                result.cycle.setdefault(host, []).append(str(change))
        elif _CERTIFICATES.match(change.option):
            result.tls.append(str(change))
        elif SERVER in readers_here and not _PORTS.match(change.option) and change.option not in _SERVER_AT_RELOAD:
            result.restart.append(f"{change}, which the server itself reads, as far as known only when it starts")
        else:
            for module in sorted(readers_here | _services(change.option, loaded)):
                _add_reload(result.reload, module, affected, loaded, str(change))
    return result


def _affected(change: Change, new: Model, loaded: Loaded) -> list[str]:
    """The hosts for which the changed option holds, "*" included for a global one."""
    if change.host != GLOBAL:
        return [change.host]
    return [
        GLOBAL,
        *(host for host in new.enabled() if host in loaded.modules and change.option not in new.hosts.get(host, {})),
    ]


def _storage_parameter(readers_here: set[str], loaded: Loaded, affected: list[str]) -> bool:
    return any(
        name.startswith("storage_") and any(name in loaded.modules.get(host, {}) for host in [GLOBAL, *affected])
        for name in readers_here
    )


def _services(option: str, loaded: Loaded) -> set[str]:
    """The modules whose ports the option places; `interfaces` without a prefix places all."""
    match = _PORTS.match(option)
    if not match:
        return set()
    prefix = match.group(1)
    if prefix in (None, "local"):
        return set(loaded.services.values())
    return {module for service, module in loaded.services.items() if service == prefix}


def _add_reload(
    reloads: dict[tuple[str, str], list[str]], module: str, affected: list[str], loaded: Loaded, why: str
) -> None:
    everywhere = module in loaded.modules.get(GLOBAL, {})
    hosts = [host for host in affected if host != GLOBAL and module in loaded.modules.get(host, {})]
    # the global part of a shared module reads its options once, for all hosts
    if everywhere and GLOBAL in affected:
        hosts = [GLOBAL, *hosts]
    for host in hosts:
        reasons = reloads.setdefault((module, host), [])
        if why not in reasons:
            reasons.append(why)


def _host_actions(difference: Difference, new: Model, loaded: Loaded, cycle: Mapping[str, list[str]]) -> list[Action]:
    wanted = new.enabled()
    running = [host for host in loaded.modules if host != GLOBAL]
    why_of = {host: "; ".join(reasons) + ", which a host reads when it is activated" for host, reasons in cycle.items()}
    for host in wanted:
        if host in running and (
            host in difference.retyped or loaded.components.get(host, new.component(host)) != new.component(host)
        ):
            why_of[host] = f"is now {_kind(new.component(host))}"
    off = [
        Action("host:deactivate", host, "is no longer in the configuration")
        for host in sorted(running, key=lambda name: (-name.count("."), name))
        if host not in wanted
    ]
    off += [
        Action("host:deactivate", host, why_of[host]) for host in reversed(wanted) if host in why_of and host in running
    ]
    on = [
        Action("host:activate", host, why_of.get(host) or f"is new in the configuration, {_kind(new.component(host))}")
        for host in wanted
        if host in why_of or host not in running
    ]
    return off + on


def _kind(component: str | None) -> str:
    return "a VirtualHost" if component is None else f'a Component "{component}"'


def _module_actions(difference: Difference, new: Model, loaded: Loaded, hosts: list[str], drift: bool) -> list[Action]:
    listed = {change.host for change in difference.changes if change.option in ("modules_enabled", "modules_disabled")}
    load: dict[str, list[str]] = {}
    wanted: dict[str, set[str]] = {GLOBAL: set()}
    for host in new.enabled():
        wanted[host] = {*new.modules(host), *filter(None, [new.component(host)])}
        wanted[GLOBAL] |= wanted[host]
    looked_at = [host for host in hosts if drift or GLOBAL in listed or host in listed]
    for host in looked_at:
        for module in sorted(wanted[host]):
            if not loaded.has(host, module):
                load.setdefault(module, []).append(host)
    unload: dict[str, list[str]] = {}
    for host, module in _superfluous(wanted, loaded, [*looked_at, GLOBAL] if looked_at else []):
        unload.setdefault(module, []).append(host)
    changed = bool(listed)
    why_load = "added to the modules" if changed else "configured but not loaded"
    why_unload = "removed from the modules" if changed else "loaded but not configured"
    return [
        *(Action("module:unload", module, why_unload, tuple(where)) for module, where in unload.items()),
        *(Action("module:load", module, why_load, tuple(where)) for module, where in sorted(load.items())),
    ]


def _superfluous(wanted: Mapping[str, set[str]], loaded: Loaded, hosts: list[str]) -> list[tuple[str, str]]:
    """What is loaded though neither the configuration nor a loaded module needs it, dependants before dependencies."""
    gone: list[tuple[str, str]] = []
    present = {host: dict(modules) for host, modules in loaded.modules.items()}
    while True:
        needed = {host: {need for needs in modules.values() for need in needs} for host, modules in present.items()}
        needed[GLOBAL] = set().union(*needed.values()) if needed else set()
        found = [
            (host, module)
            for host in hosts
            for module in sorted(present.get(host, {}))
            if module not in wanted[host] and module not in needed[host] and not _IMPLICIT.match(module)
        ]
        if not found:
            return gone
        for host, module in found:
            del present[host][module]
        gone += found


def _reload_actions(
    reloads: Mapping[tuple[str, str], list[str]],
    fresh: set[tuple[str, str]],
    loaded: Loaded,
    untouched: list[str],
) -> list[Action]:
    """One action for each module: all its hosts, "*" first; nothing for what is loaded or activated afresh anyway."""
    where: dict[str, list[str]] = {}
    why: dict[str, list[str]] = {}
    for (module, host), reasons in reloads.items():
        if (module, host) in fresh or (host != GLOBAL and host not in untouched):
            continue
        where.setdefault(module, []).append(host)
        known = why.setdefault(module, [])
        known.extend(reason for reason in reasons if reason not in known)
    return [
        Action("module:reload", module, "; ".join(why[module]), tuple(sorted(where[module])))
        for module in sorted(where)
    ]


def _reasons(difference: Difference, certificates: bool) -> str:
    """One line of what differs, without any value."""
    parts = [f"{host} added" for host in difference.added]
    parts += [f"{host} removed" for host in difference.removed]
    parts += [f"{host} is another kind of host" for host in difference.retyped]
    parts += [str(change) for change in difference.changes]
    if certificates:
        parts.append("certificate files changed")
    if len(parts) > 8:
        parts = [*parts[:7], f"{len(parts) - 7} more changes"]
    return "; ".join(parts)
