# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a configuration says, as data: hosts → options → values, read by Prosody's own configuration manager.

The same Lua encoder (prosody/lua_json.py) runs in a throw-away interpreter (a file on disk) and inside the server (what
it runs now), so that both can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_json import readable

GLOBAL = "*"


class ConfigUnreadable(XmppError):
    """The configuration cannot be parsed, or is no file; the text is Prosody's own."""


@dataclass(frozen=True)
class Model:
    """One configuration. hosts["*"] holds the global options; files: every file that was read.

    automatic: modules that every host gets; inherited: module of a component → what its component takes from the
    global list. Both are read off the installed sources (lint/loading.py), and empty where nobody did.
    """

    hosts: Mapping[str, Mapping[str, Any]]
    files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    automatic: frozenset[str] = frozenset()
    inherited: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def enabled(self) -> list[str]:
        """The hosts and components that are switched on, parents first (Prosody: core/hostmanager.lua)."""
        found = [name for name, options in self.hosts.items() if name != GLOBAL and options.get("enabled") is not False]
        return sorted(found, key=lambda name: (self.component(name) is not None, name.count("."), name))

    def component(self, host: str) -> str | None:
        """The component's module, None for a VirtualHost."""
        return self.hosts.get(host, {}).get("component_module")

    def get(self, host: str, option: str, default: Any = None) -> Any:
        """The option as it holds for the host: its own value, else the global one."""
        for options in (self.hosts.get(host, {}), self.hosts.get(GLOBAL, {})):
            if option in options:
                return options[option]
        return default

    def modules(self, host: str) -> frozenset[str]:
        """The modules Prosody is to load for the host (get_modules_for_host of core/modulemanager.lua)."""
        everywhere = self.hosts.get(GLOBAL, {})
        own = self.hosts.get(host, {})
        wanted = (self.automatic | names(everywhere.get("modules_enabled"))) - names(everywhere.get("modules_disabled"))
        component = self.component(host)
        if component:
            wanted &= self.inherited.get(component, frozenset())
        wanted = (wanted | names(own.get("modules_enabled"))) - names(own.get("modules_disabled"))
        if {"vcard", "vcard_legacy"} <= wanted:
            wanted -= {"vcard"}
        return frozenset(wanted)


def names(value: Any) -> frozenset[str]:
    """The texts of an option that is a list."""
    if isinstance(value, Mapping):  # a list with a hole, or an empty table
        value = list(value.values())
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()


def from_json(data: Mapping[str, Any]) -> Model:
    """The decoded answer of the encoder ({hosts, files, warnings}) → Model."""
    hosts = {
        name: dict(options) if isinstance(options, Mapping) else {} for name, options in dict(data["hosts"]).items()
    }
    hosts.setdefault(GLOBAL, {})
    return Model(hosts, tuple(data.get("files") or ()), tuple(data.get("warnings") or ()))


def judged(answer: Mapping[str, Any], path: str) -> Model:
    """The answer of the reader about a file → Model; raises ConfigUnreadable with Prosody's words."""
    if "fatal" in answer:
        raise ConfigUnreadable(f"Cannot read {path}: Prosody's libraries do not load: {readable(answer['fatal'])}")
    if "error" in answer:
        reason = readable(str(answer["error"]))
        if answer["level"] == "parser":
            raise ConfigUnreadable(f"Prosody cannot parse the configuration: {reason}")
        raise ConfigUnreadable(f"Prosody cannot read {path}: {reason}")
    return from_json(answer)
