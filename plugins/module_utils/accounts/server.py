# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The half that runs inside Prosody: Lua that reads and writes accounts, and the literals it is fed with. Pure text.

Reads and creations bypass usermanager, because one transaction for many accounts is a hundred times faster; whatever
concerns an account that may have sessions goes through usermanager and fires the events that cut them.
Sources: core/usermanager.lua, modules/mod_auth_internal_hashed.lua, mod_authz_internal.lua, mod_storage_sql.lua,
mod_flags.lua of Prosody 13.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.model import Step, Wanted
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import quote
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.scram import Verifier

# Each entry is one command, to be sent in this order once per connection.
DEFINITIONS = (
    r"""
xa = {}
xa.um = require "prosody.core.usermanager"
xa.json = require "prosody.util.json"
-- lets other users of the server have their turn; fifty milliseconds are below what anyone notices
local clock, sleep = require "prosody.util.time".now, require "prosody.util.async".sleep
local last = clock()
function xa.breathe()
  if clock() - last > 0.05 then sleep(0.001); last = clock() end
end
function xa.begin() last = clock() end

local sm, mm = require "prosody.core.storagemanager", require "prosody.core.modulemanager"
local cm = require "prosody.core.configmanager"
local jid = require "prosody.util.jid"

local function keys(t) local out = {}; for k in pairs(t) do out[#out + 1] = k end; return out end

local function local_parts(admins, host)
  local out = {}
  for _, admin in ipairs(type(admins) == "table" and admins or {}) do
    local node, domain = jid.prepped_split(admin)
    if node and domain == host then out[#out + 1] = node end
  end
  return out
end

-- the SQL engine behind a store, when it is one whose tables we know
local function engine_of(host, name, store)
  local _, driver = sm.get_driver(host, name)
  if driver ~= "sql" or type(store.get) ~= "function" then return end
  for i = 1, 100 do
    local upvalue, value = debug.getupvalue(store.get, i)
    if upvalue == nil then return end
    if upvalue == "engine" and type(value) == "table" and value.params then
      return (value.params.driver == "PostgreSQL" or value.params.driver == "SQLite3") and value or nil
    end
  end
end

function xa.open(name)
  local session = prosody.hosts[name]
  if not session then return true, xa.json.encode { refused = "no-such-host", hosts = keys(prosody.hosts) } end
  if session.type ~= "local" then return true, xa.json.encode { refused = "component" } end
  local provider = session.users and session.users.name
  if provider ~= "internal_hashed" then
    return true, xa.json.encode { refused = "authentication", provider = tostring(provider) }
  end
  local authz = mm.get_module(name, "authz_internal")
  if not authz then
    return true, xa.json.encode { refused = "authorization", provider = tostring(cm.get(name, "authorization")) }
  end
  xa.host, xa.stores, xa.engine = name, {}, nil
  for _, store in ipairs { "accounts", "account_roles", "account_flags", "account_details", "account_activity" } do
    xa.stores[store] = sm.open(name, store)
  end
  local engine = engine_of(name, "accounts", xa.stores.accounts)
  if engine and engine == engine_of(name, "account_roles", xa.stores.account_roles) then xa.engine = engine end
  xa.engines = {}
  for store, opened in pairs(xa.stores) do xa.engines[store] = engine_of(name, store, opened) end
  xa.default_role = authz.module:get_option_string("default_user_role", "prosody:registered")
  xa.flags = mm.get_module(name, "flags")
  return true, xa.json.encode {
    name = name,
    mechanisms = keys(session.users.get_sasl_handler(session):mechanisms()),
    iterations = mm.get_module(name, "auth_internal_hashed").module:get_option_integer(
      "default_iteration_count", 10000, 4096),
    roles = keys(xa.um.get_all_roles(name)),
    default_role = xa.default_role,
    flags = xa.flags ~= nil,
    operators = local_parts(cm.get("*", "admins"), name),
    admins = local_parts(cm.get(name, "admins"), name),
  }
end
return true, ""
""",
    r"""
function xa.names()
  local out = {}
  for name in xa.stores.accounts:users() do out[#out + 1] = name end
  return true, xa.json.encode(out)
end

-- the rows of the named users as JSON, made by the database itself, which is ten times faster than making it here;
-- with " and ~ exchanged, because escaping every " for XML takes longer than all the rest
local dialects = {
  PostgreSQL = { 'json_agg(json_build_array("user","store","key","type","value"))::text', "chr(1)" },
  SQLite3 = { 'json_group_array(json_array("user","store","key","type","value"))', "char(1)" },
}
local function from_engine(engine, stores, names, unused)
  local rows, mark = table.unpack(dialects[engine.params.driver])
  local sql = ([[SELECT replace(replace(replace(%s, '"', %s), '~', '"'), %s, '~') FROM "prosody" WHERE "host"=?]]
    .. [[ AND "store" IN (%s) AND "user" IN (%s) AND NOT ("store"='accounts' AND "key" IN (%s))]]):format(
      rows, mark, mark, ("?"):rep(#stores, ","), ("?"):rep(#names, ","), ("?"):rep(#unused, ","))
  local arguments = { xa.host }
  for _, list in ipairs { stores, names, unused } do
    table.move(list, 1, #list, #arguments + 1, arguments)
  end
  local text
  local ok, err = engine:transaction(function ()
    for row in engine:select(sql, table.unpack(arguments)) do text = row[1] end
  end)
  if not ok then error("cannot read accounts from the database: " .. tostring(err), 0) end
  return text or "[]"
end

-- { data = { { user, store, { key → value } }… }, online = { user → sessions } }, and then, each after a tab, for every
-- database { { user, store, key, type, value }… }
function xa.read(names, extra)
  xa.begin()
  local function asked(letter) return extra:find(letter, 1, true) end
  local wanted, unused = { "accounts", "account_roles" }, { "" }
  if asked "f" then wanted[#wanted + 1] = "account_flags" end
  if asked "t" then wanted[#wanted + 1] = "account_details" end
  if asked "a" then wanted[#wanted + 1] = "account_activity" end
  if not asked "c" then table.move({ "created", "updated" }, 1, 2, #unused + 1, unused) end
  if not asked "k" then table.move({ "salt", "server_key", "iteration_count" }, 1, 3, #unused + 1, unused) end
  local by_engine, others = {}, {}
  for _, store in ipairs(wanted) do
    local engine = xa.engines[store]
    if engine then
      by_engine[engine] = by_engine[engine] or {}
      table.insert(by_engine[engine], store)
    else
      others[#others + 1] = store
    end
  end
  local parts, data, online = { "" }, {}, {}
  for engine, stores in pairs(by_engine) do parts[#parts + 1] = from_engine(engine, stores, names, unused) end
  for _, name in ipairs(names) do
    for _, store in ipairs(others) do
      local fields, err = xa.stores[store]:get(name)
      if fields and next(fields) then data[#data + 1] = { name, store, fields }
      elseif err then error(("cannot read %s of %s: %s"):format(store, name, tostring(err)), 0)
      end
    end
    if others[1] then xa.breathe() end
    local user = prosody.hosts[xa.host].sessions[name]
    if user then
      local count = 0
      for _ in pairs(user.sessions) do count = count + 1 end
      online[name] = count
    end
  end
  parts[1] = xa.json.encode { data = data, online = online }
  return true, table.concat(parts, "\t")
end
return true, ""
""",
    r"""
-- statements of few different sizes, because Prosody keeps every prepared one; of over 999 values LuaDBI makes garbage
local function insert(engine, rows)
  local position, left = 1, #rows
  local size = 128
  while left > 0 do
    while size > left do size = size // 2 end
    local sql = 'INSERT INTO "prosody" ("host","user","store","key","type","value") VALUES '
      .. ("(?,?,?,?,?,?)"):rep(size, ",")
    local arguments = {}
    for i = position, position + size - 1 do
      local row = rows[i]
      local n = #arguments
      arguments[n + 1], arguments[n + 2], arguments[n + 3] = xa.host, row[1], row[2]
      arguments[n + 4], arguments[n + 5], arguments[n + 6] = row[3], type(row[4]), tostring(row[4])
    end
    engine:insert(sql, table.unpack(arguments))
    position, left = position + size, left - size
  end
end

local function account_data(item, now)
  return {
    salt = item[2], stored_key = item[3], server_key = item[4], iteration_count = item[5],
    created = now, updated = now, disabled = item[6] or nil,
  }
end

-- the same for PostgreSQL: all in one value, which the database takes apart, as binding each takes longest
local from_json = [[
  INSERT INTO "prosody" ("host","user","store","key","type","value")
  SELECT ?, item->>'name', field.store, field.key, field.type, field.value FROM json_array_elements(?::json) AS item,
  LATERAL (
    SELECT 'accounts' AS store, known.key, known.type, known.value FROM (VALUES
      ('salt', 'string', item->>'salt'), ('stored_key', 'string', item->>'stored_key'),
      ('server_key', 'string', item->>'server_key'), ('iteration_count', 'number', item->>'iteration_count'),
      ('created', 'number', item->>'created'), ('updated', 'number', item->>'updated'),
      ('disabled', 'boolean', item->>'disabled')) AS known (key, type, value) WHERE known.value IS NOT NULL
    UNION ALL SELECT 'account_roles', key, json_typeof(value), value #>> '{}' FROM json_each(item->'roles')
  ) AS field]]
local forget_json = [[DELETE FROM "prosody" WHERE "host"=? AND "store"=? AND "user" IN
  (SELECT item->>'name' FROM json_array_elements(?::json) AS item)]]

local function create_in_postgresql(engine, list, now)
  local items = {}
  for i, item in ipairs(list) do
    local data = account_data(item, now)
    data.name, data.roles = item[1], item[7] or {}
    items[i] = xa.json.encode(data)
  end
  local text = "[" .. table.concat(items, ",") .. "]"
  engine:delete(forget_json, xa.host, "account_roles", text)
  engine:insert(from_json, xa.host, text)
end

-- in one transaction; fails as a whole when one of them exists
local function create_in_sql(engine, list, now)
  -- what an account of the same name left behind must not give this one a role
  if engine.params.driver == "PostgreSQL" then return create_in_postgresql(engine, list, now) end
  local rows = {}
  for _, item in ipairs(list) do
    for key, value in pairs(account_data(item, now)) do rows[#rows + 1] = { item[1], "accounts", key, value } end
    for role, value in pairs(item[7] or {}) do rows[#rows + 1] = { item[1], "account_roles", role, value } end
  end
  for first = 1, #list, 32 do
    local names = {}
    for i = 0, 31 do names[i + 1] = (list[first + i] or list[first])[1] end
    engine:delete('DELETE FROM "prosody" WHERE "host"=? AND "store"=? AND "user" IN (' .. ("?"):rep(32, ",") .. ')',
      xa.host, "account_roles", table.unpack(names))
  end
  insert(engine, rows)
end

local function create_one(item, now)
  local name = item[1]
  if xa.engine then
    local ok, err = xa.engine:transaction(create_in_sql, xa.engine, { item }, now)
    if not ok then
      if xa.stores.accounts:get(name) then return nil, "it exists by now" end
      return nil, tostring(err)
    end
    return true
  end
  if xa.stores.accounts:get(name) then return nil, "it exists by now" end
  local ok, err = xa.stores.account_roles:set(name, item[7])
  if not ok then return nil, tostring(err) end
  ok, err = xa.stores.accounts:set(name, account_data(item, now))
  return ok, not ok and tostring(err) or nil
end

-- takes accounts for the next xa.create: more than fit into one command go into one transaction
-- item: { name, salt, stored key, server key, iterations, disabled, { role → value } }; without keys after the name
-- when nobody is to sign in
local staged = {}
function xa.stage(list)
  table.move(list, 1, #list, #staged + 1, staged)
  return true, ""
end

function xa.create()
  xa.begin()
  local list
  list, staged = staged, {}
  local now, failures = os.time(), {}
  -- for who keeps a trail (mod_audit_trail): usermanager, which says nothing of it either, was gone past
  local made = {}
  local function told() prosody.events.fire_event("xmpp-accounts-created", { host = xa.host, usernames = made }) end
  if xa.engine and xa.engine:transaction(create_in_sql, xa.engine, list, now) then
    for i, item in ipairs(list) do made[i] = item[1] end
    told()
    return true, "{}"
  end
  for _, item in ipairs(list) do
    local called, ok, err = pcall(create_one, item, now)
    if not called then failures[item[1]] = tostring(ok)
    elseif not ok then failures[item[1]] = err or "not stored"
    else made[#made + 1] = item[1]
    end
    xa.breathe()
  end
  told()
  return true, xa.json.encode(failures)
end
return true, ""
""",
    r"""
local step = {}
function step.disable(name) return xa.um.disable_user(name, xa.host) end
function step.enable(name) return xa.um.enable_user(name, xa.host) end
function step.role(name, role) return xa.um.set_user_role(name, xa.host, role) end
function step.add_role(name, role) return xa.um.add_user_secondary_role(name, xa.host, role) end
function step.remove_role(name, role) return xa.um.remove_user_secondary_role(name, xa.host, role) end
function step.delete(name) return xa.um.delete_user(name, xa.host) end
function step.add_flag(name, flag, comment) return xa.flags.add_flag(name, flag, comment ~= "" and comment or nil) end
function step.remove_flag(name, flag) return xa.flags.remove_flag(name, flag) end

function step.contact(name, fields)
  local data, err = xa.stores.account_details:get(name)
  if not data and err then return nil, err end
  data = data or {}
  for key, value in pairs(fields) do data[key] = value ~= "" and value or nil end
  return xa.stores.account_details:set(name, data)
end

-- as set_password of mod_auth_internal_hashed and usermanager, but with keys made elsewhere
function step.password(name, salt, stored_key, server_key, iterations)
  local account, err = xa.stores.accounts:get(name)
  if not account then return nil, err or "the account is gone" end
  account.salt, account.stored_key, account.server_key = salt, stored_key, server_key
  account.iteration_count, account.password, account.updated = iterations, nil, os.time()
  local ok, set_err = xa.stores.accounts:set(name, account)
  if not ok then return nil, set_err end
  prosody.events.fire_event("user-password-changed", { username = name, host = xa.host })
  return true
end

-- item: { name, { verb, argument… }… }; the first step of an account that fails ends it
function xa.change(list)
  xa.begin()
  local failures = {}
  for _, item in ipairs(list) do
    for i = 2, #item do
      local verb = item[i][1]
      local called, ok, err = pcall(step[verb], item[1], table.unpack(item[i], 2))
      if not called then ok, err = nil, ok end
      if not ok then
        failures[item[1]] = verb .. ": " .. tostring(err or "refused")
        break
      end
    end
    xa.breathe()
  end
  return true, xa.json.encode(failures)
end
return true, ""
""",
)

