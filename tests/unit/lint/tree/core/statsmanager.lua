-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

local config = require "prosody.core.configmanager";
local stats_interval_config = config.get("*", "statistics_interval");
local stats_provider_config = config.get("*", "statistics");
local stats_config = config.get("*", "statistics_config");
local builtin_providers = {
	internal = "prosody.util.statistics";
	statsd = "prosody.util.statsd";
};
