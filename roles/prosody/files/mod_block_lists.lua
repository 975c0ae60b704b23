-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Lists of spammers that servers share (real-time block lists, RTBL): nodes of a pubsub service whose items are called by the SHA-256 of
-- an address or of a domain, or by one of these as it is.
--   block_lists = { { jid = "xmppbl.org", node = "muc_bans_sha256" } }
--   block_lists_host = "example.org" -- the host of ours that subscribes, and in whose storage the lists are kept
-- Who is on one of them, or whose domain is, enters no room in which he has no affiliation and says nothing there, and writes to nobody
-- who does not know him, nor asks to be a contact. Our own domains are never taken for listed, whatever a list says: it is told in the log.
-- The community's mod_muc_rtbl and mod_anti_spam subscribe once, when they are loaded: a list that cannot be reached at that moment is
-- never had, nor what changes after the service forgot the subscription, and a restart without the service is one without the list. So
-- here a subscription is tried again until it is there, and made anew every now and then with the whole list, which is kept on the disk.
-- What could not be had again for FORGET seconds is not gone by any more: who was taken off it meanwhile could not be known.
local FORGET, SOON = 14 * 86400, 5;
local PUBSUB, EVENT = "http://jabber.org/protocol/pubsub", "http://jabber.org/protocol/pubsub#event";
local HERE_TOO = "Your address, or your server, is on the list of spammers %s";

module:set_global();

local jid = require "prosody.util.jid";
local new_id = require "prosody.util.id".medium;
local rostermanager = require "prosody.core.rostermanager";
local sha256 = require "prosody.util.hashes".sha256;
local st = require "prosody.util.stanza";
local usermanager = require "prosody.core.usermanager";

local us = module:get_option_string("block_lists_host");
local first_retry = module:get_option_period("block_lists_retry", "30 seconds", 1);
local refresh = module:get_option_period("block_lists_refresh", "1 hour", 1);

local entries_metric = module:metric("gauge", "entries", "", "Entries of a list of spammers", { "list" });
local had_metric = module:metric("gauge", "had_timestamp", "seconds", "When a list of spammers was had as a whole", { "list" });
local refused = module:metric("counter", "refused", "", "Stanzas of those on a list of spammers", { "list", "where" });

-- name, service, node; entries: SHA-256 → true; had: when it was had as a whole, 0 for never; failed: why it cannot be had now
local lists = {};
local store, here;

-- What a list calls somebody → how it is compared here, nil for what is no address
local function entry_of(id)
	if #id == 64 and not id:find("%X") then
		return id:lower();
	end
	local address = jid.prep(id);
	return address and sha256(address, true);
end

-- The list that has an address or its domain, nil for none
local function on_a_list(address)
	local domain = jid.host(address);
	local whole, part = sha256(address, true), not prosody.hosts[domain] and sha256(domain, true);
	for _, list in ipairs(lists) do
		if (list.entries[whole] or part and list.entries[part]) and os.time() - list.had < FORGET then
			return list;
		end
	end
end

local function refuse(event, list, where, condition)
	refused:with_labels(list.name, where):add(1);
	module:log("debug", "Refused <%s> of %s to %s, who is on %s", event.stanza.name, event.stanza.attr.from, event.stanza.attr.to, list.name);
	if condition then
		event.origin.send(st.error_reply(event.stanza, "cancel", condition, HERE_TOO:format(list.service)));
	end
end

-- Rooms

local function listed_in_room(room, address)
	local list = on_a_list(address);
	local affiliation = list and room:get_affiliation(address);
	return (not affiliation or affiliation == "none") and list or nil;
end

local function keep_out(event)
	local list = listed_in_room(event.room, jid.bare(event.stanza.attr.from));
	if list then
		refuse(event, list, "rooms", "forbidden");
		return true;
	end
end

-- It goes by the name in the room already, to which no error finds back
local function keep_from_whispering(event)
	local occupant = event.room:get_occupant_by_nick(event.stanza.attr.from);
	local list = occupant and listed_in_room(event.room, occupant.bare_jid);
	if list then
		refuse(event, list, "rooms");
		return false;
	end
end

-- People

