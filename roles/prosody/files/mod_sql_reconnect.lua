-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Keeps Prosody alive when PostgreSQL was away. A statement of LuaDBI points to its connection without keeping it: where the connection
-- is collected first, because nothing could be connected for a while, the end of the statement reads freed memory, and Prosody crashes
-- or hangs (LuaDBI 0.7, dbd/postgresql/statement.c; util/sql.lua lets go of the connection long before the statements).
-- Here each statement holds its connection as its user value, so that the connection is collected with the last of them.
--
-- And a password that is a new one is taken over without a restart: what is connected stays so, and connects by it the next time.
-- mod_storage_sql reads the parameters of a connection once and keeps them with it (engine.params), which engine:connect() of util/sql.lua
-- reads each time.
module:set_global();

local config = require "prosody.core.configmanager";
local db2uri = require "prosody.util.sql".db2uri;

local function same_place(params, wanted)
	for _, name in ipairs({ "driver"; "database"; "username"; "host"; "port" }) do
		if params[name] ~= wanted[name] then return false; end
	end
	return true;
end

local function take_passwords()
	local engines = module:shared("/*/sql/connections");
	local found = {};
	for uri, engine in pairs(engines) do found[uri] = engine; end
	for host in pairs(config.getconfig()) do
		local wanted = config.get(host, "sql");
		for uri, engine in pairs(found) do
			local params = engine.params;
			if type(wanted) == "table" and same_place(params, wanted) and params.password ~= wanted.password then
				params.password = wanted.password;
				-- a host that is activated later looks for the connection by all of the parameters
				engines[uri], engines[db2uri(params)] = nil, engine;
			end
		end
	end
end

module:hook("config-reloaded", take_passwords);
take_passwords(); -- where an earlier version of this module was loaded when it changed

-- Who is refused while the database of a host does not answer has guessed nothing (mod_log_refused_sign_ins and others ask). A
-- connection that could not be had again is nil (engine:transaction of util/sql.lua).
module:hook("accounts-unreachable", function (event)
	local wanted = config.get(event.host, "sql");
	for _, engine in pairs(module:shared("/*/sql/connections")) do
		if engine.conn == nil and type(wanted) == "table" and same_place(engine.params, wanted) then
			return true;
		end
	end
end);

require "DBI".Drivers(); -- loads those that are there

local class = debug.getregistry()["DBD.PostgreSQL.Connection"];
local methods = class and class.__index;
if type(methods) ~= "table" or type(methods.prepare) ~= "function" then
	module:log_status("error", "This LuaDBI is built otherwise: Prosody may crash when PostgreSQL was away");
	return;
end

local prepare = methods.prepare;

function methods.prepare(connection, ...)
	local statement, err = prepare(connection, ...);
	if statement then
		debug.setuservalue(statement, connection);
	end
	return statement, err;
end

-- Where this is loaded into a running server there are statements already.
for _, engine in pairs(module:shared("/*/sql/connections")) do
	for _, statement in pairs(engine.conn and engine.prepared or {}) do
		if debug.getmetatable(statement) == debug.getregistry()["DBD.PostgreSQL.Statement"] then
			debug.setuservalue(statement, engine.conn);
		end
	end
end

function module.unload()
	methods.prepare = prepare;
end
