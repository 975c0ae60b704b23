# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What runs inside the server: which modules it has, and loading, reloading and unloading them.

LIBRARY defines a table `MODULES` that lasts as long as the connection. Every operation answers with JSON of what it has
done, with the errors that modules logged meanwhile; the server's own answer to a module that does not load is one line
of many, and the log has the rest.

Source: Prosody 13's core/modulemanager.lua, util/pluginloader.lua, util/startup.lua, and module:reload of
modules/mod_admin_shell.lua.
"""

from __future__ import annotations

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import as_command

LIBRARY = r"""
local mm = require "prosody.core.modulemanager"
local json, array = require "prosody.util.json", require "prosody.util.array"
local logger, lfs = require "prosody.util.logger", require "lfs"
local now = require "prosody.util.time".now
local M = {}
MODULES = M
local function names(t)
    local result = array()
    for name in pairs(t or {}) do result:push(name) end
    return result:sort()
end
local function order()
    local hosts = names(prosody.hosts)
    table.insert(hosts, 1, "*")
    return hosts
end
local function packaged(package)
    local result = array()
    local file = io.open("/var/lib/dpkg/info/"..package..".list")
    if not file then return result end
    for line in file:lines() do
        local name = line:match("/modules/.*mod_([%w_]+)%.lua$")
        if name then result:push(name) end
    end
    file:close()
    return result
end
function M.state()
    local out = {
        lua = _VERSION:match("5%.%d+$"), version = tostring(prosody.version),
        plugins = tostring(prosody.paths.plugins), source = tostring(prosody.paths.source),
        features = names(require "prosody.core.features".available._items), available = {}, hosts = {},
        core = packaged "prosody", distribution = packaged "prosody-modules",
    }
    for directory in out.plugins:gmatch("[^;]+") do
        local list = array()
        out.available[directory] = list
        local ok, iterate, state = pcall(lfs.dir, directory)
        if ok then
            for entry in iterate, state do
                local name = entry:match("^mod_([%w_]+)%.lua$") or entry:match("^mod_([%w_]+)$")
                    or lfs.attributes(directory.."/"..entry.."/mod_"..entry..".lua", "mode") and entry
                if name then list:push(name) end
            end
        end
    end
    for _, host in ipairs(order()) do
        local entry = { loaded = {}, enabled = array() }
        out.hosts[host] = entry
        for name, module in pairs(mm.get_modules(host) or {}) do
            entry.loaded[name] = tostring(module.module.path or "")
        end
        if host ~= "*" then
            for name in mm.get_modules_for_host(host) do entry.enabled:push(name) end
            entry.enabled:sort()
        end
    end
    return true, json.encode(out)
end
function M.find(arguments)
    local out = {}
    for _, name in ipairs(json.decode(arguments)) do
        local code, path = mm.loader:load_code(name)
        out[name] = code and { path = path } or { error = tostring(path or "it is not for this Prosody, see its log") }
    end
    return true, json.encode(out)
end
local function brief(err)
    return tostring(err or "no reason given"):match("^[^\n]+")
end
local function watched(run)
    local logged = array()
    local function sink(name, level, message)
        if #logged < 10 then logged:push(("%s %s: %s"):format(level, name, tostring(message):match("^[^\n]*"))) end
    end
    local handle = logger.add_simple_sink(sink, { "error", "warn" })
    local ok, err = pcall(run)
    logger.remove_sink(handle)
    return { done = ok, error = not ok and tostring(err) or nil, log = logged }
end
local function check(host, name, what, since)
    local module = mm.get_module(host, name) or mm.get_module("*", name)
    if not module then error(("mod_%s is not loaded on %s after %s"):format(name, host, what), 0) end
    local status, text, time = module.module:get_status()
    -- a status is remembered: one from before says nothing about what was done now
    if (time or 0) < since then return end
    if status == "error" or status == "warn" and text == "Error during load (see log)" then
        error(("mod_%s on %s is in state %s: %s"):format(name, host, status, tostring(text)), 0)
    end
end
function M.load(host, name)
    local began = now()
    return true, json.encode(watched(function ()
        local ok, err = mm.load(host, name)
        if not ok and err ~= "module-already-loaded" and err ~= "global-module-already-loaded" then
            error(("mod_%s does not load on %s: %s"):format(name, host, brief(err)), 0)
        end
        check(host, name, "loading it", began)
    end))
end
function M.unload(name)
    return true, json.encode(watched(function ()
        local hosts = order()
        for i = #hosts, 1, -1 do
            if mm.is_loaded(hosts[i], name) then
                local ok, err = mm.unload(hosts[i], name)
                if not ok then error(("mod_%s does not unload from %s: %s"):format(name, hosts[i], brief(err)), 0) end
            end
        end
    end))
end
function M.reload(name)
    local began = now()
    return true, json.encode(watched(function ()
        local hosts = array()
        for _, host in ipairs(order()) do if mm.is_loaded(host, name) then hosts:push(host) end end
        for _, host in ipairs(hosts) do
            local ok, err = true
            if mm.is_loaded(host, name) then ok, err = mm.reload(host, name) end
            if not ok then error(("mod_%s does not reload on %s: %s"):format(name, host, brief(err)), 0) end
            check(host, name, "reloading it", began)
        end
    end))
end
function M.remember()
    M.before = {}
    for _, host in ipairs(order()) do
        M.before[host] = {}
        for name in pairs(mm.get_modules(host) or {}) do M.before[host][name] = true end
    end
    return true, "remembered"
end
function M.restore()
    return true, json.encode(watched(function ()
        local before, failed = M.before, {}
        for _, host in ipairs(order()) do
            for _, name in ipairs(names(mm.get_modules(host))) do
                if before[host] and not before[host][name] then mm.unload(host, name) end
            end
        end
        for _, host in ipairs(order()) do
            for _, name in ipairs(names(before[host])) do
                if not mm.is_loaded(host, name) and not mm.load(host, name) and not mm.is_loaded(host, name) then
                    failed[#failed + 1] = name.." on "..host
                end
            end
        end
        if failed[1] then error("these modules could not be loaded again: "..table.concat(failed, ", "), 0) end
    end))
end
return true, "ready"
"""


def library() -> str:
    """Return LIBRARY without its indentation, as the one command that it fits into."""
    return as_command(LIBRARY)
