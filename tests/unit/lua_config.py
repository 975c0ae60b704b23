# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reader of prosody.cfg.lua for tests, in a real Lua: what Prosody's core/configmanager.lua would hold afterwards."""

from __future__ import annotations

from typing import Any

import lupa.lua54 as lupa

_READER = b"""
function(text)
    local config, current, included = { ["*"] = {} }, "*", {}
    local env = {}
    local function host(kind)
        return function(name)
            assert(not config[name], "host twice: " .. name)
            config[name] = { ["#kind"] = kind }
            current = name
            local function body(options)
                current = "*"
                for k, v in pairs(options) do config[name][k] = v end
            end
            return function(argument)
                if type(argument) == "string" then config[name]["#module"] = argument; return body end
                return body(argument)
            end
        end
    end
    local names = { VirtualHost = host("VirtualHost"), Component = host("Component"),
        FileLine = function(path) return "FileLine:" .. path end,
        Include = function(path) included[#included + 1] = path end }
    setmetatable(env, { __index = names, __newindex = function(_, k, v)
        assert(not names[k], "assigns to " .. k)
        assert(config[current][k] == nil, "option twice: " .. k)
        config[current][k] = v
    end })
    assert(load(text, "@prosody.cfg.lua", "t", env))()
    assert(current == "*", "the scope of " .. current .. " is still open")
    return config, included
end
"""


def _back(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if lupa.lua_type(value) == "table":
        table = {_back(key): _back(item) for key, item in value.items()}
        if set(table) == set(range(1, len(table) + 1)):
            return [table[index] for index in range(1, len(table) + 1)]
        return table
    return value


def read(text: str) -> dict[str, dict[str, Any]]:
    """Return host ("*" for the server) to its options. An empty table reads as an empty list.

    "#kind" and "#module" tell what a host is; "#include" of "*" lists the included files. Raises lupa.LuaError for what
    Lua does not take, an option or host set twice, or a host whose scope does not end.
    """
    runtime = lupa.LuaRuntime(encoding=None, unpack_returned_tuples=True)
    config, included = runtime.eval(_READER)(text.encode("utf-8"))
    result: dict[str, dict[str, Any]] = {}
    for name, options in config.items():
        result[name.decode()] = {_back(key): _back(item) for key, item in options.items()}
    result["*"]["#include"] = _back(included)
    return result
