# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a module of Prosody is now, in Lua.

Prosody remembers the last status a module set, and an error is replaced by nothing but another error (set_status in
core/moduleapi.lua): mod_storage_sql says "Disconnected" for ever after the database was away once. So a storage is
asked, and of others an error counts only from a given moment on.
"""

from __future__ import annotations

STATUS_NOW = r"""
local function status_now(mod, since)
    local api = mod.module
    local items = rawget(api, "items")
    local drivers = items and items["storage-provider"]
    if drivers then
        for _, driver in ipairs(drivers) do
            local ok, value, why = pcall(function ()
                local store = driver:open("accounts", "keyval")
                if store then return store:get("xmpp-probe") end
            end)
            if not ok then why = value elseif value ~= nil then why = nil end
            if why then return "error", tostring(why) end
        end
        return "core", "it answers"
    end
    local status, text, time = api:get_status()
    if status == "error" and (time or 0) < since then return "core", "it was in trouble before" end
    return status, tostring(text)
end
"""
"""Defines status_now(module, since) → status, text. module: as in modulemanager; since: seconds since the epoch."""
