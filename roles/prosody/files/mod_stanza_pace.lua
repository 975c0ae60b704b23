-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Nobody has the processor for himself: who sends more stanzas than people do, or such as take long, is worked for as slowly as he may ask.
-- mod_limits counts bytes, and a hundred kilobytes are a thousand stanzas that take a millisecond each, or a hundred small questions with
-- large answers, while everybody waits. Nothing is refused, and nothing lost: what has come waits before the session's filters and its
-- thread, whether it came in a stream, in one frame of WebSocket or in one request of BOSH, and no more is read meanwhile. Before the
-- filters, since what they count (XEP-0198) is what the sender may forget. An account is counted as a whole, and another server too: to
-- come anew is no use. Who has not signed in has a tenth, each session for itself.
module:set_global();

local filters = require "prosody.util.filters";
local new_cache = require "prosody.util.cache".new;
local now = require "prosody.util.time".monotonic;
local timer = require "prosody.util.timer";
local clock = os.clock;

local function pace_of(whom, rate, at_once, percent)
	local pace = {
		rate = module:get_option_integer("stanza_pace_" .. whom, rate, 1);
		at_once = module:get_option_integer("stanza_pace_" .. whom .. "_at_once", at_once, 1);
		percent = module:get_option_integer("stanza_pace_" .. whom .. "_percent", percent, 1, 100);
	};
	pace.most, pace.share = pace.at_once / pace.rate, pace.percent / 100;
	return pace;
end
local clients, servers = pace_of("clients", 50, 500, 20), pace_of("servers", 300, 3000, 50);
local paces = { c2s = clients, s2sin = servers, s2sout = servers };
-- seconds of a pause: shorter ones are not worth a timer, and none looks like a dead connection
local least, longest = 0.1, 5;
-- seconds of work in one go, after which others have their turn; and after which somebody has had none
local turn, gap = 0.02, 0.001;
-- bytes that are read in one go: Prosody's own default. For uploads behind a proxy it is a quarter of a megabyte
local chunk = 4096;
-- before all filters, of which that of mod_smacks has 999
local first = 10000;
-- seconds after which it is told again
local quiet = 60;

-- account or server → by how many seconds of its pace it is ahead, as of when; those that wrote last. Who has not signed in stands for
-- himself
local known, strangers = new_cache(10000), setmetatable({}, { __mode = "k" });
-- session → its thread, what waits before it, and how long it has had its turn
local paced = setmetatable({}, { __mode = "k" });

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
		one = { ahead = 0, at = now(), told = -quiet, share = name and 1 or 0.1, waiting = 0 };
		if name then known:set(name, one); else strangers[session] = one; end
	end
	return one;
end

-- Seconds for which it has to wait
local function owed(session, mine)
	local one = account_of(session);
	return one.ahead - mine.pace.most * one.share - (now() - one.at);
end

-- A stanza counts as one, or by its time where that is more. For one that waited for a database nobody waits longer than a pause. For what
-- kept the processor busy he may
local function charge(one, pace, stanzas, seconds, of_processor)
	local moment = now();
	local cost = math.max(stanzas / pace.rate, math.min(seconds / pace.share, longest), of_processor / pace.share);
	one.ahead, one.at = math.max(0, one.ahead - (moment - one.at)) + cost, moment;
end

local function tell(session, mine)
	local one, pace = account_of(session), mine.pace;
	if now() - one.told >= quiet then
		one.told = now();
		module:log("info", "%s asks for more than %d stanzas a second (%d at once) or %d %% of the time, and is served so slowly",
			name_of(session) or session.ip or "somebody", pace.rate, pace.at_once, pace.percent);
	end
end

-- What the network backend makes of mod_limits for as much as it reads in one go
local function owed_for_bytes(conn)
	return (conn._limit or 0) * (conn.read_size or 8192);
end

