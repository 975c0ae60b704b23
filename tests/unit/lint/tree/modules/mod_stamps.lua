-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

module:depends("letters");
local optional = softreq "stamps.extra";
local ok, extra = pcall(require, "stamps.other");
local colour = module:get_option_enum("stamps_colour", "red", "green");
local limit = module:get_option_integer(module.name .. "_limit", 5, 1);
