-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Nobody has the processor for himself: who sends more stanzas than people do is read as slowly as he may write. mod_limits counts bytes,
-- and a hundred kilobytes are a thousand stanzas, each of which takes about a millisecond while everybody waits. Nothing is refused, and
-- nothing lost: what is not read yet waits where it is. An account is counted as a whole, and another server too: to come anew is no use.
module:set_global();

local filters = require "prosody.util.filters";
local new_cache = require "prosody.util.cache".new;
local now = require "prosody.util.time".monotonic;
local timer = require "prosody.util.timer";

local clients = {
	rate = module:get_option_integer("stanza_pace_clients", 50, 1);
	most = module:get_option_integer("stanza_pace_clients_at_once", 500, 1);
};
local servers = {
	rate = module:get_option_integer("stanza_pace_servers", 300, 1);
	most = module:get_option_integer("stanza_pace_servers_at_once", 3000, 1);
};
local paces = { c2s = clients, s2sin = servers, s2sout = servers };
-- seconds of a pause: shorter ones are not worth a timer, and none looks like a dead connection
local least, longest = 0.1, 5;
-- bytes that are read in one go, and worked off before a pause: Prosody's own default. For uploads behind a proxy it is a quarter of a
-- megabyte, which are thousands of stanzas
local chunk = 4096;
-- seconds after which it is told again
local quiet = 60;

-- account or server → how many stanzas it is ahead by, as of when; those that wrote last. Who has not signed in stands for himself
local known, strangers = new_cache(10000), setmetatable({}, { __mode = "k" });
local counted, waiting = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "k" });

local function name_of(session)
	if session.type == "c2s" or session.type == "c2s_unbound" then
		return session.username and session.username .. "@" .. session.host;
	elseif session.type == "s2sin" then
		return session.from_host;
	elseif session.type == "s2sout" then
		return session.to_host;
	end
end

local function account_of(session)
	local name = name_of(session);
	local one = name and known:get(name) or not name and strangers[session];
	if not one then
		one = { ahead = 0, at = now(), told = -quiet };
		if name then known:set(name, one); else strangers[session] = one; end
	end
	return one;
end

-- what it owes, in seconds
local function owed(one, pace)
	return (one.ahead - pace.most) / pace.rate - (now() - one.at);
end

local function tell(session, one, pace)
	if now() - one.told >= quiet then
		one.told = now();
		module:log("info", "%s sends more than %d stanzas a second (%d at once), and is read so slowly",
			name_of(session) or session.ip or "somebody", pace.rate, pace.most);
	end
end

-- What the network backend makes of mod_limits for as much as it reads in one go
local function owed_for_bytes(conn)
	return (conn._limit or 0) * (conn.read_size or 8192);
end

-- After what was read has been worked off: until then the network backend sets pauses of its own, which this one takes the place of
local function pause(session, one, pace)
	waiting[session] = true;
	timer.add_task(0, function ()
		waiting[session] = nil;
		local conn, seconds = session.conn, owed(one, pace);
		if conn and conn.pausefor and seconds >= least then
			conn:setreadtimeout(false);
			conn:pausefor(math.max(math.min(seconds, longest), owed_for_bytes(conn)));
			tell(session, one, pace);
		end
	end);
end

local function count(stanza, session)
	local pace, one, moment = counted[session], account_of(session), now();
	one.ahead, one.at = math.max(0, one.ahead - (moment - one.at) * pace.rate) + 1, moment;
	if one.ahead > pace.most and not waiting[session] then
		if session.bosh_responses then -- a connection that others may share, so that it cannot be read slowly
			tell(session, one, pace);
			session:close({ condition = "policy-violation", text = "Too many stanzas at once" });
		else
			pause(session, one, pace);
		end
	end
	return stanza;
end

local function begin(session)
	local pace = paces[session.type:match("^[^_]+")];
	if pace then
		counted[session] = pace;
		if session.conn and session.conn.set_mode and not session.bosh_responses then
			session.conn:set_mode(chunk);
		end
		filters.add_filter(session, "stanzas/in", count);
	end
end

filters.add_filter_hook(begin);
-- a reload comes amid sessions
for _, session in pairs(prosody.full_sessions) do begin(session); end
for session in pairs(prosody.incoming_s2s) do begin(session); end

function module.unload()
	filters.remove_filter_hook(begin);
	for session in pairs(counted) do
		filters.remove_filter(session, "stanzas/in", count);
	end
end
