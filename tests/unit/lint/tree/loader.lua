-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- A stand-in: libraries are asked for as prosody.x and lie in x.
table.insert(package.searchers, 2, function (name)
	local short = name:match("^prosody%.(.*)$")
	local path = short and package.searchpath(short, package.path)
	if path then return loadfile(path), path end
end)
