# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a configuration says, as data: hosts → options → values, read by Prosody's own configuration manager.

The same Lua encoder runs in a throw-away interpreter (a file on disk) and inside the server (what it runs now), so that
both can be compared. Strings are bytes in Lua; they arrive with one character per byte.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

GLOBAL = "*"

#: Lua: a function ``encode(value)`` → JSON in ASCII, bytes above 126 as \u00XX, keys in order.
LUA_ENCODER = r"""
local function encode(v, depth)
    depth = depth or 0
    local t = type(v)
    if t == "string" then
        return '"' .. v:gsub('[%c"\\\127-\255]', function (c) return ("\\u%04x"):format(c:byte()) end) .. '"'
    elseif t == "boolean" then return tostring(v)
    elseif t == "number" then
        if v ~= v or v == 1/0 or v == -1/0 then return '"' .. tostring(v) .. '"' end
        if v == math.floor(v) and v > -1e15 and v < 1e15 then return ("%d"):format(v) end
        return ("%.17g"):format(v)
    elseif t ~= "table" or depth > 40 then return '"<' .. t .. '>"' end
    local n, count = #v, 0
    for _ in pairs(v) do count = count + 1 end
    local out = {}
    if n > 0 and n == count then
        for i = 1, n do out[i] = encode(v[i], depth + 1) end
        return "[" .. table.concat(out, ",") .. "]"
    end
    for k, x in pairs(v) do out[#out+1] = encode(tostring(k), depth + 1) .. ":" .. encode(x, depth + 1) end
    table.sort(out)
    return "{" .. table.concat(out, ",") .. "}"
end
"""

_READER = r"""
local source, file = ...
package.path = source .. "/?.lua;" .. package.path
package.cpath = source .. "/?.so;" .. package.cpath
if not pcall(require, "prosody.loader") then pcall(require, "loader") end
%(encoder)s
prosody = { events = require "prosody.util.events".new(), paths = {}, platform = "posix" }
local cm = require "prosody.core.configmanager"
local credentials = os.getenv "CREDENTIALS_DIRECTORY"
if credentials then cm.set_credentials_directory(credentials) else cm.set_credential_fallback_mode "warn" end
local ok, level, err = cm.load(file)
local result
if ok then
    local warnings = {}
    for i, w in ipairs(err or {}) do warnings[i] = tostring(w) end
    result = { ok = true, hosts = cm.getconfig(), files = cm.files(), warnings = warnings }
else
    result = { ok = false, level = level, error = tostring(err) }
end
io.stdout:write("\0model\0", encode(result), "\n")
os.exit(0, false)
""".replace("%(encoder)s", LUA_ENCODER)


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


def readable(name: str) -> str:
    """A name as Lua's bytes gave it (one character per byte) → as it is read, in Unicode."""
    try:
        return name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return name


def from_json(data: Mapping[str, Any]) -> Model:
    """The decoded answer of the encoder ({hosts, files, warnings}) → Model."""
    hosts = {
        name: dict(options) if isinstance(options, Mapping) else {} for name, options in dict(data["hosts"]).items()
    }
    hosts.setdefault(GLOBAL, {})
    return Model(hosts, tuple(data.get("files") or ()), tuple(data.get("warnings") or ()))


def parse_reader(output: str, path: str) -> Model:
    """What the reader printed → Model; raises ConfigUnreadable with Prosody's words."""
    marker = output.rfind("\0model\0")
    if marker < 0:
        raise ConfigUnreadable(f"Cannot read {path}: Prosody's configuration reader said: {output.strip()[-500:]}")
    data = json.loads(output[marker + 7 :])
    if not data["ok"]:
        reason = str(data["error"]).encode("latin-1", "replace").decode("utf-8", "replace")
        if data["level"] == "parser":
            raise ConfigUnreadable(f"Prosody cannot parse the configuration: {reason}")
        raise ConfigUnreadable(f"Prosody cannot read {path}: {reason}")
    return from_json(data)


def reader_script() -> str:
    """The Lua program that prints a configuration as JSON; arguments: source directory, file."""
    return _READER
