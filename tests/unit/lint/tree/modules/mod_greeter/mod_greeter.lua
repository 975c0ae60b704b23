-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

local phrases = module:require "phrases";
local greeting = module:get_option_string("greeter_text", "Hi");
