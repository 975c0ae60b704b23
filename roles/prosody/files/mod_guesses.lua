-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A password that comes as it is (PLAIN) is hashed by the server, ten thousand times, and everybody waits meanwhile: some dozens of
-- guesses a second are all that a processor does. So one address has few wrong ones at once, and what it tries beyond is refused
-- without a look. Who signs in by SCRAM, as clients of today do, hashes on his own processor and is not counted here.
-- Those refused are told to who keeps guessers out (mod_log_refused_sign_ins) as all others.
local new_cache = require "prosody.util.cache".new;
local new_throttle = require "prosody.util.throttle".create;
local st = require "prosody.util.stanza";

local SASL, SASL2 = "urn:ietf:params:xml:ns:xmpp-sasl", "urn:xmpp:sasl:2";

local most = module:get_option_integer("guesses_at_once", 10, 1);
local period = module:get_option_period("guesses_period", "10 seconds", 1);

-- address → throttle, for all hosts; those that guessed last
local shared = module:shared("/*/guesses/addresses");
shared.throttles = shared.throttles or new_cache(10000);

local function is_spent(session)
	local throttle = session.ip and shared.throttles:get(session.ip);
	return throttle and not throttle:peek(1);
end

local function refuse(session)
	module:fire_event("authentication-failure", { session = session, condition = "not-authorized", text = "too many guesses" });
end

module:hook("authentication-failure", function (event)
	local session, handler = event.session, event.session.sasl_handler;
	if not session.ip or not handler or handler.selected ~= "PLAIN"
		or prosody.events.fire_event("accounts-unreachable", { host = module.host }) then
		return;
	end
	local throttle = shared.throttles:get(session.ip);
	if not throttle then
		throttle = new_throttle(most, period);
		shared.throttles:set(session.ip, throttle);
	end
	throttle:poll(1);
end);

module:hook("authentication-attempt", function (event)
	if event.stanza.attr.mechanism == "PLAIN" and is_spent(event.origin) then
		event.allowed, event.error_condition, event.error_text = false, "temporary-auth-failure", "Too many wrong passwords: wait a moment";
		refuse(event.origin);
	end
end);

module:hook("stanza/" .. SASL2 .. ":authenticate", function (event)
	local session = event.origin;
	if event.stanza.attr.mechanism == "PLAIN" and is_spent(session) then
		refuse(session);
		session.send(st.stanza("failure", { xmlns = SASL2 }):tag("temporary-auth-failure", { xmlns = SASL }):up()
			:text_tag("text", "Too many wrong passwords: wait a moment"));
		return true;
	end
end, 100);
