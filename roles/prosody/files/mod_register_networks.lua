-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The core's mod_register_limits counts accounts by the address from which they are made, of which everybody with IPv6 has 2^64. So to
-- it those of one /64 are one address. Its lists of what is blocked and allowed hold for whole /64 therefore.
local ip = require "prosody.util.ip";

module:hook("user-registering", function (event)
	local address = event.ip or event.session and event.session.ip;
	local found = address and ip.new_ip(address);
	if found and found.proto == "IPv6" and address ~= "::1" and not address:lower():find("^::ffff:") then
		event.ip = ip.truncate(found, 64).addr;
	end
end, 10);
