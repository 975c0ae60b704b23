-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

if module:get_host_type() ~= "component" then
	error("only as a component", 0);
end
local size = module:get_option_integer("lounge_size", 10, 1, 100);
local rooms = module:open_store("rooms", "map");