-- Whether somebody of ours has the sender as a contact, or as a gateway, or has shown presence to him or to a room of that address
local function is_known(stanza)
	local user, host = jid.split(stanza.attr.to);
	local from = jid.bare(stanza.attr.from);
	if not usermanager.user_exists(user, host) then
		return false;
	end
	for _, address in ipairs({ from, jid.host(from) }) do
		if rostermanager.is_contact_subscribed(user, host, address) or rostermanager.is_user_subscribed(user, host, address)
		or rostermanager.is_contact_pending_out(user, host, address) or rostermanager.is_contact_preapproved(user, host, address) then
			return true;
		end
	end
	local sessions = prosody.hosts[host].sessions[user];
	for _, session in pairs(sessions and sessions.sessions or {}) do
		for to in pairs(session.directed or {}) do
			if jid.bare(to) == from then
				return true;
			end
		end
	end
	return from == user .. "@" .. host;
end

local function keep_away(event)
	local stanza, kind = event.stanza, event.stanza.attr.type;
	if stanza.name == "presence" and kind ~= "subscribe" or kind == "error" or kind == "groupchat" then
		return;
	end
	local list = on_a_list(jid.bare(stanza.attr.from));
	if list and not is_known(stanza) then
		refuse(event, list, "people", "policy-violation");
		return true;
	end
end

-- Lists

