-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Settings of luacheck; bin/lib/lint/lua.py gives it the Lua inside of Python too.
std = "lua54"
max_line_length = 140
-- What Prosody has for everybody (util/startup.lua), and a module for itself; the last line is what chunks of ours define
-- for later ones of the same connection. UNKNOWN and words like it stand for what is put in at run time.
globals = {
	"prosody", "module",
	"xa", "ROOMS", "PERSON", "MODULES", "encode", "change", "kept",
}
read_globals = { "socket", "server", "UNKNOWN", "COUNTED", "LOOKED_AT", "PAIRS", "SINCE" }

-- A configuration sets options as globals, and calls what Prosody offers to it (core/configmanager.lua)
files["**/*.cfg.lua"] = {
	allow_defined_top = true,
	ignore = { "131" },
	read_globals = {
		"VirtualHost", "Host", "Component", "Include", "RunScript", "FileContents", "FileLine", "FileLines", "Credential", "Lua",
	},
}
-- Extracts of Prosody's own source, and modules: what a linter has to read, and nothing that runs
files["tests/unit/lint/tree/"] = { only = { "0" } }
files["tests/unit/lint/local/"] = { only = { "0" } }
