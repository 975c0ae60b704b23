# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one question that is put to the server: Lua that gathers its state and returns it as JSON.

It reads names and numbers only. Of the options it reads just those that cannot hold a secret; of a certificate file
just its first certificate. It stays under the 10,000 bytes of a command of the admin socket.

Source: Prosody 13's core/modulemanager.lua, core/portmanager.lua, core/certmanager.lua, modules/mod_admin_shell.lua and
modules/mod_component.lua.
"""

from __future__ import annotations

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.listening import LISTENING
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import as_command
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.module_status import STATUS_NOW

GATHER = (
    LISTENING
    + STATUS_NOW
    + r"""
local cm, mm = require "prosody.core.configmanager", require "prosody.core.modulemanager"
local certs = require "prosody.core.certmanager"
local json, array = require "prosody.util.json", require "prosody.util.array"
local shell = mm.get_module("*", "admin_shell").module
local config = cm.getconfig()
local out = {
    version = tostring(prosody.version), time = os.time(), started = prosody.start_time,
    plugin_paths = tostring(prosody.paths.plugins), source_path = tostring(prosody.paths.source),
    config_file = tostring(prosody.config_file), data_path = tostring(prosody.paths.data),
    hosts = {}, modules = {}, problems = array(), ports = array(), pems = {},
    sessions = { c2s = 0, c2s_unauthenticated = 0, s2s_in = 0, s2s_out = 0, hosts = {} },
    drift = { activate = array(), deactivate = array(), load = array(), unload = array() },
}
local function sorted(t)
    local names = array()
    for name in pairs(t or {}) do names:push(name) end
    return names:sort()
end
local function pem(path)
    if type(path) ~= "string" then return nil end
    if out.pems[path] == nil then
        local file = io.open(path)
        local text = file and file:read("a")
        if file then file:close() end
        local line = "%-%-%-%-%-"
        local block = line.."BEGIN CERTIFICATE"..line..".-"..line.."END CERTIFICATE"..line
        out.pems[path] = text and text:match(block) or false
    end
    return path
end
local function found(name)
    local ok, cert = pcall(certs.find_host_cert, name)
    return ok and cert and pem(cert.certificate) or nil
end
local function texts(value)
    if type(value) ~= "table" then return type(value) == "string" and { default = value } or {} end
    local result = {}
    for k, v in pairs(value) do
        if type(k) == "string" and type(v) == "string" then result[k] = v end
    end
    return result
end
local function count(where, host)
    local s = out.sessions
    s[where] = s[where] + 1
    if host and prosody.hosts[host] then
        local h = s.hosts[host] or { c2s = 0, c2s_unauthenticated = 0, s2s_in = 0, s2s_out = 0 }
        s.hosts[host] = h
        h[where] = h[where] + 1
    end
end
local seen = {}
for _, list in ipairs { prosody.full_sessions, shell:shared "/*/c2s/sessions", shell:shared "/*/bosh/sessions" } do
    for _, session in pairs(list) do
        if not seen[session] then
            seen[session] = true
            count(session.type == "c2s" and "c2s" or "c2s_unauthenticated", session.host)
        end
    end
end
for _, session in pairs(shell:shared "/*/s2s/sessions") do
    if session.direction == "outgoing" then count("s2s_out", session.host or session.from_host)
    else count("s2s_in", session.host or session.to_host) end
end
local function modules_of(host)
    local loaded = mm.get_modules(host) or {}
    out.modules[host] = sorted(loaded)
    for _, name in ipairs(out.modules[host]) do
        local status, text = status_now(loaded[name], 0)
        if status == "warn" or status == "error" then
            out.problems:push { host = host, module = name, status = status, message = text }
        end
    end
end
modules_of "*"
local everywhere = mm.get_modules("*") or {}
local function needed(module, host)
    for name in pairs(module.module.reverse_dependencies or {}) do
        if mm.is_loaded(host, name) or everywhere[name] then return true end
    end
    return false
end
if everywhere.measure_peers then out.peers = everywhere.measure_peers.failing() end
local names = {}
for host in pairs(config) do if host ~= "*" then names[host] = true end end
for host in pairs(prosody.hosts) do names[host] = true end
for host in pairs(names) do
    local session, own = prosody.hosts[host], rawget(config, host)
    local enabled = own ~= nil and own.enabled ~= false
    local component = cm.get(host, "component_module")
    local entry = {
        configured = own ~= nil, enabled = enabled, active = session ~= nil,
        type = (session and session.type == "component" or not session and component) and "component" or "host",
        component = component, http_host = cm.get(host, "http_host"), certificate = found(host),
        storage = texts(cm.get(host, "storage")), default_storage = texts(cm.get(host, "default_storage")).default,
    }
    entry.http_certificate = type(entry.http_host) == "string" and found(entry.http_host) or nil
    entry.authentication = texts(cm.get(host, "authentication")).default or "internal_hashed"
    out.hosts[host] = entry
    if session then
        modules_of(host)
        local loaded = mm.get_modules(host) or {}
        local external = loaded.component
        if component == "component" then entry.connected = (external and external.connected) and true or false end
        entry.drivers = array()
        for name in pairs(loaded) do
            local driver = name:match("^storage_(.+)$")
            if driver then entry.drivers:push(driver) end
        end
        entry.drivers:sort()
    end
    if enabled and not session then out.drift.activate:push(host)
    elseif session and not enabled then out.drift.deactivate:push(host)
    elseif session then
        local loaded, want, main = mm.get_modules(host) or {}, mm.get_modules_for_host(host)
        if main and not loaded[main] then out.drift.load:push { host = host, module = main } end
        for name in want do
            if not loaded[name] and not everywhere[name] then out.drift.load:push { host = host, module = name } end
        end
        for name, module in pairs(loaded) do
            if not want:contains(name) and name ~= main and not needed(module, host)
            and not name:match("^storage_") and not name:match("^authz?_") then
                out.drift.unload:push { host = host, module = name }
            end
        end
    end
end
for _, held in ipairs(listening().held) do
    held.direct_tls, held.certificate = held.encryption == "ssl", pem(held.certificate)
    out.ports:push(held)
end
local has, pposix = pcall(require, "prosody.util.pposix")
local memory = has and pposix.meminfo and pposix.meminfo() or {}
out.memory = { lua = math.floor(collectgarbage "count" * 1024), used = memory.used,
    allocated = memory.allocated and memory.allocated + (memory.allocated_mmap or 0) }
return true, json.encode(out)
"""
)


def command() -> str:
    """Return the chunk without its indentation, so that it stays well under the limit of a command."""
    return as_command(GATHER)
