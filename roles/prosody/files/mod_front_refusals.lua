-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Tells a proxy on another host, where the connections of clients end, from where sign-ins were refused (mod_log_refused_sign_ins), so
-- that guessers are kept out there. The proxy asks: nothing here needs a way to it, and nothing is learnt by who is no proxy. What a
-- proxy hands on for others has their address with it, and is no question of its own.
local KEPT = 1000;

module:set_global();
module:depends("http");

local array = require "prosody.util.array";
local json = require "prosody.util.json";
local new_id = require "prosody.util.id".medium;
local ip = require "prosody.util.ip";
local formdecode = require "prosody.util.http".formdecode;

local proxies = module:get_option_set("trusted_proxies", {});

-- run: another one says that counting began anew. addresses: by their number, the last of them
local state = module:shared("state");
state.run, state.last, state.addresses = state.run or new_id(), state.last or 0, state.addresses or {};

module:hook("sign-in-refused", function (event)
	state.last = state.last + 1;
	state.addresses[state.last] = event.address;
	state.addresses[state.last - KEPT] = nil;
end);

local function is_proxy(address)
	local asking = ip.new_ip((address:gsub("^::ffff:(%d+%.%d+%.%d+%.%d+)$", "%1")));
	for proxy in proxies do
		local network, bits = ip.parse_cidr(proxy);
		if asking and network and ip.match(asking, network, bits) then
			return true;
		end
	end
end

module:provides("http", {
	name = "refused_sign_ins";
	route = {
		GET = function (event)
			local request = event.request;
			if request.headers.x_forwarded_for or request.headers.forwarded or not is_proxy(request.conn:ip()) then
				return 404;
			end
			local asked = formdecode(request.url.query or "");
			asked = type(asked) == "table" and asked or {};
			local known = asked.run == state.run and tonumber(asked.after) or 0;
			local found = array();
			for number = math.max(known, state.last - KEPT) + 1, state.last do
				found:push(state.addresses[number]);
			end
			event.response.headers.content_type = "application/json";
			return json.encode({ run = state.run, last = state.last, addresses = found });
		end;
	};
});
