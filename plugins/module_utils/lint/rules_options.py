# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options: read at all, read here, of the right type and value."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.config import GLOBAL, Table
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.context import Context, shown
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.knowledge import (
    IMPLICIT,
    NEVER_READ,
    NEVER_READ_KEYS,
    nearest,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.registry import CORE, TOOL, Reader
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.source import GLOBAL as READ_GLOBAL
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.source import MODULE
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.values import (
    AMBIGUOUS,
    OUT_OF_RANGE,
    judge,
    number,
)


def _scope(context: Context, reader: Reader) -> str:
    """Where a reader looks: the global section, or that of a host."""
    scope = reader.read.scope
    if scope == MODULE:
        return READ_GLOBAL if reader.module not in (CORE, TOOL) and context.is_global(reader.module) else "host"
    return scope


def _loaded(context: Context, reader: Reader, host: str) -> bool:
    if reader.module in (CORE, TOOL) or host == GLOBAL:
        return reader.module in (CORE, TOOL) or reader.module in context.everywhere
    return reader.module in context.loaded[host] or reader.module in context.global_modules


def _names(modules: set[str]) -> str:
    listed = [f"mod_{name}" for name in sorted(modules)]
    return ", ".join(listed[:4]) + ("…" if len(listed) > 4 else "")


def check_options(context: Context) -> None:
    """Every option of every section."""
    for host, options in context.config.hosts.items():
        for option, value in sorted(options.items()):
            if option not in IMPLICIT:
                _check_option(context, host, option, value)


def _check_option(context: Context, host: str, option: str, value: Any) -> None:
    registry = context.registry
    if option in registry.obsolete:
        context.error(
            "obsolete-option",
            f"{option} was removed from Prosody and is not read",
            "remove it",
            host=host,
            option=option,
        )
        return
    readers = registry.readers(option)
    if not readers and option in context.config.used:
        return  # a variable of the configuration
    if not readers:
        absent = "" if option in NEVER_READ else _absent_module(context, option)
        if absent:
            context.warning(
                "unread-option",
                f"{option} is read by nothing that is installed; it may belong to mod_{absent}, which is not",
                host=host,
                option=option,
            )
            return
        hint = NEVER_READ.get(option, "")
        if not hint:
            near = nearest(option, registry.names)
            hint = f"did you mean {near}?" if near else ""
            if option in registry.modules:
                hint = f'mod_{option} is a module: add "{option}" to modules_enabled'
        context.error(
            "unread-option",
            f"{option} is read by nothing in this Prosody or its modules",
            hint,
            host=host,
            option=option,
        )
        return
    if option in registry.deprecated:
        context.warning(
            "deprecated-option", f"{option} is deprecated", registry.deprecated[option], host=host, option=option
        )
    if any(reader.module != TOOL for reader in readers):
        by_modules = [reader for reader in readers if reader.module != TOOL]
        if all(reader.module for reader in by_modules):
            readers = by_modules
    loaded = [reader for reader in readers if _loaded(context, reader, host)]
    if not loaded:
        _not_enabled(context, host, option, readers)
        return
    if host != GLOBAL and all(_scope(context, reader) == READ_GLOBAL for reader in loaded):
        context.error(
            "wrong-scope",
            f"{option} is read from the global section only, on a host it has no effect",
            "move it above the first VirtualHost or Component",
            host=host,
            option=option,
        )
        return
    if host != GLOBAL and option in registry.global_only:
        context.error(
            "wrong-scope",
            f"{option} belongs into the global section",
            "move it above the first VirtualHost or Component; prosodyctl check config refuses it here",
            host=host,
            option=option,
        )
    _check_value(context, host, option, value, loaded)


def _absent_module(context: Context, option: str) -> str:
    """The module that is enabled, not installed, and whose name the option begins with."""
    enabled = {name for names in context.loaded.values() for name in names if name not in context.registry.modules}
    return max((name for name in enabled if option.startswith(f"{name}_")), key=len, default="")


def _not_enabled(context: Context, host: str, option: str, readers: list[Reader]) -> None:
    modules = {reader.module for reader in readers}
    somewhere = modules & context.everywhere
    message = f"{option} belongs to {_names(modules)}, which is not enabled" + (
        "" if host == GLOBAL else " on this host"
    )
    if somewhere and host != GLOBAL:
        hosts = sorted(name for name, loaded in context.loaded.items() if loaded & somewhere)
        hint = f"it is loaded on {', '.join(hosts[:3])}: move the option there, or enable the module here"
    else:
        one = sorted(modules)[0]
        prefix = one.split("_", 1)[0]
        what = one.split("_", 1)[-1]
        hint = {
            "auth": f'it counts with authentication = "{what}"',
            "storage": f'it counts with default_storage = "{what}"',
        }.get(prefix, f'add "{one}" to modules_enabled, or remove the option')
    # a port that is written down and that nobody will listen on is no preparation but a mistake
    port = any(reader.read.kind == "ports" for reader in readers) and _something(context.config.get(host, option))
    (context.error if port else context.warning)("module-not-enabled", message, hint, host=host, option=option)


def _something(value: Any) -> bool:
    return bool(value.pairs) if isinstance(value, Table) else value is not None


def _check_value(context: Context, host: str, option: str, value: Any, readers: list[Reader]) -> None:
    reported = set()
    for reader in readers:
        verdict = judge(value, reader.read)
        if verdict is None or verdict in reported:
            continue
        reported.add(verdict)
        code, expected = verdict
        if any(known[0] == code for known in reported - {verdict}):
            continue
        # a number out of range has a meaning all the same, but a port that cannot be had leaves the service without it
        bent = code in (OUT_OF_RANGE, AMBIGUOUS) and reader.read.kind != "ports"
        severity = context.warning if bent else context.error
        who = f"mod_{reader.module}" if reader.module else "Prosody"
        severity(
            code, f"{option} is {shown(option, value)}, but {who} expects {expected}", "", host=host, option=option
        )


def check_keys(context: Context) -> None:
    """Keys inside options that are tables, where every key is known."""
    for host, options in context.config.hosts.items():
        for option, value in sorted(options.items()):
            if isinstance(value, Table):
                _check_keys(context, host, option, value)


def _check_keys(context: Context, host: str, option: str, value: Table) -> None:
    known = _keys_of_server(context, option, value)
    if known is None:
        reads = [reader.read for reader in context.registry.readers(option) if _loaded(context, reader, host)]
        if reads and all(read.keys for read in reads):
            known = frozenset().union(*(read.keys or frozenset() for read in reads))
    if known is not None:
        for key in value.named:
            if key not in known and key.isidentifier():  # ssl takes ports and addresses as keys too
                _unread_key(context, host, option, key, known, option)
    inner = context.registry.keys.get(f"{option}[]")
    if inner:
        for index, item in value.pairs:
            if isinstance(item, Table) and isinstance(index, int):
                for key in item.named:
                    if key not in inner:
                        _unread_key(context, host, option, key, inner, f"{option}[{index}]")
    inner = context.registry.keys.get(f"{option}.*")
    if inner:
        for name, item in value.named.items():
            if isinstance(item, Table) and (known is None or name in known):
                for key in item.named:
                    if key not in inner:
                        _unread_key(context, host, option, key, inner, f"{option}.{name}", f"{option}.*", name)


def _keys_of_server(context: Context, option: str, value: Table) -> frozenset[str] | None:
    """Keys of a table that the server itself takes; some depend on what else is chosen."""
    keys = context.registry.keys
    section = context.config.hosts.get(GLOBAL, {})
    if option == "network_settings":
        backend = section.get("network_backend", "event" if section.get("use_libevent") else "epoll")
        return keys.get(f"network_settings:{backend}")
    if option == "gc":
        return keys.get(f"gc:{value.named['mode']}" if "mode" in value.named else "gc")
    if option == "statistics_config":
        return keys.get(f"statistics_config:{section.get('statistics')}")
    if any(reader.read.kind == "ssl" for reader in context.registry.readers(option)):
        return keys.get("ssl")
    return keys.get(option)


def _unread_key(
    context: Context,
    host: str,
    option: str,
    key: str,
    known: frozenset[str],
    path: str,
    table: str = "",
    outer: str = "",
) -> None:
    hint = NEVER_READ_KEYS.get(table or option, {}).get(key, "")
    if not hint:
        near = nearest(key, known, 0.6)
        hint = f"did you mean {near}?" if near else "known keys: " + ", ".join(sorted(known)[:12])
    context.error(
        "unread-key",
        f"{path}.{key} is read by nothing",
        hint,
        host=host,
        option=f"{path}.{key}",
        keys=(outer, key) if outer else (key,),
    )


_RATE = re.compile(r"\d+ ?[bkmgt][^/]*/s", re.IGNORECASE)
_BURST = re.compile(r"\d+ ?s")


def check_limits(context: Context) -> None:
    """Rates and bursts (modules/mod_limits.lua: parse_rate, parse_burst)."""
    if "limits" not in context.everywhere:
        return
    for host, options in context.config.hosts.items():
        limits = options.get("limits")
        for kind, limit in limits.named.items() if isinstance(limits, Table) else ():
            if kind not in context.registry.keys.get("limits", {kind}):
                continue  # reported as a key that nothing reads
            if not isinstance(limit, Table):
                context.error(
                    "wrong-type",
                    f"limits.{kind} is no table",
                    'write { rate = "10kb/s" }',
                    host=host,
                    option=f"limits.{kind}",
                    keys=(kind,),
                )
                continue
            rate, burst = limit.named.get("rate"), limit.named.get("burst")
            if not isinstance(rate, str) or not _RATE.fullmatch(rate):
                context.error(
                    "wrong-value",
                    f"limits.{kind}.rate is {shown('rate', rate) if rate is not None else 'not set'}:"
                    " mod_limits falls back to 3 kB/s",
                    'write a rate such as "10kb/s"',
                    host=host,
                    option=f"limits.{kind}.rate",
                    keys=(kind, "rate"),
                )
            if burst is not None and number(burst) is None and not (isinstance(burst, str) and _BURST.fullmatch(burst)):
                context.error(
                    "wrong-value",
                    f"limits.{kind}.burst is {shown('burst', burst)}: mod_limits does not understand it",
                    'write seconds, "2s"',
                    host=host,
                    option=f"limits.{kind}.burst",
                    keys=(kind, "burst"),
                )


def check_log(context: Context) -> None:
    """Sinks and levels of the log (core/loggingmanager.lua)."""
    registry = context.registry
    value = context.config.hosts.get(GLOBAL, {}).get("log")
    if not registry.levels or not registry.sinks:
        return
    for key, item in value.pairs if isinstance(value, Table) else (("", value),):
        if isinstance(item, str):
            if item.startswith("*"):
                _sink(context, item[1:], key)
        elif isinstance(item, Table):
            _sink(context, item.named.get("to"), key)
            levels = item.named.get("levels")
            named = (
                [*levels.items, levels.named.get("min"), levels.named.get("max")]
                if isinstance(levels, Table)
                else [levels]
            )
            for level in named:
                if isinstance(level, str) and level not in registry.levels:
                    context.error(
                        "wrong-value",
                        f'log: "{level}" is no level, nothing is logged for it',
                        "one of " + ", ".join(registry.levels),
                        option="log",
                    )


def _sink(context: Context, name: Any, key: Any) -> None:
    if not isinstance(name, str) or name not in context.registry.sinks:
        context.error(
            "wrong-value",
            f"log: {shown('log', name) if name is not None else 'an entry without to'} is no place to log to",
            "one of " + ", ".join(sorted(context.registry.sinks)),
            option="log",
            keys=(key,) if isinstance(key, str) and key else (),
        )
