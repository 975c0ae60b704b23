-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- A log sink "json": one JSON object per line, to a file or to standard output.
-- log = { { to = "json", levels = { min = "info" }, filename = "/var/log/prosody/prosody.json.log" } }
module:set_global();

local logging = require "prosody.core.loggingmanager";
local datetime = require "prosody.util.datetime".datetime;
local format = require "prosody.util.format".format;
local json = require "prosody.util.json";

local function sink(config)
	local output, err = io.stdout;
	if config.filename then
		output, err = io.open(config.filename, "a+");
		if not output then
			module:log("error", "Cannot write the log: %s", err);
			return function () end;
		end
	end
	output:setvbuf("line");
	return function (source, level, message, ...)
		output:write(json.encode({
			time = datetime();
			level = level;
			source = source;
			message = format(message, ...);
		}), "\n");
	end;
end

function module.load()
	logging.register_sink_type("json", sink);
end

function module.unload()
	logging.register_sink_type("json", nil);
end
