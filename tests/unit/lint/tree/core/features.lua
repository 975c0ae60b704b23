-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

local set = require "prosody.util.set";
return { available = set.new{ "loader"; "mod_letters"; } };
