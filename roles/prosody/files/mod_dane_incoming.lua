-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Sends away a server that comes in with another key than those that DNS names (RFC 7673), and tells it why, as Prosody does with
-- other bad certificates. mod_s2s_auth_dane_in of 13.0 only marks the certificate as invalid, and ends the event in which mod_s2s
-- would refuse it; the other server then tries dialback, which is never answered, and whoever wrote there waits in vain.
local REASON = "certificate does not match any DANE TLSA records";

module:set_global();

local nameprep = require "prosody.util.encodings".stringprep.nameprep;

local secure_auth = module:get_option_boolean("s2s_secure_auth", false);
local secure = module:get_option_set("s2s_secure_domains", {}) / nameprep;
local insecure = module:get_option_set("s2s_insecure_domains", {}) / nameprep;

local function must_hold(domain)
	if secure_auth then
		return not insecure:contains(domain);
	end
	return secure:contains(domain);
end

module:wrap_event("s2s-check-certificate", function(handlers, name, event)
	local result = handlers(name, event);
	local session, domain = event.session, event.host;
	-- true: not even mod_s2s was asked; then it was DANE
	if result ~= true or session.direction ~= "incoming" or session.cert_chain_status ~= "invalid" or not domain then
		return result;
	end
	if not must_hold(domain) then
		return result;
	end
	session.log("warn", "Forbidding insecure connection to/from %s because its %s", domain, REASON);
	session:close({ condition = "not-authorized", text = "Your server's " .. REASON }, nil, "Remote server's " .. REASON);
	return false;
end);
