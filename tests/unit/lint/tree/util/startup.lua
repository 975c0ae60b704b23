-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

local config = require "prosody.core.configmanager";
local default_gc_params = { mode = "incremental"; threshold = 105 };
local gc = config.get("*", "gc");
local paths = config.get("*", "plugin_paths");
local installer = config.get("*", "installer_plugin_path");
local admins = config.get("*", "admins");
if config.get("*", "use_letters") ~= false then print "yes" end
