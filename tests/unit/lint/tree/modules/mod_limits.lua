-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

module:set_global();
local limits_cfg = module:get_option("limits", {});
for kind, sess_limits in pairs(limits_cfg) do use(sess_limits.rate, sess_limits.burst) end
local type_filters = { c2s = one; s2sin = one; s2sout = one; };
