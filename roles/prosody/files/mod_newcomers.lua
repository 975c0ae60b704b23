-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Accounts that anybody may make are made by spammers as well, so for their first days they do less. A newcomer is who registered
-- without an invitation less than newcomer_days ago and has the role that such accounts have, prosody:registered; who is invited gets
-- prosody:member at once, and an operator may give it to others. Newcomers
--   write first to no more than newcomer_strangers people in a day, asking to be a contact and inviting into a room included. Who
--   has accepted them as a contact or wrote to them is no stranger, nor is a room that they have entered
--   upload no files, and make no rooms on this server
-- Permissions of the core cannot say this: components see each user of the host as prosody:registered (mod_authz_internal, 13.0).
local DAY = 86400;
local ROLE = "prosody:registered";

local jid = require "prosody.util.jid";
local new_cache = require "prosody.util.cache".new;
local rostermanager = require "prosody.core.rostermanager";
local st = require "prosody.util.stanza";
local usermanager = require "prosody.core.usermanager";

local days = module:get_option_number("newcomer_days", 3, 0);
local most = module:get_option_integer("newcomer_strangers", 20, 0);

local account_details = module:open_store("account_details");
local refused = module:metric("counter", "refused", "", "What accounts that are new may not do yet", { "what" });

-- name → until when he is new, and name → { since, count, people } he wrote to today; those who did something last
local new_until, written = new_cache(10000), new_cache(10000);

local function is_still_new(name)
	local ends = new_until:get(name);
	if not ends then
		local details, err = account_details:get(name);
		if err then
			return false;
		end
		-- in-band registration notes when it was; accounts of operators and of the time before have none
		ends = details and tonumber(details.registered) and details.registered + days * DAY or 0;
		new_until:set(name, ends);
	end
	return os.time() < ends;
end

local function is_newcomer(session)
	local role = session.type == "c2s" and session.username and session.role;
	return role and role.name == ROLE and is_still_new(session.username);
end

local function refuse(event, what, kind, condition, text)
	refused:with_labels(what):add(1);
	module:log("debug", "Refused a newcomer, %s: %s", event.origin.full_jid, what);
	event.origin.send(st.error_reply(event.stanza, kind, condition, text));
	return true;
end

-- People

local function today(name)
	local one = written:get(name);
	if not one or os.time() - one.since >= DAY then
		one = { since = os.time(), count = 0, people = {} };
		written:set(name, one);
	end
	return one;
end

local function is_stranger(session, address)
	local name, host = session.username, session.host;
	if not jid.node(address) or address == name .. "@" .. host or rostermanager.is_user_subscribed(name, host, address)
	or rostermanager.is_contact_subscribed(name, host, address) or rostermanager.is_contact_pending_in(name, host, address) then
		return false;
	end
	for to in pairs(session.directed or {}) do
		if jid.bare(to) == address then
			return false;
		end
	end
	return true;
end

-- To whom a stanza is: those whom a room is to invite are meant, not the room (XEP-0045, 7.8.2)
local function people_of(stanza)
	local found = {};
	local request = stanza.name == "message" and stanza:get_child("x", "http://jabber.org/protocol/muc#user");
	for invite in (request or st.stanza("none")):childtags("invite") do
		found[#found + 1] = invite.attr.to and jid.bare(jid.prep(invite.attr.to));
	end
	return found[1] and found or { jid.bare(stanza.attr.to) };
end

local function write_first(event)
	local session, stanza, kind = event.origin, event.stanza, event.stanza.attr.type;
	local counts = stanza.name == "presence" and kind == "subscribe"
		or stanza.name == "message" and kind ~= "groupchat" and kind ~= "error";
	if not counts or not is_newcomer(session) then
		return;
	end
	local one = today(session.username);
	for _, address in ipairs(people_of(stanza)) do
		if not one.people[address] and is_stranger(session, address) then
			if one.count >= most then
				return refuse(event, "strangers", "wait", "policy-violation",
					"This account is new, and has written to many people today: wait for an answer, or a day");
			end
			one.people[address], one.count = true, one.count + 1;
		end
	end
end

-- Who is written to may answer
local function is_written_to(event)
	local name = jid.node(event.stanza.attr.to);
	local ends = new_until:get(name);
	if ends and os.time() < ends and event.stanza.attr.type ~= "error" then
		today(name).people[jid.bare(event.stanza.attr.from)] = true;
	end
end

-- Files and rooms

local function ask(event)
	local request = event.stanza.attr.type == "get" and event.stanza.tags[1];
	if request and request.name == "request" and (request.attr.xmlns or ""):find("^urn:xmpp:http:upload") and is_newcomer(event.origin) then
		return refuse(event, "uploads", "auth", "forbidden", "This account is new, and may share files in some days");
	end
end

local function enter(event)
	local room, host = jid.bare(event.stanza.attr.to), jid.host(event.stanza.attr.to);
	local muc = prosody.hosts[host] and prosody.hosts[host].modules.muc;
	if muc and not event.stanza.attr.type and not muc.get_room_from_jid(room) and is_newcomer(event.origin) then
		return refuse(event, "rooms", "cancel", "not-allowed", "This account is new, and may make rooms in some days");
	end
end

for _, to in ipairs({ "bare", "full" }) do
	module:hook("pre-message/" .. to, write_first, 100);
	module:hook("pre-presence/" .. to, write_first, 100);
	module:hook("message/" .. to, is_written_to, 100);
end
module:hook("pre-iq/host", ask, 100);
module:hook("pre-presence/full", enter, 100);

-- Accounts

module:hook("user-registering", function (event)
	local invite = event.validated_invite or event.session and event.session.validated_invite;
	if not invite then
		return;
	end
	local inviter = invite.inviter;
	local role = inviter and usermanager.get_user_role(inviter, module.host);
	if not (role and role.name == ROLE and is_still_new(inviter)) then
		event.role = "prosody:member";
	end
end, -2);

local function forget(event)
	if event.host == module.host then
		new_until:set(event.username, nil);
		written:set(event.username, nil);
	end
end

module:hook_global("user-deleted", forget);
module:hook("user-registered", forget);
