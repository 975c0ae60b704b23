# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lua values as JSON, where Prosody's own util.json does not do: bytes that are no UTF-8, functions, tables in order.

Strings are bytes in Lua; they arrive with one character per byte, `readable` makes text of them.
"""

from __future__ import annotations

#: Lua: a function ``encode(value)`` → JSON in ASCII, bytes above 126 as \u00XX, keys in order.
ENCODER = r"""
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


def readable(name: str) -> str:
    """A text as Lua's bytes gave it (one character per byte) → as it is read, in Unicode."""
    try:
        return name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return name
