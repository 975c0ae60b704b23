-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Credentials for TURN that tell users apart. mod_external_services names nobody but the second in which they end: who asks in the
-- same second shares the user-quota of coturn, and who asks twice has it twice. Behind the time a name counts, which is opaque,
-- since a TURN server need not know who calls whom, and the same for all devices of a user.
local base64 = require "prosody.util.encodings".base64;
local hashes = require "prosody.util.hashes";
local jid_bare = require "prosody.util.jid".bare;

module:depends("external_services");

local secret = module:get_option_string("external_service_secret");

local function password_for(username)
	return base64.encode(hashes.hmac_sha1(secret, username));
end

local function name_user(event)
	if not secret then
		return;
	end
	local tag = hashes.hmac_sha256(secret, "user " .. jid_bare(event.stanza.attr.from), true):sub(1, 16);
	for _, service in ipairs(event.services) do
		local expires = service.username and service.username:match("^%d+$");
		-- others have a secret or a name of their own
		if expires and service.password == password_for(expires) then
			service.username = expires .. ":" .. tag;
			service.password = password_for(service.username);
			service.expires = tonumber(expires);
		end
	end
end

module:hook("external_service/services", name_user);
module:hook("external_service/credentials", name_user);
