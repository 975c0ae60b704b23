-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Keeps Prosody alive when PostgreSQL was away. A statement of LuaDBI points to its connection without keeping it: where the connection
-- is collected first, because nothing could be connected for a while, the end of the statement reads freed memory, and Prosody crashes
-- or hangs (LuaDBI 0.7, dbd/postgresql/statement.c; util/sql.lua lets go of the connection long before the statements).
-- Here each statement holds its connection as its user value, so that the connection is collected with the last of them.
module:set_global();

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
