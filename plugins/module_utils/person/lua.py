# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What runs inside the server: reading all that it keeps of one account, and removing it.

LIBRARY defines a table `PERSON` that lasts as long as the connection. Nothing here works through an archive at once, in
which time nobody would be served:

* `PERSON.open(user, host)` → whether there is such an account.
* `PERSON.document()` → XEP-0227 without the archive, made by Prosody's own mod_storage_xep0227, but in memory: its file
  in the data directory is readable for everybody.
* `PERSON.stores()` → store → what the account has in it, of the kind keyval.
* `PERSON.count(store)`, `PERSON.page(store, after)` → how many messages are in an archive (archive, offline); up to a
  hundred of them, [id, time, with, XML], after the one with that id.
* `PERSON.uploads()` → [host, slot, path, name, size, type, time] of each file.
* `PERSON.rooms()` → room → affiliation. `PERSON.contacts()` → accounts of this server that have them on their roster.
* `PERSON.forget_uploads(json)`, `forget_room(room)`, `forget_contact(user, host)`, `delete()`: remove one thing each.

Source: Prosody 13's modules/mod_storage_xep0227.lua, mod_http_file_share.lua, core/storagemanager.lua,
core/rostermanager.lua, core/usermanager.lua, modules/muc/mod_muc.lua.
"""

from __future__ import annotations

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_json import ENCODER
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import as_command

LIBRARY = (
    ENCODER
    + r"""
local sm, mm = require "prosody.core.storagemanager", require "prosody.core.modulemanager"
local um, rm = require "prosody.core.usermanager", require "prosody.core.rostermanager"
local st, json, dm = require "prosody.util.stanza", require "prosody.util.json", require "prosody.util.datamanager"
local P = {}
PERSON = P
function P.open(user, host)
    if not prosody.hosts[host] then return nil, "there is no host "..host.." on this server" end
    P.user, P.host, P.jid = user, host, user.."@"..host
    return true, encode({ account = um.user_exists(user, host) and true or false })
