# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What runs inside the server: reading rooms, and changing one as a transaction.

LIBRARY defines a table `ROOMS` that lasts as long as the connection:

* `ROOMS.read(json)`: JIDs → JID → state. A password is never told, only whether it is a given one (as a keyed digest).
* `ROOMS.open(jid, create)`, then `ROOMS.apply(json)` any number of times, then `ROOMS.commit()`. The first thing that
  fails undoes all since `open`. Everything is read back before it is saved: what another module or option of the server
  overrules is an error and not a change that comes back in every run.
* `ROOMS.destroy(jid, reason)`.

Source: Prosody 13's modules/muc/mod_muc.lua, muc.lib.lua and the libraries beside it, modules/mod_muc_mam.lua.
"""

from __future__ import annotations

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import as_command

LIBRARY = r"""
local mm, st = require "prosody.core.modulemanager", require "prosody.util.stanza"
local json, hashes = require "prosody.util.json", require "prosody.util.hashes"
local split = require "prosody.util.jid".split
local R = {}
ROOMS = R
local function service(jid)
    local _, host = split(jid)
    if not prosody.hosts[host] then return nil, "there is no host "..host.." on this server" end
    local muc = mm.get_module(host, "muc")
    if not muc then return nil, host.." is no component of type muc" end
    return muc, host
end
local function simple(name)
    return { get = function (room) return room["get_"..name](room) end,
        set = function (room, value) room["set_"..name](room, value) end }
end
local function flag(name)
    local field = simple(name)
    local get = field.get
    field.get = function (room) return get(room) and true or false end
    return field
end
local function text(name)
    local field = simple(name)
    local get = field.get
    field.get = function (room) return get(room) or "" end
    return field
end
local fields = {
    name = text "name", description = text "description", language = text "language", password = text "password",
    public = flag "public", persistent = flag "persistent", members_only = flag "members_only",
    member_invites = flag "allow_member_invites", moderated = flag "moderated", change_subject = flag "changesubject",
    whois = simple "whois", private_messages = simple "allow_pm", history_length = simple "historylength",
    subject = {
        get = function (room) return select(2, room:get_subject()) or "" end,
        set = function (room, value) room:set_subject(room.jid, value) end,
    },
    archiving = {
        get = function (room)
            local mam = mm.get_module(select(2, split(room.jid)), "muc_mam")
            if not mam then return nil end
            if mam.module:get_option_boolean("muc_log_all_rooms", false) then return true end
            local value = room._data.archiving
            if value == nil then return mam.module:get_option_boolean("muc_log_by_default", true) end
            return value
        end,
        set = function (room, value) room._data.archiving = value end,
    },
}
function R.read(arguments)
    local wanted, out = json.decode(arguments), {}
    for _, jid in ipairs(wanted.jids) do
        local entry = { exists = false }
        out[jid] = entry
        local muc, why = service(jid)
        local room
        if not muc then entry.error = why else room = muc.get_room_from_jid(jid) end
        if room == false or room and room._data.locked == math.huge then
            entry.error = "Prosody cannot load it from its storage, see its log"
        elseif room and not room._data.destroyed then
            entry.exists, entry.settings, entry.affiliations = true, {}, {}
            for name, field in pairs(fields) do entry.settings[name] = field.get(room) end
            local password = entry.settings.password
            entry.settings.password = nil
            entry.password = password ~= "" and hashes.hmac_sha256(wanted.key, password, true) or ""
            for who, affiliation in room:each_affiliation() do entry.affiliations[who] = affiliation end
        end
    end
    return true, json.encode(out)
end
local function undo(why)
    local room, muc = R.room, R.muc
    if R.created then
        muc.forget_room(room)
        muc.delete_room(room)
    elseif room then
        for who, affiliation in pairs(R.affiliations) do
            pcall(room.set_affiliation, room, true, who, affiliation or "none")
        end
        for key in pairs(room._data) do room._data[key] = nil end
        for key, value in pairs(R.data) do room._data[key] = value end
        room:save(true)
    end
    R.room = nil
    return nil, why
end
function R.open(jid, create)
    local muc, why = service(jid)
    if not muc then return nil, why end
    local room = muc.get_room_from_jid(jid)
    if room and room._data.destroyed then
        muc.forget_room(room)
        muc.delete_room(room)
        room = nil
    end
    R.muc, R.created, R.data, R.affiliations, R.done, R.codes = muc, false, {}, {}, {}, {}
    if not room then
        if not create then return nil, "it is not there any more" end
        room, why = muc.create_room(jid)
        if not room then return nil, why or "the server takes no more rooms (muc_max_rooms)" end
        R.created = true
    end
    for key, value in pairs(room._data) do R.data[key] = value end
    R.room = room
    return true, "open"
end
local function change(room, action)
    if action.affiliation then
        local before = room._affiliations[action.jid] or false
        local ok, kind, condition = room:set_affiliation(true, action.jid, action.affiliation)
        if not ok then
            error(("it refuses to make %s %s: %s"):format(action.jid, action.affiliation, condition or kind), 0)
        end
        if R.affiliations[action.jid] == nil then R.affiliations[action.jid] = before end
        return
    end
    local field = fields[action.name]
    if action.name == "archiving" and field.get(room) == nil then
        error("archiving needs the module muc_mam on its host", 0)
    end
    field.set(room, action.value)
    R.done[action.name] = action.value
    if action.name == "whois" then R.codes[action.value == "anyone" and "172" or "173"] = true
    elseif action.name == "archiving" then R.codes[action.value and "170" or "171"] = true
    else R.codes["104"] = true end
end
function R.apply(arguments)
    local room = R.room
    if not room then return nil, "it was not opened" end
    local save = rawget(room, "save")
    room.save = function () return true end
    local ok, why = pcall(function ()
        for _, action in ipairs(json.decode(arguments)) do change(room, action) end
    end)
    room.save = save
    if not ok then return undo(tostring(why)) end
    return true, "applied"
end
function R.commit()
    local room = R.room
    if not room then return nil, "it was not opened" end
    for name, value in pairs(R.done) do
        local seen = fields[name].get(room)
        if seen ~= value then
            if name == "password" then value, seen = "the given one", "another one" end
            return undo(("%s was set to %s, but is %s: an option or a module of the server overrules it"):format(
                name, tostring(value), tostring(seen)))
        end
    end
    local ok, why = room:save(true)
    if not ok then return undo("it cannot be saved: "..tostring(why)) end
    if next(R.codes) and not R.created and room:has_occupant() then
        local message = st.message({ type = "groupchat", from = room.jid })
            :tag("x", { xmlns = "http://jabber.org/protocol/muc#user" })
        for code in pairs(R.codes) do message:tag("status", { code = code }):up() end
        room:broadcast_message(message:up())
    end
    R.room = nil
    return true, "saved"
end
function R.destroy(jid, reason)
    local muc, why = service(jid)
    if not muc then return nil, why end
    local room = muc.get_room_from_jid(jid)
    if not room or room._data.destroyed then return true, "gone" end
    local ok, err = room:destroy(nil, reason ~= "" and reason or nil)
    if not ok then return nil, "it refuses to be destroyed: "..tostring(err) end
    return true, "destroyed"
end
return true, "ready"
"""


def library() -> str:
    """Return LIBRARY without its indentation, as the one command that it fits into."""
    return as_command(LIBRARY)
