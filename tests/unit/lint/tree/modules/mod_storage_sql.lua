-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

local function normalize_params(params)
	return { driver = params.driver, database = params.database, host = params.host };
end
local params = normalize_params(module:get_option("sql", {}));
module:provides("storage", {});
