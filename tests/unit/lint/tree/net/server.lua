-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

local server_type = require "prosody.core.configmanager".get("*", "network_backend") or "epoll";
local config_get = require "prosody.core.configmanager".get;
local settings = config_get("*", "network_settings") or {};
