-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Other servers that this one talks to, in both directions. A domain stands for itself and for all below it.
--   s2s_allow = { "a.example" } -- these and no other; all where it is empty
--   s2s_deny = { "b.example" } -- not these, whatever s2s_allow says
-- Who writes to one that is not allowed gets an error at once that says why, and so does a server that comes in. The community's
-- mod_host_guard lets in who proves a second domain on a connection that is open, and has to be told each host of ours.
local NOT_HERE = "The policy of this server does not allow communication with that server";

module:set_global();

local st = require "prosody.util.stanza";
local nameprep = require "prosody.util.encodings".stringprep.nameprep;

local allow = module:get_option_set("s2s_allow", {}) / nameprep;
local deny = module:get_option_set("s2s_deny", {}) / nameprep;

local function covers(list, domain)
	while domain do
		if list:contains(domain) then
			return true;
		end
		domain = domain:match("^[^.]+%.(.+)$");
	end
	return false;
end

-- The option that keeps us from talking to a domain; nil for none
local function refusal(domain)
	if covers(deny, domain) then
		return "it is on s2s_deny";
	elseif not allow:empty() and not covers(allow, domain) then
		return "it is not on s2s_allow";
	end
end

-- out: a stanza of ours. What it may not say: the name, which is half of an address that a room keeps to itself.
local function leave(event)
	local stanza, why = event.stanza, refusal(event.to_host);
	if not why then
		return;
	end
	module:log("info", "Refused to send from %s to %s: %s", event.from_host, event.to_host, why);
	local kind = stanza.attr.type;
	if not stanza.attr.xmlns and kind ~= "error" and kind ~= "result" then
		module:context(event.from_host):send(st.error_reply(stanza, "cancel", "not-allowed", NOT_HERE));
	end
	return true;
end

local function close(session, domain, why)
	module:log("info", "Refused server %s: %s", domain, why);
	session:close({ condition = "policy-violation", text = NOT_HERE });
end

-- in: a server that says who it is …
local function enter(event)
	local session = event.origin;
	local why = session.from_host and refusal(session.from_host);
	if why then
		close(session, session.from_host, why);
		return true;
	end
end

-- … or proves it, be it as a second domain on a connection that is open (XEP-0220, 2.6)
local function authenticate(event)
	local why = event.host and refusal(event.host);
	if why then
		close(event.session, event.host, why);
		return false;
	end
end

local function guard(host)
	local context = module:context(host);
	context:hook("route/remote", leave, 1000);
	context:hook("s2s-stream-features", enter, 1000);
	context:hook("s2s-authenticated", authenticate, 1000);
end

for host in pairs(prosody.hosts) do
	guard(host);
end
module:hook("host-activated", guard);

-- Those that are connected already
for _, session in pairs(module:shared("/*/s2s/sessions")) do
	local domain = session.direction == "outgoing" and session.to_host or session.from_host;
	local why = domain and refusal(domain);
	if why then
		close(session, domain, why);
	end
end
