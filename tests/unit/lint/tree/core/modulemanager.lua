-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

local autoload_modules = {
	"clients", -- comments between the names
	"letters";
};
local component_inheritable_modules = { "clients" };
