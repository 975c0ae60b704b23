-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Nobody registers a name that looks like that of an account which is there, such as one with a Cyrillic letter (UTS 39).
-- The core's mod_mimicking knows only who registered while it was loaded: not an operator's accounts, of which the administrators are
-- what somebody would imitate. And to it a name looks like itself, so that a password was never set anew by an invitation.
local skeleton = require "prosody.util.encodings".confusable.skeleton;
local usermanager = require "prosody.core.usermanager";

-- name → what it looks like; reckoned once
local known = {};

module:hook("user-registering", function (event)
	local looks = skeleton(event.username);
	for name in usermanager.users(module.host) do
		known[name] = known[name] or skeleton(name);
		if name ~= event.username and known[name] == looks then
			module:log("info", "Refused the name %q, which looks like %q", event.username, name);
			event.allowed = false;
			event.reason = "Somebody has a name that looks like this one";
			event.looks_like = name;
			return;
		end
	end
end, 1);

module:hook_global("user-deleted", function (event)
	if event.host == module.host then
		known[event.username] = nil;
	end
end);
