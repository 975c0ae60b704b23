-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Nobody registers from an address that a blocklist in DNS has (RFC 5782), of IPv4 or of IPv6, unless somebody invited him. All lists are
-- asked at once, and others are served meanwhile; one that does not answer in time has nobody. The community's mod_dnsbl only marks
-- accounts that were made already, and asks for IPv4 alone.
local adns = require "prosody.net.adns";
local async = require "prosody.util.async";
local new_ip = require "prosody.util.ip".new_ip;

local lists = module:get_option_array("registration_dns_blocklists", {});
local patience = module:get_option_period("registration_dns_patience", "3 seconds");
local refused = module:metric("counter", "refused", "", "Registrations from addresses that a blocklist in DNS has", { "list" });
local unanswered = module:metric("counter", "unanswered", "", "Registrations for which a blocklist in DNS did not answer", { "list" });

-- The address backwards, by bytes or by half bytes; nil for one that no list can have
local function backwards(address)
	local ip = new_ip((address:gsub("^::[Ff][Ff][Ff][Ff]:(%d+%.%d+%.%d+%.%d+)$", "%1")));
	if not ip or ip.addr == "::1" or ip.addr:find("^127%.") then
		return;
	end
	local parts = {};
	for byte in ip.packed:gmatch(".") do
		local value = byte:byte();
		if ip.proto == "IPv4" then
			table.insert(parts, 1, tostring(value));
		else
			table.insert(parts, 1, ("%x.%x"):format(value % 16, value // 16));
		end
	end
	return table.concat(parts, ".");
end

-- Whether an answer says that it is on the list. What is not of 127.0.0.0/8 is no list's (a domain that was sold), and by 127.255.255.0/24
-- some say that they do not answer whoever asks.
local function has(answer, list)
	for _, record in ipairs(answer or {}) do
		local said = record.a and tostring(record.a) or "";
		if said:find("^127%.") and not said:find("^127%.255%.255%.") then
			return true;
		end
		module:log("warn", "The blocklist %s answers with %s, which says nothing of the address", list, said);
	end
end

-- The first list that has the address, or nil
local function listed(address)
	local place = backwards(address);
	if not place then
		return;
	end
	local wait, done = async.waiter();
	local open, left, found, over = {}, #lists, nil, false;
	local function finish()
		if not over then
			over = true;
			done();
		end
	end
	for _, list in ipairs(lists) do
		open[list] = true;
		adns.lookup(function (answer)
			open[list], left = nil, left - 1;
			if not over and has(answer, list) then
				found = list;
			end
			if found or left == 0 then
				finish();
			end
		end, place .. "." .. list, "A");
	end
	module:add_timer(patience, function ()
		if not over then
			for list in pairs(open) do
				unanswered:with_labels(list):add(1);
				module:log("warn", "The blocklist %s did not answer within %g seconds, and keeps nobody out", list, patience);
			end
			finish();
		end
	end);
	wait();
	return found;
end

module:hook("user-registering", function (event)
	local session = event.session;
	-- not of event first, where mod_register_networks has put the network
	local address = session and session.ip or event.ip;
	if not event.allowed or not address or #lists == 0 or event.validated_invite or session and session.validated_invite then
		return;
	end
	local list = listed(address);
	if list then
		refused:with_labels(list):add(1);
		module:log("info", "Refused to register the name %q from %s, which the blocklist %s has", event.username, address, list);
		event.allowed, event.error_type, event.error_condition = false, "auth", "forbidden";
		event.reason = "The blocklist " .. list .. " has the address from which you come";
	end
end, -3);
