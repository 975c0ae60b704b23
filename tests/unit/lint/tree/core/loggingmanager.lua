-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

local config = require "prosody.core.configmanager";
local logging_levels = { "debug", "info", "warn", "error" };
local logging_config = config.get("*", "log");
log_sink_types.file = function (sink_config) return sink_config.to, sink_config.filename, sink_config.timestamps end
log_sink_types.syslog = function (sink_config) return sink_config.syslog_name end