-- What operators are shown of lists that cannot be had, by module:list() and module prosody_info
local function tell_status()
	local missing = {};
	for _, list in ipairs(lists) do
		if list.missing then
			local last = list.had > 0 and os.date("!had last %F %R UTC", list.had) or "never had";
			missing[#missing + 1] = ("%s cannot be had (%s): %s"):format(list.name, last, list.missing);
		end
	end
	module:set_status(missing[1] and "warn" or "info", missing[1] and table.concat(missing, "; ") or "every list is there");
end

local function show(list)
	local count = 0;
	for _ in pairs(list.entries) do
		count = count + 1;
	end
	list.count = count;
	entries_metric:with_labels(list.name):set(count);
	had_metric:with_labels(list.name):set(list.had);
end

local function write(list)
	list.unsaved = false;
	local items = {};
	for entry in pairs(list.entries) do
		items[#items + 1] = entry;
	end
	local ok, err = store:set(list.name, { entries = items, had = list.had });
	if not ok then
		module:log("warn", "Could not keep the list %s, a restart forgets it: %s", list.name, err);
	end
end

-- Once for many
local function changed(list)
	show(list);
	for host in pairs(prosody.hosts) do
		local entry = sha256(host, true);
		if list.entries[entry] and not list.ours[entry] then
			module:log("warn", "Our domain %s is on the list %s: servers that go by it refuse our users", host, list.name);
		end
		list.ours[entry] = list.entries[entry];
	end
	if not list.unsaved then
		list.unsaved = true;
		module:add_timer(SOON, function ()
			if list.unsaved then
				write(list);
			end
		end);
	end
end

local function ask(list, kind, name, attr)
	local question = st.iq({ type = kind, id = new_id(), from = us, to = list.service })
		:tag("pubsub", { xmlns = PUBSUB }):tag(name, attr);
	return here:send_iq(question):next(function (event)
		local answer = event.stanza;
		if answer.attr.type ~= "result" then
			local _, condition, text = answer:get_error();
			error({ condition = condition, text = text });
		end
		return answer:get_child("pubsub", PUBSUB);
	end);
end

local function take(list, items)
	local entries = {};
	for item in items:childtags("item") do
		local entry = item.attr.id and entry_of(item.attr.id);
		if entry then
			entries[entry] = true;
		end
	end
	list.entries, list.had = entries, os.time();
	changed(list);
end

local synchronise;

local function again(list, seconds)
	if list.timer then
		list.timer:stop();
	end
	-- not all servers of the world at once
	list.timer = module:add_timer(seconds * (0.9 + 0.2 * math.random()), synchronise, list);
end

-- A whole list was had; pushes: why no changes will be heard of until the next time, nil where they will
local function have(list, pushes)
	if list.failed ~= (pushes or false) then
		module:log("info", "The list %s is there, %d entries%s", list.name, list.count, pushes and ", but no changes are told: " .. pushes or "");
	end
	list.failed, list.missing, list.wait = pushes or false, nil, nil;
	tell_status();
	again(list, refresh);
end

local function fail(list, why)
	if list.failed ~= why then
		module:log("warn", "The list %s cannot be had, it is tried again: %s", list.name, why);
	end
	list.failed, list.missing = why, why;
	tell_status();
	list.wait = math.min((list.wait or first_retry / 2) * 2, refresh);
	again(list, list.wait);
end

local function reason(err)
	if type(err) ~= "table" then
		return tostring(err);
	end
	return tostring(err.condition) .. (err.text and ": " .. err.text or "");
end

function synchronise(_, list)
	local pushes;
	ask(list, "set", "subscribe", { jid = us, node = list.node }):next(function (answer)
		local found = answer and answer:get_child("subscription");
		local state = found and found.attr.subscription or "no answer";
		pushes = state ~= "subscribed" and state or nil;
	end, function (err)
		pushes = reason(err);
	end):next(function ()
		return ask(list, "get", "items", { node = list.node });
	end):next(function (answer)
		local items = answer and answer:get_child("items");
		if not items then
			error({ condition = "no items in the answer" });
		end
		take(list, items);
		have(list, pushes);
	end):catch(function (err)
		fail(list, reason(err));
	end);
end

local function each_entry(event, name, list, value)
	for child in event:childtags(name) do
		local entry = child.attr.id and entry_of(child.attr.id);
		if entry then
			list.entries[entry] = value;
		end
	end
end

local function told(event)
	local said = event.stanza:get_child("event", EVENT);
	if not said or event.stanza.attr.type == "error" then
		return;
	end
	local mine;
	for part in said:childtags() do
		for _, list in ipairs(lists) do
			if list.service == event.stanza.attr.from and list.node == part.attr.node then
				mine = true;
				if part.name == "items" then
					each_entry(part, "item", list, true);
					each_entry(part, "retract", list, nil);
				elseif part.name == "purge" then
					list.entries = {};
				elseif part.name == "delete" then
					again(list, first_retry);
				end
				changed(list);
			end
		end
	end
	return mine;
end

-- What was kept of lists that are none of ours any more; their services need tell us nothing
local function tidy()
	local ours, others = {}, {};
	for _, list in ipairs(lists) do
		ours[list.name] = true;
	end
	for name in store:users() do
		if not ours[name] then
			others[#others + 1] = name;
		end
	end
	for _, name in ipairs(others) do
		local service, node = name:match("^([^/]+)/(.+)$");
		if service then
			ask({ service = service }, "set", "unsubscribe", { jid = us, node = node }):catch(function () end);
		end
		store:set(name, nil);
	end
end

local function begin()
	here = module:context(us);
	local err;
	store, err = here:open_store("block_lists");
	if not store then
		module:log("error", "Could not open the storage of %s: %s", us, err);
		return;
	end
	here:hook("message/host", told, 10);
	for _, option in ipairs(module:get_option_array("block_lists", {})) do
		local name = option.jid .. "/" .. option.node;
		local kept = store:get(name) or {};
		local list = { name = name, service = option.jid, node = option.node, entries = {}, had = kept.had or 0, ours = {} };
		for _, entry in ipairs(kept.entries or {}) do
			list.entries[entry] = true;
		end
		lists[#lists + 1] = list;
		show(list);
		again(list, 1);
	end
	tidy();
end

local function guard(name)
	local context, host = module:context(name), prosody.hosts[name];
	if host.type == "component" then
		context:hook("muc-occupant-pre-join", keep_out, 20);
		context:hook("muc-occupant-groupchat", keep_out, 45);
		context:hook("muc-private-message", keep_from_whispering, 20);
	else
		context:hook("message/bare", keep_away, 500);
		context:hook("message/full", keep_away, 500);
		context:hook("presence/bare", keep_away, 500);
	end
end

for host in pairs(prosody.hosts) do
	guard(host);
end
module:hook("host-activated", guard);

if prosody.start_time then
	begin();
else
	module:hook("server-started", begin);
end

-- Families of metrics outlive the module (core.statsmanager of 13.0): of a list that is none of ours any more it would be said for ever
-- when it was had last.
function module.unload()
	for _, list in ipairs(lists) do
		for _, family in ipairs({ entries_metric, had_metric }) do
			family.data:remove(list.name);
		end
		if list.unsaved then
			write(list);
		end
	end
end
