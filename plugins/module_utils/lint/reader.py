# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Lua program that reads a configuration through Prosody's own core/configmanager.lua and prints it as JSON.

It takes everything from standard input, one item a line, then the text of the configuration itself:

    directory of Prosody's sources
    data directory, configuration directory
    path under which the configuration is to be read (relative paths in it resolve against its directory)
    number of files that will exist although they do not yet, then their paths
    text of the configuration

What the configuration could do to the machine beyond being read (run commands, write or remove files, leave) is refused
and reported. Text that came out of a file through FileLine, FileContents, FileLines or Credential is not printed: only
its path.
"""

from __future__ import annotations

SCRIPT = r"""
local getinfo, getupvalue, setupvalue = debug.getinfo, debug.getupvalue, debug.setupvalue
local open, write = io.open, io.write
local source, data_path, config_path = io.read("l"), io.read("l"), io.read("l")
local as_path = io.read("l")
local pending = {}
for _ = 1, tonumber(io.read("l")) do pending[io.read("l")] = true end
local content = io.read("a")

-- JSON ---------------------------------------------------------------------------------------------------------
local secrets = {} -- text -> where it came from

local function json_string(s)
    local valid = utf8.len(s)
    return '"' .. s:gsub(valid and '[%c"\\]' or '[%c"\\\128-\255]', function (c)
        return ("\\u%04x"):format(c:byte())
    end) .. '"'
end

