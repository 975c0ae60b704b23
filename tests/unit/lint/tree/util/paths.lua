-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

return { resolve_relative_path = function (parent, path)
	return path:sub(1, 1) == "/" and path or (parent:gsub("/+$", "") .. "/" .. path)
end }
