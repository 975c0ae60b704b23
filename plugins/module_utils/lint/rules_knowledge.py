# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether there is anything to check against: a check without knowledge says so, it does not pass.

Prosody moves what the registry reads from file to file (the TLS profiles did in 13.0.7). Then a rule would find nothing
wrong because it knows nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.config import GLOBAL
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.context import Context
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.registry import Registry


@dataclass(frozen=True)
class Needed:
    """Something a rule must know.

    option: the option it judges, "" for what every configuration needs; what, files: in words, for the operator;
    least: how many of them there are in every Prosody 13.0
    """

    option: str
    what: str
    files: str
    known: Callable[[Registry], Sized]
    least: int = 1


def _keys(name: str) -> Callable[[Registry], Sized]:
    return lambda registry: registry.keys.get(name, ())


NEEDED = (
    Needed("", "options", "the sources", lambda registry: registry.options, 4),
    Needed("", "modules", "the plugin directories", lambda registry: registry.modules),
    Needed(
        "", "modules that load by themselves", "core/modulemanager.lua", lambda registry: registry.loading.automatic
    ),
    Needed("", "modules of Components", "core/modulemanager.lua", lambda registry: registry.loading.inheritable),
    Needed("", "options of the global section", "util/prosodyctl/check.lua", lambda registry: registry.global_only),
    Needed("", "removed options", "util/prosodyctl/check.lua", lambda registry: registry.obsolete),
    Needed("", "deprecated options", "util/prosodyctl/check.lua", lambda registry: registry.deprecated),
    Needed("", "features", "core/features.lua", lambda registry: registry.features),
    Needed(
        "tls_profile", "profiles", "core/certmanager.lua and util/tlsref.lua", lambda registry: registry.tls_profiles
    ),
    Needed(
        "tls_profile_version",
        "profiles",
        "core/certmanager.lua and util/tlsref.lua",
        lambda registry: registry.tls_profiles,
    ),
    Needed("statistics", "providers", "core/statsmanager.lua", lambda registry: registry.statistics_providers),
    Needed("network_backend", "backends", "net/", lambda registry: registry.backends),
    Needed("log", "levels", "core/loggingmanager.lua", lambda registry: registry.levels),
    Needed("log", "sinks", "core/loggingmanager.lua", lambda registry: registry.sinks),
    Needed("log", "keys", "core/loggingmanager.lua", _keys("log[]")),
    Needed("limits", "keys", "mod_limits", _keys("limits")),
    Needed("limits", "keys of its tables", "mod_limits", _keys("limits.*")),
    Needed("sql", "keys", "mod_storage_sql", _keys("sql")),
    Needed("gc", "keys", "util/gc.lua", _keys("gc")),
    Needed("network_settings", "keys", "net/server_epoll.lua", _keys("network_settings:epoll")),
    Needed("statistics_config", "keys", "util/statsd.lua", _keys("statistics_config:statsd")),
)


def unknown(registry: Registry) -> list[Needed]:
    """What is needed and was not found in the sources."""
    return [need for need in NEEDED if len(need.known(registry)) < need.least]


def check_knowledge(context: Context) -> None:
    """Say what of this configuration cannot be checked."""
    section = context.config.hosts.get(GLOBAL, {})
    for need in unknown(context.registry):
        if need.option and need.option not in section:
            continue
        module = need.files.removeprefix("mod_")
        if need.files.startswith("mod_") and module not in context.everywhere:
            continue  # said as an option of a module that is not enabled
        context.error(
            "nothing-to-check",
            f"cannot check {need.option or 'this configuration'}: found no {need.what} in {need.files} of Prosody"
            f" {context.registry.version or 'as installed'}",
            "this Prosody is laid out in a way the collection does not know; a newer collection may, and with this code"
            " accepted the configuration is applied unchecked in this point",
            option=need.option,
        )
