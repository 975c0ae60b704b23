-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- An ordinary message of a chosen account to a room is said in the room, so that a program which cannot enter rooms, as the one
-- that sends alerts, can write to everybody in it. Only the text is handed on.
local st = require "prosody.util.stanza";
local jid = require "prosody.util.jid";
local new_id = require "prosody.util.id".medium;

local muc = module:depends("muc");
local announcers = module:get_option_set("muc_announcers", {}) / jid.prep;

-- It speaks under the name of its account, unless somebody else has that name in the room.
local function speaker(room, announcer)
    local nick = room.jid .. "/" .. (jid.node(announcer) or announcer);
    local occupant = room:get_occupant_by_nick(nick);
    return (occupant and occupant.bare_jid ~= announcer) and room.jid or nick;
end

module:hook("message/bare", function (event)
    local attr, text = event.stanza.attr, event.stanza:get_child_text("body");
    local announcer = jid.bare(attr.from);
    if not text or not announcers:contains(announcer) or attr.type ~= nil and attr.type ~= "chat" and attr.type ~= "normal" then
        return;
    end
    local room = muc.get_room_from_jid(attr.to);
    if not room or room:get_affiliation(announcer) == "outcast" then
        event.origin.send(st.error_reply(event.stanza, "cancel", room and "forbidden" or "item-not-found"));
        return true;
    end
    local from = speaker(room, announcer);
    room:broadcast_message(st.message({ type = "groupchat", from = from, to = room.jid, id = attr.id or new_id() }, text));
    return true;
end, 10);
