-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Keeps an LDAP directory that does not answer from taking everybody down. mod_auth_ldap waits for it, up to four times for each sign-in,
-- and nobody is served meanwhile; a connection that has gone silent it keeps asking until TCP gives up, a quarter of an hour later.
-- Here a directory that did not answer is not asked again for a while: sign-ins fail at once, and who is connected goes on.
module:set_global();

local config = require "prosody.core.configmanager";
local now = require "prosody.util.time".monotonic;

local there, lualdap = pcall(require, "lualdap");
if not there then
	module:log_status("error", "lualdap is not installed");
	return;
end

local pause = module:get_option_period("ldap_guard_pause", "10 seconds");
local away = module:metric("gauge", "away", "", "Whether the LDAP directory did not answer when it was asked last"):with_labels();
local unreachable = module:metric("counter", "unreachable", "", "Times that the LDAP directory did not answer"):with_labels();

local state = module:shared("state");

-- who is refused meanwhile has not guessed (mod_log_refused_sign_ins and others ask)
module:hook("accounts-unreachable", function (event)
	if state.failed and config.get(event.host, "authentication") == "ldap" then
		return true;
	end
end);

-- there from the start, and after a reload as it was
away:set(state.failed and 1 or 0);
unreachable:add(0);

local silent = setmetatable({}, { __mode = "k" });
local open = lualdap.open_simple;
local methods, search;

-- What libldap and lualdap say of a directory that is not there (ldap_err2string), and not of a password that is wrong
local function is_away(err)
	err = tostring(err):lower();
	return err:find("contact ldap server", 1, true) or err:find("timed out", 1, true) or err:find("timeout", 1, true)
		or err:find("connect error", 1, true) or err:find("unavailable", 1, true) or err:find("server is busy", 1, true);
end

local function note(err)
	state.failed, state.why = now(), tostring(err);
	unreachable:add(1);
	away:set(1);
	module:log("error", "The LDAP directory did not answer: %s", state.why);
end

-- mod_auth_ldap lets go of a connection that raises an error, and of no other
local function search_or_raise(connection, ...)
	if silent[connection] then
		error(state.why, 0);
	end
	local iterator, invariant, initial = search(connection, ...);
	return function (...)
		local dn, attributes = iterator(...);
		if dn == nil and attributes and is_away(attributes) then
			silent[connection] = true;
			note(attributes);
		end
		return dn, attributes;
	end, invariant, initial;
end

function lualdap.open_simple(...)
	if state.failed and now() - state.failed < pause then
		return nil, "not asked again so soon: " .. state.why;
	end
	local connection, err = open(...);
	if connection then
		state.failed = nil;
		away:set(0);
		if not methods then
			methods = debug.getmetatable(connection).__index;
			search, methods.search = methods.search, search_or_raise;
		end
	elseif is_away(err) then
		note(err);
	end
	return connection, err;
end

function module.unload()
	lualdap.open_simple = open;
	away:set(0);
	if methods then methods.search = search; end
end
