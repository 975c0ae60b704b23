-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A room that nobody has configured yet goes with the one who made it (XEP-0045, 10.1.2 and 10.1.3), and leaves no tombstone.
-- With muc_room_default_persistent Prosody keeps it, locked: its owner is refused, and after five minutes strangers get in.
local st = require "prosody.util.stanza";
local jid_bare = require "prosody.util.jid".bare;
local jid_host = require "prosody.util.jid".host;

local muc = module:depends("muc");

-- A tombstone is a locked room, too.
local function is_unconfigured(data)
	return data and data.locked and not data.destroyed and os.time() < data.locked;
end

-- What is not persistent leaves nothing behind.
local function abandon(room)
	room:set_persistent(false);
	room:destroy();
end

local function is_owner(room, stanza)
	return room:get_affiliation(jid_bare(stanza.attr.from)) == "owner";
end

-- The last one leaves: Prosody itself removes an empty room (at -1) that is not persistent.
module:hook("muc-occupant-left", function (event)
	local room = event.room;
	if is_unconfigured(room._data) and not room:has_occupant() then
		room:set_persistent(false);
	end
end);

-- The owner cancels the form.
module:hook("iq-set/bare/http://jabber.org/protocol/muc#owner:query", function (event)
	local origin, stanza = event.origin, event.stanza;
	local form = stanza.tags[1]:get_child("x", "jabber:x:data");
	if not form or form.attr.type ~= "cancel" then
		return;
	end
	local room = muc.get_room_from_jid(stanza.attr.to);
	if room and is_unconfigured(room._data) and is_owner(room, stanza) then
		abandon(room);
		origin.send(st.reply(stanza));
		return true;
	end
end, 10);

-- Whether somebody is in the room who can still configure it. Of users of other servers we cannot know.
local function is_attended(room)
	for _, occupant in room:each_occupant() do
		for real_jid in occupant:each_session() do
			local session = prosody.full_sessions[real_jid];
			if not prosody.hosts[jid_host(real_jid)] or session and not session.hibernating then
				return true;
			end
		end
	end
	return false;
end

-- The owner comes back after the connection was lost, while the old session waits to be resumed: the room is made anew.
module:hook("presence/full", function (event)
	local stanza = event.stanza;
	if stanza.attr.type ~= nil then
		return;
	end
	local room = muc.get_room_from_jid(jid_bare(stanza.attr.to));
	if room and is_unconfigured(room._data) and is_owner(room, stanza) and not room:get_occupant_by_real_jid(stanza.attr.from)
		and not is_attended(room) then
		abandon(room);
	end
end, 10);

-- Another device of the owner comes in before the lock (at -30) turns it away.
module:hook("muc-occupant-pre-join", function (event)
	if is_unconfigured(event.room._data) and is_owner(event.room, event.stanza) then
		event.is_new_room = true;
	end
end, -29);

-- The server was stopped meanwhile.
module:hook("muc-room-pre-restore", function (event)
	if is_unconfigured(event.data._data) then
		return false;
	end
end);
