# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Lua program that carries all that a server stores from one storage into another, while the server is stopped.

prosody-migrator (13.0) does not do: from SQL to SQL both ends are one connection, so that it writes back into the
source and says "Done!"; it moves only the stores that are listed; and it reads an archive in files anew for each
message. Here whatever lies there is carried, whichever module wrote it, by Prosody's own libraries, in the form in
which mod_storage_sql and mod_storage_internal keep it; tables are made by mod_storage_sql itself.

It takes one line of JSON from standard input:

    step     "count" (what is in the source), "copy" or "undo" (of a copy into PostgreSQL)
    hosts    the domains and components
    from     {driver = "internal" or "sql"}; the parameters of the database stand in the configuration
    to       {driver, sql = parameters of the database, path = data directory of what is written into files}
    stamp    what names of tables that are set aside end in
    source, plugins, data, config    where Prosody is

and answers, after a mark, with JSON: {from, to: host → store → [how many have something in it, how many messages]},
or {error: why}. A copy into a database is one transaction.

Source: Prosody 13's mod_storage_sql.lua, mod_storage_internal.lua, util/datamanager.lua, util/sql.lua.
"""

from __future__ import annotations

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_json import ENCODER

#: What stands before the answer.
MARK = "\0storage\0"

SCRIPT = (
    ENCODER
    + r"""
local line = io.read("l")
local function setting(name) return line:match('"' .. name .. '": "([^"\\]*)"') end
local installed = setting("source")
package.path = installed .. "/?.lua;" .. package.path
package.cpath = installed .. "/?.so;" .. package.cpath
-- as the head of Prosody's programs has it
for name, value in pairs { CFG_SOURCEDIR = installed, CFG_PLUGINDIR = setting("plugins"), CFG_DATADIR = setting("data"),
    CFG_CONFIGDIR = setting("config"):match("^(.*)/"), arg = {} } do rawset(_G, name, value) end
if not pcall(require, "prosody.loader") then pcall(require, "loader") end
local startup = require "prosody.util.startup"
startup.parse_args({})
startup.init_global_state()
prosody.process_type = "migrator"
startup.init_logging()
startup.init_gc()
startup.init_errors()
local cm = require "prosody.core.configmanager"
-- a line that begins with assert is taken for one of Python by those who look for that
local must = assert
must(cm.load(setting("config"), "lua"))
startup.setup_plugindir()
startup.setup_plugin_install_path()
startup.setup_datadir()
startup.chdir()
startup.read_version()
prosody.config_loaded = true
startup.load_libraries()
startup.init_http_client()
prosody.core_post_stanza = function () error("nothing is sent from here", 0) end
require "prosody.core.hostmanager"
require "prosody.core.modulemanager"
local sm = require "prosody.core.storagemanager"
local json, st, lfs = require "prosody.util.json", require "prosody.util.stanza", require "lfs"
local xml_parse, datetime = require "prosody.util.xml".parse, require "prosody.util.datetime"
local sql = require "prosody.util.sql"
local dm = sm.olddm
local job = assert(json.decode(line))

local function database(given)
    local params = {}
    for _, name in ipairs { "driver", "database", "username", "password", "host", "port" } do
        params[name] = given[name]
    end
    if params.driver == "SQLite3" then
        local path = params.database or "prosody.sqlite"
        params.database = path:sub(1, 1) == "/" and path or prosody.paths.data .. "/" .. path
    end
    local engine = sql:create_engine(params, function () end, function () end)
    must(engine:connect())
    return engine
end

-- Values, as mod_storage_sql keeps them
local function serialize(value)
    local t = type(value)
    if t == "string" or t == "boolean" or t == "number" then return t, tostring(value) end
    if st.is_stanza(value) then return "xml", tostring(value) end
    must(t == "table", "a value of type " .. t)
    return "json", assert(json.encode(value))