-- No more is read until what has come is done. After what was read just now, since the network backend sets pauses of its own then
local function stop_reading(session, mine)
	if session.bosh_responses or mine.stopping then return; end -- a connection that others may share
	mine.stopping = true;
	timer.add_task(0, function ()
		mine.stopping = nil;
		local conn = session.conn;
		if mine.waits and conn and conn.pausefor then
			conn:setreadtimeout(false);
			conn:pausefor(longest);
		end
	end);
end

local function read_on(session)
	local conn = session.conn;
	if conn and conn.pausefor and not session.bosh_responses then
		conn:pausefor(math.max(owed_for_bytes(conn), gap)); -- and not resume(), which leaves what TLS has read already
	end
end

local function work(session, mine, item, stanza)
	local before, begun, of_processor = account_of(session), now(), clock();
	if begun - mine.ended > gap then mine.used = 0; end
	if stanza then
		mine.again = stanza;
		item = session.filter("stanzas/in", stanza);
		mine.again = nil;
	end
	local run, state, left = mine.run(mine.thread, item);
	mine.ended = now();
	mine.used = mine.used + mine.ended - begun;
	-- a session that ends with it has no name any more
	local one = session.destroyed and before or account_of(session);
	charge(one, mine.pace, item ~= nil and 1 or 0, mine.ended - begun, clock() - of_processor);
	return run, state, left;
end

-- What waits is done, or dropped
local function waits_no_more(mine)
	if mine.waits then
		mine.account.waiting = mine.account.waiting - #mine.waits;
		mine.waits = nil;
	end
end

local function refuse(session, mine)
	waits_no_more(mine);
	session:close({ condition = "policy-violation", text = "Too much at once" });
	if mine.gone then mine.gone(); end
end

-- Who writes and hangs up has written: his session ends when what came is done. One that can be resumed lives anyway
local function ends_when_done(session, mine)
	local conn = session.conn;
	if not conn or not conn.on or session.bosh_responses or mine.watched == conn then return; end
	mine.watched = conn;
	local on = conn.on;
	function conn:on(what, ...)
		if what ~= "disconnect" or not mine.waits or session.conn ~= self or session.resumption_token or not name_of(session) then
			return on(self, what, ...);
		end
		local why = ...;
		function mine.gone() return on(conn, "disconnect", why); end
	end
end

-- Those whose turn comes next, one for each round of the network backend, so that others are read in between
local line, ticking = {}, false;
local serve;
local function tick()
	ticking = line[2] ~= nil;
	if ticking then timer.add_task(0, tick); end
	serve(table.remove(line, 1));
