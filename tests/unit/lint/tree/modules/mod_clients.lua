-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

module:set_global();
local timeout = module:get_option_period("clients_timeout", "5 minutes", "10 seconds", "1 hour");
function module.add_host(module)
	local encrypted = module:get_option_boolean("clients_require_encryption", true);
end
module:provides("net", { name = "clients"; default_port = 5222; listener = listener; });
module:add_item("net-provider", { name = "clients_direct"; encryption = "ssl"; config_prefix = "direct"; });
