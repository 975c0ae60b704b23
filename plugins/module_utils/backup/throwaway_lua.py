# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module with which a Prosody that a drill starts says what it finds in its storage, and ends.

Option drill_wanted, JSON: {accounts: [domain], rooms: [component], archive: {domain: [user]}, read: messages of each
archive that are read}. It writes a mark and JSON on standard output: {accounts, rooms: address → number, archive:
domain → user → [messages that are counted, messages that could be read]}, with a text in place of what could not be
had.

Source: Prosody 13's mod_storage_sql.lua, muc/mod_muc.lua.
"""

from __future__ import annotations

#: What stands before the answer.
MARK = "\0drill\0"
NAME = "drill"

MODULE = r"""
module:set_global()
local json, sm = require "prosody.util.json", require "prosody.core.storagemanager"
local um, timer = require "prosody.core.usermanager", require "prosody.util.timer"
local wanted = json.decode(module:get_option_string("drill_wanted"))

-- Never an exception: what cannot be had is a text
local function had(get, ...)
    local ok, found, why = pcall(get, ...)
    if ok and found ~= nil then return found end
    why = ok and why or found
    return type(why) == "table" and json.encode(why) or tostring(why)
end

local function accounts(host)
    local each, state = um.users(host)
    if not each then return nil, state end
    local number = 0
    for user in each, state do
        if um.user_exists(user, host) then number = number + 1 end
    end
    return number
end

local function rooms(host)
    local muc, number = prosody.hosts[host].modules.muc, 0
    if not muc then return nil, "mod_muc does not run" end
    for room in muc.all_rooms() do
        -- so it marks one that it cannot read
        if room._data.locked ~= math.huge then number = number + 1 end
    end
    return number
end

local function archive(host, user)
    local store, why = sm.open(host, "archive", "archive")
    if not store then return nil, why end
    local each, total = store:find(user, { total = true, limit = wanted.read, reverse = true })
    if not each then return nil, total end
    local number = 0
    for _ in each do number = number + 1 end
    return { total, number }
end

local function answer()
    local found = { accounts = {}, rooms = {}, archive = {} }
    for _, host in ipairs(wanted.accounts) do found.accounts[host] = had(accounts, host) end
    for _, host in ipairs(wanted.rooms) do found.rooms[host] = had(rooms, host) end
    for host, users in pairs(wanted.archive) do
        found.archive[host] = {}
        for _, user in ipairs(users) do found.archive[host][user] = had(archive, host, user) end
    end
    return found
end

module:hook("server-started", function ()
    -- once its loop runs, which is what ends it
    timer.add_task(0, function ()
        io.stdout:write("\0drill\0", had(function () return json.encode(answer()) end), "\n")
        io.stdout:flush()
        prosody.shutdown("The drill has what it wants")
    end)
end)
"""
