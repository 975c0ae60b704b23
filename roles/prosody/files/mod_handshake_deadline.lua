-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Ends TLS handshakes that take too long. The time that Prosody gives one (ssl_handshake_timeout) begins anew with each byte that comes
-- (tlshandshake in net/server_epoll.lua), and c2s_timeout begins after it: who says a byte a minute keeps his connection for ever.
module:set_global();

local now = require "prosody.util.time".monotonic;
local services = require "prosody.core.portmanager".get_active_services();

local seconds = module:get_option_period("tls_handshake_deadline", "30 seconds");
local began = setmetatable({}, { __mode = "k" });
local methods, handshake;

local function bounded(conn)
	if not conn._server then
		return handshake(conn); -- a connection that Prosody makes itself
	elseif not began[conn] then
		began[conn] = now();
	elseif now() - began[conn] > seconds then
		module:log("debug", "A TLS handshake took more than %g s", seconds);
		conn:on("disconnect", "TLS handshake too slow");
		return conn:destroy();
	end
	return handshake(conn);
end

local function begin()
	if methods then return; end
	-- what all connections have in common is not exported; a port that is open has it as well
	for _, _, _, _, service in services:iter(nil, nil, nil, nil) do
		local mt = type(service) == "table" and service.server and debug.getmetatable(service.server);
		if mt and type(mt.__index) == "table" and type(mt.__index.tlshandshake) == "function" then
			methods, handshake = mt.__index, mt.__index.tlshandshake;
			methods.tlshandshake = bounded;
			return;
		end
	end
	module:log_status("warn", "This network backend does handshakes otherwise: slow ones are not ended");
end

if prosody.start_time then
	begin();
else
	module:hook("server-started", begin);
end

function module.unload()
	if methods then methods.tlshandshake = handshake; end
end
