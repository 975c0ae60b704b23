-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

local config_get = require "prosody.core.configmanager".get;
local storage = config_get(host, "storage");
local driver = config_get(host, "default_storage") or "internal";
