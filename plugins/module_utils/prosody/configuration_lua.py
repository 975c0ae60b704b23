# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Lua program that reads a configuration through Prosody's own core/configmanager.lua and prints it as JSON.

It takes everything from standard input, one item a line, then the text of the configuration itself:

    "judge" or "compare"
    directory of Prosody's sources
    data directory, configuration directory
    path under which the configuration is to be read (relative paths in it resolve against its directory)
    number of files that will exist although they do not yet, then their paths
    text of the configuration

"judge" is for the linter: it says where each option was set, and values with their Lua types. What the configuration
could do to the machine beyond being read (run commands, write or remove files, leave) is refused and reported. Text
that came out of a file through FileLine, FileContents, FileLines or Credential is not printed: only its path.

"compare" is for who compares what two configurations say, one of them perhaps in a running server: everything is as the
server would read it from the file at that path (the text that is given does not count), values are plain, secrets among
them.

The answer follows a mark, as a configuration may print, too.
"""

from __future__ import annotations

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_json import ENCODER

#: What stands before the answer.
MARK = "\0configuration\0"

SCRIPT = (
    ENCODER
    + r"""
local getinfo, getupvalue, setupvalue = debug.getinfo, debug.getupvalue, debug.setupvalue
local open, write = io.open, io.write
local judging = io.read("l") == "judge"
local source, data_path, config_path = io.read("l"), io.read("l"), io.read("l")
local as_path = io.read("l")
local pending = {}
for _ = 1, tonumber(io.read("l")) do pending[io.read("l")] = true end
local content = io.read("a")

local function answer(data) write("\0configuration\0" .. encode(data) .. "\n") end

-- Values with their types --------------------------------------------------------------------------------------
local secrets = {} -- text -> where it came from

local function typed(v, depth)
    depth = depth or 0
    local kind = math.type(v) or type(v)
    if kind == "boolean" or kind == "integer" or kind == "nil" then return v
    elseif kind == "float" then return { t = "float", v = v ~= v and "nan" or ("%.17g"):format(v) }
    elseif kind == "string" then
        if secrets[v] then return { t = "secret", v = secrets[v] } end
        for text, where in pairs(secrets) do
            if #text >= 4 and v:find(text, 1, true) then return { t = "secret", v = where } end
        end
        return v
    elseif kind == "table" and depth < 12 then -- three levels of JSON for each
        local option = rawget(v, "option_name")
        if option and getmetatable(v) then -- what reading an option in the configuration gives: no value, but a handle
            return { t = "handle of the option " .. tostring(option) }
        end
        local out, seen = {}, {}
        for i = 1, rawlen(v) do
            seen[i] = true
            local item = rawget(v, i)
            if item ~= nil then out[#out + 1] = { i, typed(item, depth + 1) } end
        end
        for k, item in next, v do
            if not seen[k] then out[#out + 1] = { typed(k, depth + 1), typed(item, depth + 1) } end
        end
        return { t = "table", v = out }
    end
    return { t = kind == "table" and "deep table" or kind }
end

local function hidden(records) -- what is told of them may quote a value
    for _, record in ipairs(records) do record.subject, record.text = typed(record.subject), typed(record.text) end
    return records
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
    if not judging then return end
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
    return answer { fatal = tostring(reason) }
end

-- luacheck: globals os io print
-- The configuration may compute, but not act -------------------------------------------------------------------
local function refused(name)
    return function (what)
        problem("refused", name, tostring(what))
        return nil, name .. " is not run by the linter"
    end
end
if judging then
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
end

local found, configmanager = pcall(require, "prosody.core.configmanager")
if not found then
    return answer { fatal = tostring(configmanager) }
end
for i = 1, judging and 20 or 0 do
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
if not judging then
    local credentials = os.getenv "CREDENTIALS_DIRECTORY"
    if credentials then configmanager.set_credentials_directory(credentials)
    else configmanager.set_credential_fallback_mode "warn" end
end

local ran, ok, level, detail = pcall(configmanager.load, as_path, "lua")
if not ran then ok, level, detail = nil, "parser", ok end

local out = { lua = _VERSION:match("%d+%.%d+"), path = package.path, cpath = package.cpath }
if not ok then
    out.error, out.level = tostring(detail), tostring(level)
elseif type(detail) == "table" then
    out.warnings = {}
    for i, text in ipairs(detail) do out.warnings[i] = tostring(text) end
end
if not judging then
    if ok then out.hosts, out.files = configmanager.getconfig(), configmanager.files() end
    return answer(out)
end
out.hosts, out.files, out.used = {}, {}, {}
for host, options in pairs(configmanager.getconfig()) do
    out.hosts[host] = {}
    for key, value in pairs(options) do
        if type(key) == "string" then out.hosts[host][key] = typed(value) end
    end
end
for name in pairs(config_files) do out.files[#out.files + 1] = name end
for name in pairs(used) do out.used[#out.used + 1] = name end
out.problems, out.undefined, out.assignments = hidden(problems), undefined, assignments
answer(out)
"""
)
