-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

local configmanager = require "prosody.core.configmanager";
local global_ssl_config = configmanager.get("*", "ssl");
local mozilla_ssl_configs = { modern = { protocol = "tlsv1_3" }, intermediate = { protocol = "tlsv1_2+" } };
local profile = configmanager.get("*", "tls_profile") or "intermediate";
if profile ~= "legacy" then global_ssl_config = mozilla_ssl_configs[profile]; end
