-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Keeps an LDAP directory that does not answer from taking everybody down. mod_auth_ldap waits for it, three times for each sign-in, and
-- nobody is served meanwhile. Here a directory that did not answer is not asked again for a while: sign-ins fail at once, and who is
-- connected goes on.
module:set_global();

local now = require "prosody.util.time".monotonic;

local there, lualdap = pcall(require, "lualdap");
if not there then
	module:log_status("error", "lualdap is not installed");
	return;
end

local pause = module:get_option_period("ldap_guard_pause", "10 seconds");
local unreachable = module:metric("counter", "unreachable", "", "Times that the LDAP directory did not answer"):with_labels();

local open = lualdap.open_simple;
-- others read it: who is refused meanwhile has not guessed (mod_log_refused_sign_ins)
local state = module:shared("state");

-- What libldap says of a directory that is not there (ldap_err2string), and not of a password that is wrong
local function is_away(err)
	err = tostring(err):lower();
	return err:find("contact ldap server", 1, true) or err:find("timed out", 1, true) or err:find("timeout", 1, true)
		or err:find("connect error", 1, true) or err:find("unavailable", 1, true) or err:find("server is busy", 1, true);
end

function lualdap.open_simple(...)
	if state.failed and now() - state.failed < pause then
		return nil, "not asked again so soon: " .. state.why;
	end
	local connection, err = open(...);
	if connection then
		state.failed = nil;
	elseif is_away(err) then
		state.failed, state.why = now(), tostring(err);
		unreachable:add(1);
		module:log("error", "The LDAP directory did not answer: %s", state.why);
	end
	return connection, err;
end

function module.unload()
	lualdap.open_simple = open;
end