end
local function line_up(session)
	line[#line + 1] = session;
	if not ticking then
		ticking = true;
		timer.add_task(0, tick);
	end
end

-- When it is its turn again. BOSH has no connection that could be read slowly
local function wait(session, mine)
	local seconds = owed(session, mine);
	if seconds < least then
		line_up(session);
		return;
	end
	tell(session, mine);
	if session.bosh_responses then
		refuse(session, mine);
	else
		timer.add_task(math.min(seconds, longest), function () line_up(session); end);
	end
end

local function may_work(session, mine)
	return mine.used < turn and owed(session, mine) < least;
end

function serve(session)
	local mine = paced[session];
	local waits = mine and mine.waits;
	if not waits then return; end
	mine.used = 0;
	while waits[1] ~= nil and not session.destroyed and may_work(session, mine) do
		local next_one = table.remove(waits, 1);
		mine.account.waiting = mine.account.waiting - 1;
		local ok, err = pcall(work, session, mine, next_one.item, next_one.stanza);
		if not ok then module:log("error", "Traceback[stanza_pace]: %s", err); end
	end
	if mine.waits and waits[1] ~= nil and not session.destroyed then
		wait(session, mine);
		return;
	end
	waits_no_more(mine);
	if mine.ends and not session.destroyed then session:close(); end
	read_on(session);
	if mine.gone then mine.gone(); end
end

-- Another server that stops says so by an error of the stream, which is no stanza (and its presences, just before, are some): mod_s2s
-- closes the session then without a reason of its own
local function ends_in_turn(session, mine)
	local close = session.close;
	if mine.close or not session.direction then return; end
	mine.close = close;
	function session:close(why, ...)
		if why == nil and mine.waits then
			mine.ends = true;
			return;
		end
		return close(self, why, ...);
	end
end

-- An account's other sessions may have used it up
local function may_begin(session, mine)
	if mine.waits then return false; end
	if now() - mine.ended > gap then mine.used = 0; end
	return may_work(session, mine);
end

local function hold(session, mine, one)
	if not mine.waits then
		mine.waits, mine.account = {}, account_of(session);
		ends_when_done(session, mine);
		ends_in_turn(session, mine);
		wait(session, mine);
	end
	if not mine.waits then return; end
	-- more than a stream brings before no more is read from it
	if mine.account.waiting >= 2 * mine.pace.at_once * mine.account.share then
		tell(session, mine);
		refuse(session, mine);
		return;
	end
	table.insert(mine.waits, one);
	mine.account.waiting = mine.account.waiting + 1;
	-- a client of BOSH that says goodbye in the same request: after what it said before
	mine.ends, session.bosh_terminate = mine.ends or session.bosh_terminate, nil;
	stop_reading(session, mine);
end

-- In the place of the thread's own function, for what is no stanza, as the end of a stream, and for stanzas that need not wait
local function take(session, mine, item)
	local passed = mine.passed and not mine.waits;
	mine.passed = nil;
	if passed or item == nil or session.destroyed or may_begin(session, mine) then
		return work(session, mine, item);
	end
	hold(session, mine, { item = item });
	return true, "waiting", mine.waits and #mine.waits or 0;
end

-- The thread is made after the session, so it is met when the first stanza comes
local function meet(stanza, session)
	local mine, thread = paced[session], session.thread;
	if not mine then return stanza; end
	if thread and mine.thread ~= thread and not session.destroyed then
		mine.thread, mine.run = thread, thread.run;
		function thread.run(_, item) return take(session, mine, item); end
	end
	if mine.again == stanza or session.destroyed or not mine.thread then return stanza; end
	if may_begin(session, mine) then
		mine.passed = true;
		return stanza;
	end
	hold(session, mine, { stanza = stanza });
end

-- Who resumes a session (XEP-0198) is told what was done, and sends the rest again. Prosody 13.0 has the parser of the old connection read
-- it, which may have half a stanza, as when a connection ends that was not read on: then nothing is ever answered
local function resumed(event)
	local session, from = event.session, event.from_session;
	local mine = paced[session];
	if mine then waits_no_more(mine); end
	if from.data then
		session.data = from.data;
		session.data.session = session; -- the upvalue (util.startup's metatable of functions), as in core.sessionmanager
	end
	read_on(session);
end

local function begin(session)
	local pace = paces[session.type:match("^[^_]+")];
	if pace then
		paced[session] = { pace = pace, used = 0, ended = 0 };
		if session.conn and session.conn.set_mode and not session.bosh_responses then
			session.conn:set_mode(chunk);
		end
		filters.add_filter(session, "stanzas/in", meet, first);
	end
end

filters.add_filter_hook(begin);
module:hook_global("c2s-session-updated", resumed);
-- a reload comes amid sessions
for _, session in pairs(prosody.full_sessions) do begin(session); end
for session in pairs(prosody.incoming_s2s) do begin(session); end

function module.unload()
	filters.remove_filter_hook(begin);
	for session, mine in pairs(paced) do
		filters.remove_filter(session, "stanzas/in", meet);
		if mine.thread then mine.thread.run = nil; end
		local waits = mine.waits;
		mine.waits = nil;
		for _, one in ipairs(waits or {}) do
			mine.run(mine.thread, one.stanza and session.filter("stanzas/in", one.stanza) or one.item);
		end
		if mine.gone then mine.gone(); end
	end
end
