-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

local config = require "prosody.core.configmanager";
local default_provider = "ledger";
local provider = config.get(host, "authentication") or default_provider;
local authz = config.get(host, "authorization") or "internal";
local anonymous = config.get(host, "anonymous_login");