end
local function names()
    local out, driver = {}, sm.get_driver(P.host)
    if driver.stores then
        for name in driver:stores(P.user) do out[#out + 1] = name end
    end
    return out
end
function P.document()
    local loaded = mm.is_loaded(P.host, "storage_xep0227")
    local driver = sm.load_driver(P.host, "xep0227")
    local xml
    local options = { get_user_xml = function () return xml end }
    function options.set_user_xml(_, _, _, new)
        xml = new
        return true
    end
    local order = { "accounts", "vcard", "private", "roster", "pep" }
    for _, name in ipairs(names()) do if name:match("^pep_.") then order[#order + 1] = name end end
    local pep = sm.open(P.host, "pep", "keyval"):get(P.user)
    for node in pairs(type(pep) == "table" and pep or {}) do
        local known = false
        for _, name in ipairs(order) do known = known or name == "pep_"..node end
        if not known then order[#order + 1] = "pep_"..node end
    end
    for _, name in ipairs(order) do
        local items = name:match("^pep_.") and "archive" or "keyval"
        local to, from = driver:open_xep0227(name, items, options), sm.open(P.host, name, items)
        if to and from then
            if items == "archive" then
                for id, item, when, with in from:find(P.user) or function () end do
                    to:append(P.user, id, item, when, with)
                end
            else
                local data = from:get(P.user)
                if data or name == "accounts" then to:set(P.user, data or {}) end
            end
        end
    end
    if not loaded then mm.unload(P.host, "storage_xep0227") end
    return true, encode({ xml = tostring(xml) })
end
function P.stores()
    local out = {}
    for _, name in ipairs(names()) do
        local store = not name:match("^pep_.") and sm.open(P.host, name, "keyval")
        local data = store and store:get(P.user)
        if data then out[name] = data end
    end
    return true, encode(out)
end
function P.count(name)
    local archive = sm.open(P.host, name, "archive")
    if not archive or not archive.find then return true, "0" end
    -- mod_storage_sql remembers how many there are in all, also when all are gone; with a start it counts
    local found, total = archive:find(P.user, { total = true, limit = 0, start = 0 })
    return true, tostring(found and tonumber(total) or 0)
end
function P.page(name, after)
    local out, archive = {}, sm.open(P.host, name, "archive")
    if not archive or not archive.find then return true, "[]" end
    local found, why = archive:find(P.user, { limit = 100, after = after ~= "" and after or nil })
    if not found then return nil, tostring(why) end
    for id, item, when, with in found do
        local message = st.clone(item)
        message.attr.xmlns = "jabber:client"
        out[#out + 1] = { id, when, with or "", tostring(message) }
    end
    return true, encode(out)
end
local function each_upload(handle)
    for host in pairs(prosody.hosts) do
        if mm.is_loaded(host, "http_file_share") then
            local store = sm.open(host, "uploads", "archive")
            local found = store:find(nil, { with = P.jid })
            for slot, item, when in found or function () end do handle(host, store, slot, item, when) end
        end
    end
end
function P.uploads()
    local out = {}
    each_upload(function (host, _, slot, item, when)
        local attr, kind = item.attr, item.attr["content-type"] or ""
        local path = dm.getpath(slot, host, "http_file_share", "bin")
        out[#out + 1] = { host, slot, path, attr.filename or "", tonumber(attr.size) or 0, kind, when }
    end)
    return true, encode(out)
end
function P.rooms()
    local out = {}
    for host in pairs(prosody.hosts) do
        local muc = mm.get_module(host, "muc")
        for room in muc and muc.each_room() or function () end do
            local affiliation = room:get_affiliation(P.jid)
            if affiliation then out[room.jid] = affiliation end
        end
    end
    return true, encode(out)
end
function P.contacts()
    local out = {}
    for host, session in pairs(prosody.hosts) do
        local store = session.type == "local" and sm.open(host, "roster", "map")
        local rows = store and store.get_all and store:get_all(P.jid)
        if rows then
            for user in pairs(rows) do out[#out + 1] = { user, host } end
        elseif store and not store.get_all then
            for user in um.users(host) do
                local roster = rm.load_roster(user, host)
                if roster and roster[P.jid] then out[#out + 1] = { user, host } end
            end
        end
    end
    return true, encode(out)
end
function P.forget_uploads(arguments)
    local gone, wanted = 0, json.decode(arguments)
    for _, one in ipairs(wanted) do
        local host, slot = one[1], one[2]
        local ok, why, code = os.remove(dm.getpath(slot, host, "http_file_share", "bin"))
        if not ok and code ~= 2 then return nil, "the file of an upload stays: "..tostring(why) end
        -- where mod_scan_uploads puts what clamd finds
        ok, why, code = os.remove(prosody.paths.data.."/quarantine/"..slot)
        if not ok and code ~= 2 then return nil, "an upload in quarantine stays: "..tostring(why) end
        local done, err = sm.open(host, "uploads", "archive"):delete(nil, { ids = { slot } })
        if not done then return nil, "the row of an upload stays: "..tostring(err) end
        gone = gone + 1
    end
    return true, encode({ gone = gone })
end
function P.forget_room(jid)
    local muc = mm.get_module(jid:match("@(.*)$"), "muc")
    local room = muc and muc.get_room_from_jid(jid)
    if not room then return true, "{}" end
    local ok, kind, condition = room:set_affiliation(true, P.jid, nil)
    if not ok then return nil, "room "..jid.." keeps its affiliation: "..tostring(condition or kind) end
    return true, "{}"
end
function P.forget_contact(user, host)
    local roster = rm.load_roster(user, host)
    if roster and roster[P.jid] then
        roster[P.jid] = nil
        local ok, why = rm.save_roster(user, host, roster, P.jid)
        if not ok and why then return nil, "a roster was not saved: "..tostring(why) end
        rm.roster_push(user, host, P.jid)
    end
    return true, "{}"
end
function P.delete()
    if not um.user_exists(P.user, P.host) then
        sm.purge(P.user, P.host)
        return true, "{}"
    end
    local ok, why = um.delete_user(P.user, P.host)
    if not ok then return nil, "the account stays: "..tostring(why) end
    return true, "{}"
end
return true, "ready"
"""
)


def library() -> str:
    """Return LIBRARY without its indentation, as the one command that it fits into."""
    return as_command(LIBRARY)
