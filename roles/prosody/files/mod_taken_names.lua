-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Nobody registers a name that looks like that of an account which is there, such as one with a Cyrillic letter (UTS 39), or that was
-- somebody's until now.
-- The core's mod_mimicking knows only who registered while it was loaded: not an operator's accounts, of which the administrators are
-- what somebody would imitate. And to it a name looks like itself, so that a password was never set anew by an invitation.
-- The core's mod_tombstones remembers that a name had no tombstone when it was registered, and asks no more (13.0.1).
-- luacheck: globals why_not
local skeleton = require "prosody.util.encodings".confusable.skeleton;
local usermanager = require "prosody.core.usermanager";

local ttl = module:get_option_period("user_tombstone_expiry", nil);

local known = {}; -- name → what it looks like; reckoned once
local gone = {}; -- name → when its account was removed, since the start

-- What is known at once
local function not_free(wanted)
	-- one that begins so is taken for an option or a hidden file by some who handle it
	if wanted:find("^[.-]") then
		return "odd";
	end
	local removed = gone[wanted];
	local tombstones = prosody.hosts[module.host].modules.tombstones;
	if tombstones and (removed and not (ttl and removed + ttl < os.time()) or tombstones.has_tombstone(wanted)) then
		return "gone";
	end
end

local function looks_like(wanted)
	local looks = skeleton(wanted);
	for name in usermanager.users(module.host) do
		known[name] = known[name] or skeleton(name);
		if name ~= wanted and known[name] == looks then
			return "looks like", name;
		end
	end
end

-- Why a name cannot be registered: "looks like" and the other name, "gone", "odd", or nil. That it is there already is said by others.
function why_not(wanted)
	local why = not_free(wanted);
	if why then
		return why;
	end
	return looks_like(wanted);
end

local function refuse(event, why, other)
	module:log("info", "Refused to register the name %q: %s", event.username, other and why .. " " .. other or why);
	event.allowed = false;
	event.reason = "Somebody has this name, or one that looks like it";
	event.name_is = why;
end

-- An invitation to set a password anew makes no account: neither another one, nor the one that was removed
local function resets_another(event)
	local invite = event.validated_invite or event.session and event.session.validated_invite;
	local name = invite and invite.additional_data and invite.additional_data.allow_reset;
	return name and (name ~= event.username or not usermanager.user_exists(name, module.host));
end

module:hook("user-registering", function (event)
	local why = not_free(event.username) or resets_another(event) and "its invitation sets a password anew";
	if why then
		refuse(event, why);
		return true;
	end
end, 1);

-- All names are looked at, so those who register in waves are kept out by others before
module:hook("user-registering", function (event)
	if event.allowed then
		local why, other = looks_like(event.username);
		if why then
			refuse(event, why, other);
		end
	end
end, -1);

module:hook_global("user-deleted", function (event)
	if event.host == module.host then
		known[event.username] = nil;
		gone[event.username] = os.time();
	end
end);