_PLAIN = re.compile(r"[A-Za-z0-9_:.@+-]*")


def literal(value: object) -> str:
    """Return text, a number, a boolean, None, or a mapping of text, as a Lua literal."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"[{literal(key)}]={literal(item)}" for key, item in value.items()) + "}"
    text = str(value)
    return f'"{text}"' if _PLAIN.fullmatch(text) else quote(text)


def created_literal(wanted: Wanted, verifier: Verifier | None, default_role: str) -> str:
    """One entry of the list that ``xa.stage`` takes; the default role is not stored, as Prosody does."""
    roles: dict[str, object] = dict.fromkeys(sorted(wanted.secondary_roles or ()), True)
    if wanted.role is not None and wanted.role != default_role:
        roles["_default"] = wanted.role
    fields: list[object] = [wanted.name, None, None, None, None]
    if verifier:
        fields[1:] = [verifier.salt, verifier.stored_key, verifier.server_key, verifier.iterations]
    fields += [wanted.state == "disabled", roles or None]
    return "{" + ",".join(map(literal, fields)) + "}"


def changed_literal(name: str, steps: Iterable[Step], verifier: Verifier | None = None) -> str:
    """One entry of the list that ``xa.change`` takes; a new verifier goes after an initial ``disable``."""
    pieces = [_step_literal(step) for step in steps]
    if verifier:
        arguments = (verifier.salt, verifier.stored_key, verifier.server_key, verifier.iterations)
        piece = "{" + ",".join(map(literal, ("password", *arguments))) + "}"
        pieces.insert(1 if pieces and pieces[0].startswith('{"disable"') else 0, piece)
    return "{" + ",".join([literal(name), *pieces]) + "}"


def _step_literal(step: Step) -> str:
    return "{" + ",".join(map(literal, (step.verb, *step.arguments))) + "}"


def call(function: str, items: Sequence[str], *arguments: object) -> str:
    """The chunk that calls a function of ``xa`` with a list of items already written as literals."""
    return f"return xa.{function}({','.join(['{' + ','.join(items) + '}', *map(literal, arguments)])})"
