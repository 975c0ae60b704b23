# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runner: ask a running Prosody what it holds, and make it do one action; all through the admin socket."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import (
    AdminCommandFailed,
    AdminSocket,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.listening import (
    LISTENING,
    Listening,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.listening import (
    read as read_listening,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_json import ENCODER, readable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import quote
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.module_status import STATUS_NOW
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import (
    Model,
    from_json,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.planner import Action, Loaded


class ActionFailed(XmppError):
    """Prosody refused, or failed at, one action; the text is its own."""


@dataclass(frozen=True)
class Certified:
    """The certificate a host is to serve on a service: paths, or why no TLS context can be made of them."""

    host: str
    service: str
    name: str
    certificate: str
    key: str
    error: str


@dataclass(frozen=True)
class Host:
    """What the probes need to know of an active host or component."""

    name: str
    component: str | None
    modules: frozenset[str]
    missing: tuple[str, ...]
    troubled: Mapping[str, str]
    http: bool


@dataclass(frozen=True)
class State:
    """Everything a running server tells about itself in one answer."""

    loaded: Loaded
    listening: Listening
    hosts: tuple[Host, ...]
    config_file: str
    version: str


# the functions are defined once per connection; globals last as long as it
_DEFINE_ENCODER = "> " + ENCODER.replace("local function encode", "function encode") + "return true, 'defined'"

_STATE = (
    LISTENING
    + STATUS_NOW
    + r"""
local since = tonumber "SINCE"
local mm = require "prosody.core.modulemanager"
local function keys(t) local r = {} for k in pairs(t or {}) do r[#r+1] = k end table.sort(r) return r end
local out = { modules = {}, components = {}, services = {}, hosts = {} }
out.version, out.file = prosody.version, prosody.config_file
local places = { "*" }
for h in pairs(prosody.hosts) do places[#places+1] = h end
for _, h in ipairs(places) do
    local mods = {}
    for name, mod in pairs(mm.get_modules(h) or {}) do
        mods[name] = keys(rawget(mod.module, "dependencies") or (h == "*" and {} or mod.module.dependencies))
        for _, item in ipairs(mod.module.items and mod.module.items["net-provider"] or {}) do
            out.services[item.config_prefix or item.name] = name
        end
    end
    out.modules[h] = mods
end
for h in pairs(prosody.hosts) do
    local wanted, component = mm.get_modules_for_host(h)
    local info = { component = component or false, missing = {}, troubled = {}, http = false }
    out.components[h] = component or false
    local function look(name)
        local mod = mm.get_module(h, name) or mm.get_module("*", name)
        if not mod then info.missing[#info.missing+1] = name return end
        local status, text = status_now(mod, since)
        if status == "error" then info.troubled[name] = text end
    end
    for name in wanted do look(name) end
    if component then look(component) end
    for name, mod in pairs(mm.get_modules(h) or {}) do
        local items = rawget(mod.module, "items")
        if items and items["http-provider"] and #items["http-provider"] > 0 then info.http = true end
        -- storages are asked on their own
        if name:match("^auth_") then look(name) end
    end
    out.hosts[h] = info
end
out.listening = listening()
return true, encode(out)
"""
)

_CONFIG = """
return true, encode({ hosts = require "prosody.core.configmanager".getconfig() })
"""

_CERTIFICATES = r"""
local cm, mm = require "prosody.core.configmanager", require "prosody.core.modulemanager"
local pm = require "prosody.core.portmanager"
local certs = require "prosody.core.certmanager"
local out = {}
local function add(host, service, name, ctx, err, cfg)
    cfg = cfg or {}
    local cert, key = cfg.certificate and tostring(cfg.certificate) or "", cfg.key and tostring(cfg.key) or ""
    local why = ctx and "" or tostring(err)
    for _, file in ipairs(ctx and {} or { cert, key }) do
        local handle, reason = io.open(file)
        if handle then handle:close() elseif file ~= "" then why = why .. "; Prosody cannot open " .. reason end
    end
    out[#out+1] = { host, service, name, cert, key, why }
end
local direct = {}
for name, _, _, _, active in pm.get_active_services():iter(nil, nil, nil, nil) do
    if active.tls_cfg then direct[name] = active end
end
for host in pairs(prosody.hosts) do
    local parent = host:match("%.(.*)$")
    local ssl = cm.rawget(host, "ssl") or cm.rawget(parent, "ssl") or {}
    local function starttls(service)
        local own = cm.rawget(host, service .. "_ssl") or cm.rawget(parent, service .. "_ssl") or {}
        local common = cm.rawget("*", service .. "_ssl") or {}
        add(host, service, host, certs.create_context(host, "server", own, ssl, common))
    end
    local function has(name) return mm.is_loaded(host, name) end
    if has "tls" then
        if has "c2s" and has "saslauth" then starttls "c2s" end
        if has "s2s" then starttls "s2s" end
    end
    local http = false
    for _, mod in pairs(mm.get_modules(host) or {}) do
        local items = rawget(mod.module, "items")
        if items and items["http-provider"] and #items["http-provider"] > 0 then http = true end
    end
    for name, active in pairs(direct) do
        local c2s, s2s = name == "c2s_direct_tls", name == "s2s_direct_tls"
        local clients = c2s and has "c2s" and has "saslauth"
        if clients or (s2s and has "s2s") or (name == "https" and http) then
            local other = cm.get(host, name .. "_host") or (name == "https" and cm.get(host, "http_host"))
            local own = other or host
            local found = certs.find_host_cert(own) or {}
            local cfg = cm.get(host, (active.service.config_prefix or name) .. "_ssl") or {}
            local cert = cfg.certificate or found.certificate or active.tls_cfg.certificate
            local key = cfg.key or found.key or active.tls_cfg.key
            add(host, name, own, cert, "no certificate was found for " .. own, { certificate = cert, key = key })
        end
    end
end
return true, encode(out)
"""

_STORAGE = (
    STATUS_NOW
    + r"""
local mm = require "prosody.core.modulemanager"
local sm, cm = require "prosody.core.storagemanager", require "prosody.core.configmanager"
local out = {}
for host, session in pairs(prosody.hosts) do
    local store = session.type == "local" and "accounts" or "config"
    local storage = cm.get(host, "storage")
    local wanted = type(storage) == "table" and storage[store] or type(storage) == "string" and storage
    wanted = wanted or cm.get(host, "default_storage") or "internal"
    local ok, err = pcall(function ()
        local _, name = sm.get_driver(host, store)
        if name ~= wanted then error("the storage driver " .. wanted .. " could not be loaded", 0) end
        local opened, why = sm.open(host, store, "keyval")
        if not opened then error(tostring(why), 0) end
        local value, problem = opened:get("xmpp-probe")
        if value == nil and problem then error(tostring(problem), 0) end
    end)
    out[#out+1] = { host, wanted, ok and "" or tostring(err) }
    for name, mod in pairs(mm.get_modules(host) or {}) do
        local driver = name:match "^storage_(.*)"
        if driver and driver ~= wanted then
            local status, text = status_now(mod, 0)
            out[#out+1] = { host, driver, status == "error" and text or "" }
        end
    end
end
return true, encode(out)
"""
)

_APPLY = r"""
local cm, hm = require "prosody.core.configmanager", require "prosody.core.hostmanager"
local mm = require "prosody.core.modulemanager"
function change(action, target, hosts)
    if action == "config:reload" then
        local ok, err = prosody.reload_config()
        return ok and "" or tostring(err or "the configuration could not be read")
    elseif action == "host:activate" then
        if not rawget(cm.getconfig(), target) then return "the host is not in the configuration" end
        local ok, err = hm.activate(target)
        return ok and "" or tostring(err)
    elseif action == "host:deactivate" then
        local ok, err = hm.deactivate(target, "This service is being reconfigured")
        return ok and "" or tostring(err)
    end
    local what = action:match("^module:(%a+)$")
    for _, host in ipairs(hosts) do
        local there = mm.is_loaded(host, target)
        local ok, err = true, nil
        if what == "load" then
            if not there then ok, err = mm.load(host, target) end
            if not ok and err == "global-module-already-loaded" then ok = true end
        elseif what == "unload" then
            if there then ok, err = mm.unload(host, target) end
        elseif there then ok, err = mm.reload(host, target)
        elseif host ~= "*" then ok, err = mm.load(host, target) end
        if not ok then return host .. ": " .. tostring(err or "unknown error, see the log"):match("^[^\n]*") end
    end
    return ""
end
return true, "defined"
"""


class Live:
    """A running Prosody, asked and commanded over one connection.

    since: from which moment on (seconds since the epoch) the errors that modules remember count. What a module said
    earlier need not be true any more; not given, none of it counts.
    """

    def __init__(self, admin: AdminSocket, since: float | None = None) -> None:
        self._admin = admin
        self._since = int(time.time() + 86400 if since is None else since)
        admin.command(_DEFINE_ENCODER)
        admin.lua(_APPLY)

    def state(self) -> State:
        """What is loaded, which ports are held, what is missing; one round trip."""
        return read_state(self._admin.lua_json(_STATE.replace("SINCE", str(self._since))))

    def config(self) -> Model:
        """The configuration as the server holds it in memory."""
        return from_json(self._admin.lua_json(_CONFIG))

    def certificates(self) -> list[Certified]:
        """Which certificate each host is to serve at each TLS service, by Prosody's own search."""
        rows = _rows(self._admin.lua_json(_CERTIFICATES))
        return sorted((Certified(*row) for row in rows), key=lambda item: (item.host, item.service))

    def storage(self) -> list[tuple[str, str, str]]:
        """One query for each host and storage through the server: (host, driver, error or "")."""
        return sorted((row[0], row[1], row[2]) for row in _rows(self._admin.lua_json(_STORAGE)))

    def apply(self, action: Action) -> None:
        """Do one action that needs no restart; raises ActionFailed with Prosody's reason."""
        # names came with one character per byte, and go as what they are
        hosts = "{" + ", ".join(quote(readable(host)) for host in action.hosts) + "}"
        try:
            reason = self._admin.lua(
                f"return true, change({quote(action.action)}, {quote(readable(action.target))}, {hosts}) .. '.'"
            )
        except AdminCommandFailed as error:
            raise ActionFailed(f"{action.action} {action.target}: {error}") from error
        if reason != ".":
            raise ActionFailed(f"{action.action} {action.target}: {reason[:-1]}")


def _rows(data: Any) -> list[list[Any]]:
    return list(data) if isinstance(data, list) else []


def _names(data: Any) -> tuple[str, ...]:
    return tuple(data) if isinstance(data, list) else ()


def read_state(data: Mapping[str, Any]) -> State:
    """The decoded answer to the question for the state → State."""
    modules = {
        host: {name: _names(needs) for name, needs in dict(found).items()} for host, found in data["modules"].items()
    }
    components = {host: component or None for host, component in data["components"].items()}
    hosts = tuple(
        Host(
            name,
            info["component"] or None,
            frozenset(modules.get(name, {})),
            tuple(sorted(_names(info["missing"]))),
            dict(info["troubled"]),
            bool(info["http"]),
        )
        for name, info in sorted(data["hosts"].items())
    )
    loaded = Loaded(modules, components, dict(data["services"]))
    return State(loaded, read_listening(data["listening"]), hosts, data["file"], data["version"])
