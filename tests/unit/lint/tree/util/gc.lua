-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

local known_options = {
	incremental = set.new { "mode", "threshold", "speed" };
	generational = set.new { "mode", "minor_threshold" };
};
