-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

--% requires: time-travel
local speed = module:get_option_number("futuristic_speed");
