# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Modules, providers and storage: everything that is named in a configuration and must exist on the machine."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.config import GLOBAL, Config, Opaque, Table
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.context import Context, drivers, shown, strings
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.expressions import Joined
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.knowledge import (
    NEVER_READ_KEYS,
    REPLACED_MODULES,
    nearest,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.libraries import exists, search
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.registry import Registry
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.source import OptionValue
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.values import number


def check_modules(context: Context) -> None:
    """Names in modules_enabled, modules_disabled and Component lines."""
    for host, options in context.config.hosts.items():
        for option in ("modules_enabled", "modules_disabled"):
            value = options.get(option)
            if value is None:
                continue
            _check_list(context, host, option, value)
            for name in strings(value):
                _check_module(context, host, option, name)
        component = context.config.component(host)
        if not component or host == GLOBAL:
            continue
        if component not in context.registry.modules:
            near = nearest(component, context.registry.modules)
            context.error(
                "unknown-module",
                f"Component {host} wants mod_{component}, which is not on the plugin path",
                f'did you mean "{near}"?' if near else "install it, or put its directory into plugin_paths",
                host=host,
                option="component_module",
            )
        else:
            _check_loadable(context, host, "component_module", component)


def _check_list(context: Context, host: str, option: str, value: Any) -> None:
    if isinstance(value, Opaque):
        return  # reported as such
    if not isinstance(value, Table):
        context.error("wrong-type", f"{option} is no list", f'write {option} = {{ "…" }}', host=host, option=option)
    elif value.named or any(not isinstance(item, str) for item in value.values):
        context.error(
            "wrong-type",
            f"{option} holds something else than names of modules",
            "options do not belong inside its braces",
            host=host,
            option=option,
        )


def _check_module(context: Context, host: str, option: str, name: str) -> None:
    registry = context.registry
    if name not in registry.modules:
        hint = ""
        bare = name[4:] if name.startswith("mod_") else name
        if bare != name and bare in registry.modules:
            hint = f'write "{bare}", without mod_'
        elif name in REPLACED_MODULES:
            hint = (
                f'use "{REPLACED_MODULES[name]}" instead'
                if REPLACED_MODULES[name]
                else "remove it, nothing is needed any more"
            )
        else:
            near = nearest(name, registry.modules)
            hint = f'did you mean "{near}"?' if near else "install it, or put its directory into plugin_paths"
        context.error(
            "unknown-module",
            f"mod_{bare} is not on the plugin path",
            hint,
            host=host,
            option=option,
            keys=(name,),
            subject=name,
        )
        return
    if option == "modules_disabled":
        return
    for prefix, setting in (("auth_", "authentication"), ("storage_", "default_storage")):
        if name.startswith(prefix) and any(
            kind == prefix[:-1] for kind, _name in registry.modules[name].facts.provides
        ):
            context.warning(
                "provider-as-module",
                f"mod_{name} is selected by {setting}, not by modules_enabled",
                f'remove it and write {setting} = "{name[len(prefix) :]}"',
                host=host,
                option=option,
                keys=(name,),
                subject=name,
            )
    if name in REPLACED_MODULES:
        target = REPLACED_MODULES[name]
        context.warning(
            "replaced-module",
            f"mod_{name} has been replaced" if target else f"mod_{name} is not needed any more",
            f'use "{target}" instead' if target else "remove it",
            host=host,
            option=option,
            keys=(name,),
            subject=name,
        )
    shadowed = registry.modules[name].shadows
    if shadowed:
        context.warning(
            "shadowed-module",
            f"mod_{name} exists more than once: {registry.modules[name].path} is loaded, {shadowed[0]} is not",
            "remove the copy that is not meant; a module that Prosody brings itself needs no community copy",
            host=host,
            option=option,
            keys=(name,),
            subject=name,
        )
    _check_host_type(context, host, name)
    _check_loadable(context, host, option, name)


def _check_host_type(context: Context, host: str, name: str) -> None:
    wanted = context.registry.modules[name].facts.host_type
    kinds = {where: context.config.component(where) for where in context.loaded if host in (where, GLOBAL)}
    # components take only a few modules from the global list
    types = {
        "component" if kind else "local"
        for kind in kinds.values()
        if not kind or host != GLOBAL or name in context.registry.inherited(kind)
    }
    if wanted and types - {wanted}:
        context.error(
            "wrong-host-type",
            f"mod_{name} works on a {'Component' if wanted == 'component' else 'VirtualHost'} only",
            f'enable it there: Component "…" "{name}"' if wanted == "component" else "enable it there",
            host=host,
            option="modules_enabled",
            keys=(name,),
            subject=name,
        )


def _check_loadable(context: Context, host: str, option: str, name: str) -> None:
    module = context.registry.modules[name]
    keys = (name,) if option == "modules_enabled" else ()
    if module.refused:
        context.error(
            "unloadable-module",
            f"mod_{name} is not loaded by this Prosody: {module.refused}",
            host=host,
            option=option,
            keys=keys,
            subject=name,
        )
        return
    for needed in sorted(module.facts.depends):
        if needed not in context.registry.modules:
            context.error(
                "missing-dependency",
                f"mod_{name} depends on mod_{needed}, which is not on the plugin path",
                "install it",
                host=host,
                option=option,
                keys=keys,
                subject=name,
            )
    for needed in sorted(module.facts.requires):
        if not exists(needed, f"{context.config.lua_path};{context.config.lua_cpath}"):
            context.error(
                "missing-dependency",
                f'mod_{name} needs the Lua library "{needed}", which is not installed for Lua {context.config.lua}',
                "install the package that brings it",
                host=host,
                option=option,
                keys=keys,
                subject=name,
            )


def check_providers(context: Context) -> None:
    """authentication, authorization, default_storage, storage, statistics, tls_profile."""
    config, registry = context.config, context.registry
    for host, options in config.hosts.items():
        for option, prefix, builtin in (
            ("authentication", "auth_", {"null"}),
            ("authorization", "authz_", set()),
            ("default_storage", "storage_", {"null"}),
        ):
            value = options.get(option)
            if isinstance(value, str):
                _check_provider(context, host, option, prefix, value, builtin)
        storage = options.get("storage")
        if isinstance(storage, str):
            _check_provider(context, host, "storage", "storage_", storage, {"null"})
        elif isinstance(storage, Table):
            _check_stores(context, host, storage)
    _check_tls_profile(context)
    statistics = config.hosts.get(GLOBAL, {}).get("statistics")
    if (
        isinstance(statistics, str)
        and not statistics.startswith(":")
        and registry.statistics_providers
        and statistics not in registry.statistics_providers
    ):
        context.error(
            "unknown-provider",
            f'statistics = "{statistics}": there is no such provider, nothing is measured',
            "one of " + ", ".join(registry.statistics_providers),
            option="statistics",
        )


def _check_tls_profile(context: Context) -> None:
    """tls_profile and tls_profile_version (core/certmanager.lua, util/tlsref.lua)."""
    section, known = context.config.hosts.get(GLOBAL, {}), context.registry.tls_profiles
    version, profile = section.get("tls_profile_version"), section.get("tls_profile")
    if not known:
        return  # said by check_knowledge
    versioned = [name for name in known if name]
    if version is not None and versioned and version not in known:
        context.error(
            "wrong-value",
            f"tls_profile_version is {shown('tls_profile_version', version)}: no TLS connection succeeds with it",
            "one of " + ", ".join(f'"{name}"' for name in versioned),
            option="tls_profile_version",
        )
        return
    chosen = str(version) if version is not None and versioned else context.registry.tls_profile_version
    profiles = known.get(chosen, ())
    if profile is not None and profile not in profiles:
        context.error(
            "wrong-value",
            f"tls_profile is {shown('tls_profile', profile)}: with an unknown profile no TLS connection succeeds",
            f"one of {', '.join(profiles)}" + (f" in version {chosen}" if chosen else ""),
            option="tls_profile",
        )


def check_sql(context: Context) -> None:
    """Driver of the SQL storage: known to LuaDBI, and its library installed (util/sql.lua, util/sqlite3.lua)."""
    templates = f"{context.config.lua_path};{context.config.lua_cpath}"
    dbi = search("DBI", templates)
    known = re.findall(r"(\w+) = 'dbd\.\w+'", dbi.read_text(encoding="utf-8", errors="replace")) if dbi else []
    for host, options in context.config.hosts.items():
        value = options.get("sql")
        users = [name for name in context.loaded if host in (GLOBAL, name) and "sql" in drivers(context.config, name)]
        if not isinstance(value, Table) or not users:
            continue
        driver = value.named.get("driver")
        if not isinstance(driver, str) or (known and driver not in known):
            context.error(
                "wrong-value",
                f"sql.driver is {shown('driver', driver) if driver is not None else 'not set'}",
                'one of "PostgreSQL", "SQLite3", "MySQL"',
                host=host,
                option="sql.driver",
                keys=("driver",),
            )
        elif not any(exists(name, templates) for name in _driver_libraries(driver)):
            context.error(
                "missing-dependency",
                f"The Lua library for {driver} is not installed for Lua {context.config.lua}",
                f"install lua-dbi-{driver.lower()}",
                host=host,
                option="sql.driver",
                keys=("driver",),
            )


def _driver_libraries(driver: str) -> list[str]:
    return [f"dbd.{driver.lower()}", f"dbd{driver.lower()}", *(["lsqlite3"] if driver == "SQLite3" else [])]


def _known(context: Context, prefix: str) -> list[str]:
    return sorted(name[len(prefix) :] for name in context.registry.modules if name.startswith(prefix))


def _check_provider(
    context: Context, host: str, option: str, prefix: str, value: str, builtin: set[str], key: str = ""
) -> None:
    if value in builtin:
        return
    if f"{prefix}{value}" in context.registry.modules:
        _check_loadable(context, host, option, f"{prefix}{value}")
        return
    known = _known(context, prefix)
    near = nearest(value, known, 0.6)
    context.error(
        "unknown-provider",
        f'{option}{"." + key if key else ""} = "{value}": there is no mod_{prefix}{value}',
        f'did you mean "{near}"?' if near else "installed: " + ", ".join(known),
        host=host,
        option=f"{option}.{key}" if key else option,
        keys=(key,) if key else (),
    )


_LISTS, _TEXTS, _TABLES = (
    ("plugin_paths",),
    ("installer_plugin_path", "data_path", "pidfile"),
    ("network_settings", "gc", "sql"),
)


def check_server(context: Context) -> None:
    """Options that the server itself takes unseen, and stumbles over (util/startup.lua, net/server.lua)."""
    section = context.config.hosts.get(GLOBAL, {})
    for options, fits, what in (
        (_LISTS, Table, "a list"),
        (_TEXTS, str, "a text"),
        (_TABLES, Table, "a table"),
    ):
        for option in options:
            value = section.get(option)
            if value is not None and not isinstance(value, fits):
                context.error(
                    "wrong-type", f"{option} is {shown(option, value)}, but Prosody expects {what}", option=option
                )
    backend = section.get("network_backend")
    backends = context.registry.backends
    if backend is not None and backend not in backends:
        context.error(
            "wrong-value",
            f"network_backend is {shown('network_backend', backend)}: Prosody does not start with it",
            "one of " + ", ".join(backends),
            option="network_backend",
        )
    interval = section.get("statistics_interval")
    if interval is not None and interval != "manual" and number(interval) is None:
        context.error(
            "wrong-value",
            f"statistics_interval is {shown('statistics_interval', interval)}: nothing is measured",
            'a number of seconds, or "manual"',
            option="statistics_interval",
        )


def stores(context: Context, config: Config, hosts: list[str]) -> tuple[set[str], bool]:
    """Stores that the modules of these hosts open, and whether one of them opens stores whose names cannot be told."""
    found = {"roster", "accounts"}
    unknown = False
    for host in hosts:
        for name in context.loaded.get(host, set()) | context.global_modules:
            module = context.registry.modules.get(name)
            for store, _kind in module.facts.stores if module else ():
                if isinstance(store, str):
                    found.add(store)
                elif isinstance(store, OptionValue):
                    chosen = config.get(host, store.name, store.default)
                    if isinstance(chosen, str):
                        found |= {chosen, f"{chosen}_prefs"}
                elif not isinstance(store, Joined):
                    unknown = True
    return found, unknown


def store_owners(registry: Registry) -> dict[str, str]:
    """Store → the module that opens it; of several the shortest name, which is the module the others extend."""
    found: dict[str, str] = {}
    for name in sorted(registry.modules, key=len, reverse=True):
        for store, _kind in registry.modules[name].facts.stores:
            known = store.default if isinstance(store, OptionValue) else store
            if isinstance(known, str):
                found[known] = name
    return found


def _check_stores(context: Context, host: str, storage: Table) -> None:
    hosts = [name for name in context.loaded if host in (GLOBAL, name)]
    opened, unknown = stores(context, context.config, hosts)
    everything = store_owners(context.registry)
    for key, driver in storage.named.items():
        if isinstance(driver, str):
            _check_provider(context, host, "storage", "storage_", driver, {"null"}, key)
        else:
            context.error(
                "wrong-type",
                f"storage.{key} is no name of a storage driver",
                "",
                host=host,
                option=f"storage.{key}",
                keys=(key,),
            )
        if key in opened or (unknown and key not in NEVER_READ_KEYS["storage"]):
            continue
        hint = NEVER_READ_KEYS["storage"].get(key, "")
        if key in everything:
            hint = f"it belongs to mod_{everything[key]}, which is not enabled{'' if host == GLOBAL else ' here'}"
        elif not hint:
            near = nearest(key, opened | set(everything))
            hint = f"did you mean {near}?" if near else "remove it"
        context.error(
            "unread-store",
            f'storage.{key}: no module that is enabled opens a store "{key}"',
            hint,
            host=host,
            option=f"storage.{key}",
            keys=(key,),
        )
    if storage.items:
        context.error(
            "wrong-type",
            "storage is a list; it maps stores to drivers",
            'write storage = { archive = "sql" }',
            host=host,
            option="storage",
        )


__all__ = ["check_modules", "check_providers", "check_server", "check_sql", "store_owners", "stores"]
