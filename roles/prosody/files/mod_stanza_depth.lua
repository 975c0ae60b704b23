-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What is nested deeper than any software nests is refused, and who sends it is disconnected. Prosody limits bytes of a stanza alone, and
-- twenty thousand levels are a hundred kilobytes that take it seconds to deliver, and seconds again whenever an archive is read.
module:set_global();

local filters = require "prosody.util.filters";

local most = module:get_option_integer("stanza_depth_limit", 100, 10);
local kinds = { c2s = true, s2sin = true, s2sout = true };

-- Level by level: recursion would be what it is to protect from
local function is_too_deep(stanza)
	local level = { stanza };
	for _ = 1, most do
		local below = {};
		for _, element in ipairs(level) do
			for _, child in ipairs(element.tags) do
				below[#below + 1] = child;
			end
		end
		if not below[1] then return false; end
		level = below;
	end
	return true;
end

local function name_of(session)
	return session.full_jid or session.username or session.from_host or session.to_host or session.ip or "somebody";
end

local function check(stanza, session)
	if is_too_deep(stanza) then
		module:log("info", "%s sent a stanza of more than %d levels, and is disconnected", name_of(session), most);
		session:close({ condition = "policy-violation", text = ("A stanza may have %d levels"):format(most) });
		return nil;
	end
	return stanza;
end

local function begin(session)
	if kinds[session.type:match("^[^_]+")] then
		filters.add_filter(session, "stanzas/in", check);
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
