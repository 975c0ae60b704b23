-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

local configmanager = require "prosody.core.configmanager";
local function check()
	local obsolete = set.new({ --> remove
		"ancient_option",
	});
	local deprecated_replacements = {
		old_letters = instead_use("option", "letters_size");
		anonymous_login = instead_use("option", "authentication", "anonymous");
		no_letters = instead_use("module", "letters", "modules_disabled");
		detach = "instead, use the -D flag";
	};
	local deprecated_ports = { oldclients = "clients" };
	local known_global_options = set.new({ "letters_everywhere", "gc" });
	local external = api("*"):get_option_array("external_addresses", {});
	local size = api(host):get_option_integer("lounge_size", 10);
end