end
local function deserialize(t, value)
    if t == "string" then return value
    elseif t == "boolean" then return value == "true"
    elseif t == "number" then return tonumber(value)
    elseif t == "json" then return json.decode(value)
    elseif t == "xml" then return xml_parse(value) end
    error("a value of type " .. tostring(t))
end

local function tally()
    local counts = {}
    for _, host in ipairs(job.hosts) do counts[host] = {} end
    return counts, function (host, store, which, number)
        local one = counts[host][store] or { 0, 0 }
        one[which] = one[which] + number
        counts[host][store] = one
    end
end

-- A storage tells each(host, keyval, item): keyval(user or "", store, data), item(user or "", store, key, when, with,
-- type, value), messages of one archive in their order; and counts what is in it.
local PAGE = 2000
local tables = {}
function tables.each(engine, host, keyval, item)
    local user, store, data = nil, nil, nil
    local last = { "", "", "" }
    repeat
        local seen = 0
        engine:transaction(function ()
            for row in engine:select('SELECT "user", "store", "key", "type", "value" FROM "prosody" WHERE "host" = ? '
                .. 'AND ("user", "store", "key") > (?, ?, ?) ORDER BY "user", "store", "key" LIMIT ' .. PAGE,
                host, last[1], last[2], last[3]) do
                seen = seen + 1
                if row[1] ~= user or row[2] ~= store then
                    if data and next(data) ~= nil then keyval(user, store, data) end
                    user, store, data = row[1], row[2], {}
                end
                local value = deserialize(row[4], row[5])
                must(value ~= nil, "a value of " .. store .. " cannot be read")
                if row[3] ~= "" then data[row[3]] = value
                elseif type(value) == "table" then for k, v in pairs(value) do data[k] = v end end
                last = { row[1], row[2], row[3] }
            end
        end)
    until seen < PAGE
    if data and next(data) ~= nil then keyval(user, store, data) end
    local archives = {}
    engine:transaction(function ()
        for row in engine:select('SELECT DISTINCT "user", "store" FROM "prosodyarchive" WHERE "host" = ?', host) do
            archives[#archives + 1] = { row[1], row[2] }
        end
    end)
    for _, one in ipairs(archives) do
        local after = -1
        repeat
            local seen = 0
            engine:transaction(function ()
                for row in engine:select('SELECT "sort_id", "key", "when", "with", "type", "value" FROM '
                    .. '"prosodyarchive" WHERE "host" = ? AND "user" = ? AND "store" = ? AND "sort_id" > ? '
                    .. 'ORDER BY "sort_id" LIMIT ' .. PAGE, host, one[1], one[2], after) do
                    seen, after = seen + 1, row[1]
                    item(one[1], one[2], row[2], row[3], row[4], row[5], row[6])
                end
            end)
        until seen < PAGE
    end
end
function tables.count(engine)
    local counts, add = tally()
    for _, host in ipairs(job.hosts) do
        for row in engine:select('SELECT "store", COUNT(DISTINCT "user") FROM "prosody" WHERE "host" = ? AND NOT '
            .. "(\"key\" = '' AND \"value\" IN ('{}', '[]')) GROUP BY \"store\"", host) do
            add(host, row[1], 1, tonumber(row[2]))
        end
        for row in engine:select('SELECT "store", COUNT(*) FROM "prosodyarchive" WHERE "host" = ? GROUP BY "store"',
            host) do
            add(host, row[1], 2, tonumber(row[2]))
        end
    end
    return counts
end
function tables.writer(engine, host)
    local function insert(user, store, key, value)
        local t, encoded = serialize(value)
        engine:insert('INSERT INTO "prosody" ("host", "user", "store", "key", "type", "value") VALUES (?,?,?,?,?,?)',
            host, user, store, key, t, encoded)
    end
    return function (user, store, data)
        local rest = {}
        for key, value in pairs(data) do
            if type(key) == "string" and key ~= "" then insert(user, store, key, value) else rest[key] = value end
        end
        if next(rest) ~= nil then insert(user, store, "", rest) end
    end, function (user, store, key, when, with, t, value)
        engine:insert('INSERT INTO "prosodyarchive" ("host", "user", "store", "when", "with", "key", "type", "value") '
            .. "VALUES (?,?,?,?,?,?,?,?)", host, user, store, math.floor(when), with or "", key, t, value)
    end
end

local files = {}
local function stored(host, handle)
    local top = prosody.paths.data .. "/" .. dm.path_encode(host)
    if lfs.attributes(top, "mode") ~= "directory" then return end
    for node in lfs.dir(top) do
        local mode = lfs.attributes(top .. "/" .. node, "mode")
        if mode == "directory" and node ~= "." and node ~= ".." then
            for file in lfs.dir(top .. "/" .. node) do
                local user, kind = file:match("^(.*)%.(%a+)$")
                if kind == "dat" or kind == "list" then handle(dm.path_decode(user), dm.path_decode(node), kind) end
            end
        elseif mode == "file" then
            local store, kind = node:match("^(.*)%.(%a+)$")
            if kind == "dat" or kind == "list" then handle(nil, dm.path_decode(store), kind) end
        end
    end
end
local function loaded(load, user, host, store, kind)
    local data, why = load(user, host, store)
    if not data and why then error(dm.getpath(user, host, store, kind) .. ": " .. tostring(why), 0) end
    return data
end
function files.each(_, host, keyval, item)
    stored(host, function (user, store, kind)
        if kind == "dat" then
            local data = loaded(dm.load, user, host, store, kind)
            if type(data) == "table" and next(data) ~= nil then keyval(user or "", store, data) end
            return
        end
        for number, one in ipairs(loaded(dm.list_load, user, host, store, kind) or {}) do
            if type(one) ~= "table" or not one.name or not one.attr then
                error(dm.getpath(user, host, store, kind) .. ": entry " .. number .. " is no message", 0)
            end
            local key, when = one.key, one.when or datetime.parse(one.attr.stamp)
            local with = one.with
            one.key, one.when, one.with, one.attr.stamp, one.attr.stamp_legacy = nil, nil, nil, nil, nil
            item(user or "", store, key or require "prosody.util.uuid".v7(), when, with, "xml",
                tostring(st.deserialize(one)))
        end
    end)
end
function files.count()
    local counts, add = tally()
    for _, host in ipairs(job.hosts) do
        stored(host, function (user, store, kind)
            if kind == "dat" then
                local data = loaded(dm.load, user, host, store, kind)
                if type(data) == "table" and next(data) ~= nil then add(host, store, 1, 1) end
            else
                add(host, store, 2, #(loaded(dm.list_load, user, host, store, kind) or {}))
            end
        end)
    end
    return counts
end
function files.writer(_, host)
    return function (user, store, data)
        must(dm.store(user ~= "" and user or nil, host, store, data))
    end, function (user, store, key, when, with, t, value)
        must(t == "xml", "a message of type " .. t .. " in " .. store)
        local one = st.preserialize(assert(xml_parse(value)))
        one.key, one.when, one.with = key, when, with ~= "" and with or nil
        one.attr.stamp = datetime.datetime(when)
        must(dm.list_append(user ~= "" and user or nil, host, store, one))
    end
end

-- Tables that are there go by another name, with their indexes, whose names Prosody wants anew
local NAMES = { "prosody", "prosodyarchive" }
local function renamed(engine, from, to)
    for _, name in ipairs(NAMES) do
        local indexes = {}
        for row in engine:select("SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND "
            .. "tablename = ?", name .. from) do indexes[#indexes + 1] = row[1] end
        must(engine:execute(('ALTER TABLE IF EXISTS "%s%s" RENAME TO "%s%s"'):format(name, from, name, to)))
        for _, index in ipairs(indexes) do
            local plain = from ~= "" and index:sub(-#from) == from and index:sub(1, -#from - 1) or index
            must(engine:execute(('ALTER INDEX "%s" RENAME TO "%s%s"'):format(index, plain, to)))
        end
    end
end
local function undone(engine, aside)
    for _, name in ipairs(NAMES) do assert(engine:execute('DROP TABLE IF EXISTS "' .. name .. '"')) end
    renamed(engine, aside, "")
end
local function same(one, other)
    for host, stores in pairs(one) do
        for store, pair in pairs(stores) do
            local twin = (other[host] or {})[store] or { 0, 0 }
            if pair[1] ~= twin[1] or pair[2] ~= twin[2] then return false end
        end
    end
    return true
end
local function there(engine, name)
    return engine:select("SELECT 1 WHERE to_regclass('\"" .. name .. "\"') IS NOT NULL")() ~= nil
end
local function empty(engine)
    for _, name in ipairs(NAMES) do
        if engine:select('SELECT 1 FROM "' .. name .. '" LIMIT 1')() then return false end
    end
    return true
end

local function transaction(engine, handle)
    local ok, why = engine:transaction(handle)
    if not ok then error(type(why) == "table" and (why.text or json.encode(why)) or tostring(why), 0) end
end

local function main()
    local from = job.from.driver == "sql" and tables or files
    local source = from == tables and job.step ~= "undo" and database(assert(cm.get(job.hosts[1], "sql")))
    local out = {}
    if job.step == "count" then
        out.from = from.count(source)
        out.limit = cm.get("*", "storage_archive_item_limit") or 10000
        out.longest = 0
        if source and cm.get(job.hosts[1], "sql").driver == "PostgreSQL" then
            for row in source:select("SELECT pg_total_relation_size('prosody') + "
                .. "pg_total_relation_size('prosodyarchive')") do out.bytes = tonumber(row[1]) end
        end
        if source then
            for _, host in ipairs(job.hosts) do
                for row in source:select('SELECT COUNT(*) FROM "prosodyarchive" WHERE "host" = ? GROUP BY "user", '
                    .. '"store" ORDER BY 1 DESC LIMIT 1', host) do
                    out.longest = math.max(out.longest, tonumber(row[1]))
                end
            end
        end
        return out
    end
    local to = job.to.driver == "sql" and tables or files
    local target = to == tables and database(job.to.sql)
    local postgresql = target and job.to.sql.driver == "PostgreSQL"
    local aside = "_before_" .. job.stamp
    if job.step == "undo" then
        if postgresql then transaction(target, function () undone(target, aside) end) end
        return out
    end
    if postgresql and there(target, "prosody") and there(target, "prosodyarchive") and not empty(target) then
        transaction(target, function () renamed(target, "", aside) end)
        out.aside = true
    end
    out.from = from.count(source)
    if target then
        -- Prosody makes its tables
        local ok, why = pcall(function ()
            local host = job.hosts[1]
            cm.set(host, "sql", job.to.sql)
            prosody.hosts[host] = startup.make_host(host)
            sm.initialize_host(host)
            local driver = assert(sm.load_driver(host, "sql"), "Prosody has no storage sql")
            local _, wrong = driver:open("accounts", "keyval"):get("")
            must(not wrong, wrong)
            transaction(target, function ()
                for _, each in ipairs(job.hosts) do from.each(source, each, to.writer(target, each)) end
                out.to = to.count(target)
                if not same(out.from, out.to) then error("what arrived is not what there was", 0) end
            end)
        end)
        if not ok and out.aside then
            transaction(target, function () undone(target, aside) end)
            out.aside = nil
        end
        -- what was counted says more than that it differs
        if not ok and not out.to then error(why, 0) end
    else
        local here = prosody.paths.data
        dm.set_data_path(job.to.path)
        for _, each in ipairs(job.hosts) do from.each(source, each, to.writer(nil, each)) end
        prosody.paths.data = job.to.path
        out.to = to.count()
        prosody.paths.data = here
    end
    return out
end
local ok, result = xpcall(main, function (why)
    return type(why) == "string" and why:match("^/") and why or debug.traceback(tostring(why))
end)
io.stdout:write("\0storage\0", encode(ok and result or { error = tostring(result) }), "\n")
os.exit(0)
"""
)
