-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- A stand-in with the interface that the reader relies on: load(), getconfig(), files(), set() over a local `set`.
local envload = require "prosody.util.envload"
local paths = require "prosody.util.paths"
local manager, config = {}, { ["*"] = {} }

local function set(sections, host, key, value)
	sections[host] = sections[host] or {}
	sections[host][key] = value
end
function manager.set(host, key, value) set(config, host, key, value) end
function manager.getconfig() return config end
function manager.files() return { "/the/file" } end
function manager.set_credential_fallback_mode() end

local function run(text, file, sections)
	local current, warnings, seen, env = "*", {}, {}, nil
	local function section(name, more)
		name = name:lower()
		current = name
		set(sections, name, more and "component_module" or "defined", more and "component" or true)
		if more then set(sections, name, "load_global_modules", false) end
		local function options(list)
			current = "*"
			for key, value in pairs(list) do set(sections, name, key, value) end
		end
		return function (what)
			if type(what) == "table" then return options(what) end
			set(sections, name, "component_module", what)
			return options
		end
	end
	env = setmetatable({ VirtualHost = true, Component = true, Include = true, FileLine = true, Lua = _G }, {
		__index = function (_, name)
			local value = sections[current] and sections[current][name]
			if type(value) == "table" and name:find("modules") then
				return setmetatable({ option_name = name }, { __index = { append = function (_, more)
					for _, item in ipairs(more) do table.insert(value, item) end
					set(sections, current, name, value)
				end } })
			end
			return value
		end,
		__newindex = function (_, name, value)
			if seen[current .. "/" .. name] then
				local at = debug.getinfo(2, "l").currentline
				table.insert(warnings, ("%s:%d: Duplicate option '%s'"):format(file, at, name))
			end
			seen[current .. "/" .. name] = true
			set(sections, current, name, value)
		end,
	})
	rawset(env, "VirtualHost", function (name) return section(name) end)
	rawset(env, "Component", function (name) return section(name, true) end)
	rawset(env, "FileLine", function (name)
		local handle = assert(io.open(paths.resolve_relative_path(file:gsub("[^/]+$", ""), name)))
		local line = handle:read("l")
		handle:close()
		return line
	end)
	rawset(env, "Include", function (name)
		local path = paths.resolve_relative_path(file:gsub("[^/]+$", ""), name)
		local handle = assert(io.open(path))
		local inner = handle:read("a")
		handle:close()
		local ok, why = run(inner, path, sections)
		if not ok then error(why, 0) end
	end)
	local chunk, why = envload.envload(text, "@" .. file, env)
	if not chunk then return nil, why end
	local ok, message = pcall(chunk)
	if not ok then return nil, message end
	return true, warnings
end

function manager.load(file)
	local handle, why = io.open(file)
	if not handle then return nil, "file", why end
	local sections = { ["*"] = {} }
	local ok, detail = run(handle:read("a"), file, sections)
	if ok then config = sections end
	return ok, "parser", detail
end

return manager
