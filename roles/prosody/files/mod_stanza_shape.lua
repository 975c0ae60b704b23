-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What has more levels or elements than any software sends is refused, and who sends it is disconnected. Prosody limits the bytes of a
-- stanza alone: twenty thousand levels are 140 kB that take it seconds to deliver, and what has forty thousand elements takes a second and
-- more whenever it is read where it was kept, in an archive, a profile or a queue.
module:set_global();

local filters = require "prosody.util.filters";

local levels = module:get_option_integer("stanza_shape_levels", 100, 10);
local of_clients = module:get_option_integer("stanza_shape_elements_clients", 5000, 100);
local of_servers = module:get_option_integer("stanza_shape_elements_servers", 20000, 100);
local most = { c2s = of_clients, s2sin = of_servers, s2sout = of_servers };

-- Out: what is too much, nil where nothing is. Level by level, since recursion would be what it is to protect from
local function too_much(stanza, elements)
	local level, count = { stanza }, 1;
	for _ = 1, levels do
		local below = {};
		for _, element in ipairs(level) do
			for _, child in ipairs(element.tags) do
				below[#below + 1] = child;
			end
		end
		if not below[1] then return nil; end
		level, count = below, count + #below;
		if count > elements then return ("%d elements"):format(elements); end
	end
	return ("%d levels"):format(levels);
end

local function name_of(session)
	return session.full_jid or session.username or session.from_host or session.to_host or session.ip or "somebody";
end

local function check(stanza, session)
	local figure = too_much(stanza, most[session.type:match("^[^_]+")] or of_clients);
	if figure then
		module:log("info", "%s sent a stanza of more than %s, and is disconnected", name_of(session), figure);
		session:close({ condition = "policy-violation", text = "A stanza may have " .. figure });
		return nil;
	end
	return stanza;
end

local function begin(session)
	if most[session.type:match("^[^_]+")] then
		-- before mod_stanza_pace has it wait: it may be large
		filters.add_filter(session, "stanzas/in", check, 20000);
	end
end

filters.add_filter_hook(begin);
-- a reload comes amid sessions
for _, session in pairs(prosody.full_sessions) do begin(session); end
for session in pairs(prosody.incoming_s2s) do begin(session); end

function module.unload()
	filters.remove_filter_hook(begin);
	for _, session in pairs(prosody.full_sessions) do filters.remove_filter(session, "stanzas/in", check); end
	for session in pairs(prosody.incoming_s2s) do filters.remove_filter(session, "stanzas/in", check); end
end
