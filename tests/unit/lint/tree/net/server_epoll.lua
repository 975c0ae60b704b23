-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

local default_config = { __index = {
	read_timeout = 14 * 60;
	tcp_backlog = 128;
} };
local function listen(cfg) return cfg.nagle end
