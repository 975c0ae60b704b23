-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Nobody fills a room alone: who writes more lines than people do is refused, and who goes on is removed for some minutes (XEP-0045, 8.2).
-- Each is counted for himself, so that a lively room is no matter, unlike with mod_muc_limits. Moderators, owners and admins of a room
-- write as they like, as bridges have to that speak for many.
local jid_bare = require "prosody.util.jid".bare;
local new_cache = require "prosody.util.cache".new;
local new_throttle = require "prosody.util.throttle".create;
local st = require "prosody.util.stanza";

local lines = module:get_option_integer("muc_flood_lines", 30, 1);
local period = module:get_option_period("muc_flood_period", "10 seconds", 1);
local refusals = module:get_option_integer("muc_flood_refusals", 50, 1);
local ban = module:get_option_period("muc_flood_ban", "10 minutes");

-- room and person → throttle, how many lines were refused, and until when he is out; those who wrote last
local people = new_cache(10000);

local function key_of(room, from)
	return room.jid .. "\0" .. jid_bare(from);
end

-- after it was seen that he may speak here (50)
module:hook("muc-occupant-groupchat", function (event)
	local room, occupant, from = event.room, event.occupant, event.stanza.attr.from;
	if not occupant or occupant.role == "moderator" then
		return;
	end
	local key = key_of(room, from);
	local one = people:get(key);
	if not one then
		one = { throttle = new_throttle(lines, period), refused = 0, out = 0 };
		people:set(key, one);
	end
	if one.throttle:poll(1) then
		one.refused = math.max(0, one.refused - 1);
		return;
	end
	one.refused = one.refused + 1;
	if one.refused <= refusals then
		event.origin.send(st.error_reply(event.stanza, "wait", "policy-violation", "Too many lines at once: wait a moment"));
		return true;
	end
	one.refused, one.out = 0, os.time() + ban;
	module:log("info", "%s floods the room %s, and is out for %d seconds", jid_bare(from), room.jid, ban);
	room:set_role(true, occupant.nick, nil, "Too many lines at once");
	return true;
end, 40);

module:hook("muc-occupant-pre-join", function (event)
	local one = people:get(key_of(event.room, event.stanza.attr.from));
	local affiliation = event.room:get_affiliation(event.stanza.attr.from);
	if one and os.time() < one.out and affiliation ~= "owner" and affiliation ~= "admin" then
		event.origin.send(st.error_reply(event.stanza, "wait", "policy-violation", "Too many lines at once: come back in some minutes"));
		return true;
	end
end, 10);