local function json_value(v, depth)
    local kind = math.type(v) or type(v)
    if kind == "nil" then return "null"
    elseif kind == "boolean" then return tostring(v)
    elseif kind == "integer" then return ("%d"):format(v)
    elseif kind == "float" then
        if v ~= v or v == math.huge or v == -math.huge then return '{"t":"float","v":"' .. tostring(v) .. '"}' end
        local text = ("%.17g"):format(v)
        return text:find("[.e]") and text or text .. ".0"
    elseif kind == "string" then
        if secrets[v] then return '{"t":"secret","v":' .. json_string(secrets[v]) .. "}" end
        for text, where in pairs(secrets) do
            if #text >= 4 and v:find(text, 1, true) then return '{"t":"secret","v":' .. json_string(where) .. "}" end
        end
        return json_string(v)
    elseif kind == "table" and depth < 40 then
        local option = rawget(v, "option_name")
        if option and getmetatable(v) then -- what reading an option in the configuration gives: no value, but a handle
            return '{"t":' .. json_string("handle of the option " .. tostring(option)) .. "}"
        end
        local out, seen = {}, {}
        for i = 1, rawlen(v) do
            seen[i] = true
            out[i] = "[" .. i .. "," .. json_value(rawget(v, i), depth + 1) .. "]"
        end
        for k, item in next, v do
            if not seen[k] then
                out[#out + 1] = "[" .. json_value(k, depth + 1) .. "," .. json_value(item, depth + 1) .. "]"
            end
        end
        return '{"t":"table","v":[' .. table.concat(out, ",") .. "]}"
    end
    return '{"t":' .. json_string(kind == "table" and "deep table" or kind) .. "}"
end

local function json_records(records, fields)
    local out = {}
    for i, record in ipairs(records) do
        local parts = {}
        for j, field in ipairs(fields) do parts[j] = json_value(record[field], 0) end
        out[i] = "[" .. table.concat(parts, ",") .. "]"
    end
    return "[" .. table.concat(out, ",") .. "]"
end

-- Where in the configuration are we? ----------------------------------------------------------------------------
local config_files = {}

local function where()
    for level = 3, 60 do
        local info = getinfo(level, "Sl")
        if not info then return nil, nil end
        if info.source:sub(1, 1) == "@" and config_files[info.source:sub(2)] then
            return info.source:sub(2), info.currentline
        end
    end
end

local problems, undefined, assignments, used = {}, {}, {}, {}

local function problem(code, subject, text)
    local file, line = where()
    problems[#problems + 1] = { code = code, subject = subject, text = text, file = file, line = line }
end

-- Prosody's libraries ------------------------------------------------------------------------------------------
package.path = source .. "/?.lua;" .. package.path
package.cpath = source .. "/?.so;" .. package.cpath
if not pcall(require, "prosody.loader") then pcall(require, "loader") end

local loaded, reason = pcall(function ()
    local events = require "prosody.util.events"
    _G.prosody = {
        events = events.new(), hosts = {}, platform = "posix", process_type = "prosody",
        paths = { source = source, config = config_path, data = data_path },
    }
    local envload = require "prosody.util.envload"
    local paths = require "prosody.util.paths"
    local original_envload = envload.envload

    local function reading(env, name, directory, all)
        local original = env[name]
        if type(original) ~= "function" then return end
        rawset(env, name, function (filename, ...)
            local path = paths.resolve_relative_path(directory, tostring(filename))
            local done, value = pcall(original, filename, ...)
            if not done or value == nil or type(value) == "table" and value.text then
                if name ~= "Credential" and not pending[path] then
                    problem("file-missing", path, done and "it has no such content" or tostring(value))
                end
                value = all and { "contents of " .. path } or "contents of " .. path
            end
            for _, text in ipairs(all and value or { value }) do
                if type(text) == "string" and text ~= "" then secrets[text] = name .. " " .. path end
            end
            return value
        end)
    end

    function envload.envload(code, chunk_name, env)
        local file = chunk_name:match("^@(.*)$")
        if file and type(env) == "table" and rawget(env, "VirtualHost") then
            config_files[file] = true
            local directory = file:gsub("[^/]+$", "")
            reading(env, "FileContents", directory)
            reading(env, "FileLine", directory)
            reading(env, "FileLines", directory, true)
            reading(env, "Credential", "credentials")
            local include = env.Include
            rawset(env, "Include", function (name)
                local path = paths.resolve_relative_path(directory, tostring(name))
                if path:find("[*?]") then
                    local parent = path:match("^(.*)/[^/]*$")
                    local directory_handle, why = open(parent)
                    if not directory_handle then return problem("include-missing", path, why) end
                    directory_handle:close()
                else
                    local handle, why = open(path)
                    if not handle then
                        if pending[path] then return end
                        return problem("include-missing", path, why)
                    end
                    handle:close()
                end
                return include(name)
            end)
            rawset(env, "include", env.Include)
            for _, kind in ipairs { "VirtualHost", "Component" } do
                local original = env[kind]
                rawset(env, kind, function (name, ...)
                    if select("#", ...) > 0 then problem("ignored-argument", kind, tostring(...)) end
                    return original(name)
                end)
            end
            local mt = getmetatable(env)
            local index = mt.__index
            mt.__index = function (self, name)
                local value = index(self, name)
                if value ~= nil then
                    used[name] = true
                elseif not name:find("^ENV_") then
                    local at, line = where()
                    undefined[#undefined + 1] = { name = name, file = at, line = line }
                end
                return value
            end
        end
        return original_envload(code, chunk_name, env)
    end
end)
if not loaded then
    write('{"fatal":' .. json_string(tostring(reason)) .. "}")
    return
end

-- luacheck: globals os io print
-- The configuration may compute, but not act -------------------------------------------------------------------
local function refused(name)
    return function (what)
        problem("refused", name, tostring(what))
        return nil, name .. " is not run by the linter"
    end
end
os.execute, io.popen = refused("os.execute"), refused("io.popen")
os.remove, os.rename, os.tmpname = refused("os.remove"), refused("os.rename"), refused("os.tmpname")
os.exit, io.output, io.write, print = refused("os.exit"), refused("io.output"), refused("io.write"), function () end
io.open = function (path, mode)
    if mode and mode:find("[wa+]") then
        problem("refused", "io.open for writing", tostring(path))
        return nil, "files are not written by the linter"
    end
    if path == as_path then
        return { read = function () return content end, close = function () end }
    end
    return open(path, mode)
end

local found, configmanager = pcall(require, "prosody.core.configmanager")
if not found then
    write('{"fatal":' .. json_string(tostring(configmanager)) .. "}")
    return
end
for i = 1, 20 do
    local name, original = getupvalue(configmanager.set, i)
    if not name then break end
    if name == "set" then
        setupvalue(configmanager.set, i, function (config_table, host, key, value)
            local file, line = where()
            local section = rawget(config_table, host)
            local appended = type(value) == "table" and section and rawget(section, key) == value
            assignments[#assignments + 1] = {
                host = host, key = key, file = file, line = line,
                kind = value == nil and "nil" or appended and "append" or "value",
            }
            return original(config_table, host, key, value)
        end)
    end
end

local ran, ok, level, detail = pcall(configmanager.load, as_path, "lua")
if not ran then ok, level, detail = nil, "parser", ok end

local out = { '"lua":' .. json_string(_VERSION:match("%d+%.%d+")), '"path":' .. json_string(package.path),
    '"cpath":' .. json_string(package.cpath) }
if not ok then
    out[#out + 1] = '"error":' .. json_string(tostring(detail))
    out[#out + 1] = '"level":' .. json_string(tostring(level))
elseif type(detail) == "table" then
    local warnings = {}
    for i, text in ipairs(detail) do warnings[i] = json_string(tostring(text)) end
    out[#out + 1] = '"warnings":[' .. table.concat(warnings, ",") .. "]"
end
local hosts = {}
for host, options in pairs(configmanager.getconfig()) do
    local items = {}
    for key, value in pairs(options) do
        if type(key) == "string" then items[#items + 1] = json_string(key) .. ":" .. json_value(value, 0) end
    end
    hosts[#hosts + 1] = json_string(host) .. ":{" .. table.concat(items, ",") .. "}"
end
out[#out + 1] = '"hosts":{' .. table.concat(hosts, ",") .. "}"
local names = {}
for name in pairs(config_files) do names[#names + 1] = json_string(name) end
out[#out + 1] = '"files":[' .. table.concat(names, ",") .. "]"
names = {}
for name in pairs(used) do names[#names + 1] = json_string(name) end
out[#out + 1] = '"used":[' .. table.concat(names, ",") .. "]"
out[#out + 1] = '"problems":' .. json_records(problems, { "code", "subject", "text", "file", "line" })
out[#out + 1] = '"undefined":' .. json_records(undefined, { "name", "file", "line" })
out[#out + 1] = '"assignments":' .. json_records(assignments, { "host", "key", "file", "line", "kind" })
write("{" .. table.concat(out, ",") .. "}")
"""
