-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

local hash = module:get_option_enum("ledger_hash", "SHA-1", "SHA-256");
module:provides("auth", {});
