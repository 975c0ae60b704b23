-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Who signed in, who was refused, and what was done to accounts and by admins: a line of JSON each in a file for each day, which expires.
-- It lies beside the storage and not in it, so that it outlives accounts, and so that a flood of guesses waits for no database.
-- What was typed is never written: a password may stand in the place of a name, and in a command of the shell.
-- What is the same is counted: the first is written within a second, those of the next while as one line at its end.
local lfs = require "lfs";
local json = require "prosody.util.json";
local ip = require "prosody.util.ip";
local new_cache = require "prosody.util.cache".new;
local jid_bare, jid_prep = require "prosody.util.jid".bare, require "prosody.util.jid".prep;
local umask = require "prosody.util.pposix".umask;
local um = require "prosody.core.usermanager";

module:set_global();

local keep = module:get_option_period("audit_trail_keep", "30 days", 86400);
local addresses = module:get_option_enum("audit_trail_addresses", "network", "full", "none");
-- accounts whose sign-ins are left out: those with which the service is probed every minute
local quiet = module:get_option_set("audit_trail_quiet", {});

local DIRECTORY = prosody.paths.data .. "/audit_trail";
local COMMANDS = "http://jabber.org/protocol/commands:command";
local DAY, SWEEP = 86400, 10;
local WAITING = 10000;  -- lines that wait in memory while the disk takes none
local LOOKED_UP = 20;   -- names that are looked up in the storage in a second, since each costs others a wait
local UNKNOWN, VARIOUS = "unknown", "various";

-- seconds for which the same is counted; how many different ones at a time, and lines in a day, after which all others are one
local OTHERS = { seconds = 10, at_once = 20000, a_day = 200000 };
local KINDS = {
	["signed-in"] = { seconds = 600, at_once = 20000, a_day = 200000 };
	["refused"] = { seconds = 60, at_once = 500, a_day = 20000 };
};
for _, kind in pairs { OTHERS, KINDS["signed-in"], KINDS["refused"] } do
	kind.held, kind.lines = 0, 0;
end

-- Who has something done now. By the coroutine, since what is done may wait in the middle, and others go on meanwhile.
local acting = setmetatable({}, { __mode = "k" });
-- What the shell does as soon as it has a password is not done in that: account → when it was asked for
local awaited = {};
-- accounts that were made by what is done now
local created = {};

local function on_behalf_of(who, fire, name, data)
	local thread = coroutine.running();
	created = {};
	local before = acting[thread];
	acting[thread] = who;
	local ok, result = pcall(fire, name, data);
	acting[thread] = before;
	if not ok then
		error(result, 0);
	end
	return result;
end

local function place_of(address)
	local parsed = address and addresses ~= "none" and ip.new_ip(address);
	if not parsed then
		return nil;
	end
	if parsed.proto == "IPv6" and address:lower():match("^::ffff:[%d.]+$") then
		parsed = ip.new_ip(address:match("[^:]+$"));
	end
	if addresses == "full" then
		return parsed.addr;
	end
	local bits = parsed.proto == "IPv4" and 24 or 48;
	return ip.truncate(parsed, bits).addr .. "/" .. bits;
end

--- To the disk

local lines, lost, failed = {}, 0, false;

local function append(text)
	local path = ("%s/%s.jsonl"):format(DIRECTORY, os.date("!%Y-%m-%d"));
	-- as other files of Prosody are where it becomes a daemon by itself
	local usual = umask("027");
	local file, why = io.open(path, "a");
	if not file then
		lfs.mkdir(DIRECTORY);
		file, why = io.open(path, "a");
	end
	umask(usual);
	if not file then
		return nil, why;
	end
	local written, err = file:write(text);
	local closed, later = file:close();
	return written and closed, err or later;
end

local NAMES = { "time", "host", "what", "account", "by", "from", "detail", "count", "until" };
local function encoded(fields)
	local parts = {};
	for _, name in ipairs(NAMES) do
		local value = fields[name];
		-- the encoder takes ten times as long, and thousands may be written at once
		if type(value) == "string" and not value:find("[^%w%p ]") and not value:find("[\"\\]") then
			parts[#parts + 1] = '"' .. name .. '":"' .. value .. '"';
		elseif value then
			parts[#parts + 1] = '"' .. name .. '":' .. json.encode(value);
		end
	end
	return "{" .. table.concat(parts, ",") .. "}\n";
end

local function stamp(time)
	return os.date("!%Y-%m-%dT%H:%M:%SZ", time);
end

local function save()
	if not lines[1] then
		return;
	end
	local last = lost > 0 and encoded { time = stamp(), host = "*", what = "lost", count = lost } or "";
	-- a line that was cut off by a full disk is ended first; what came through before it comes twice
	local ok, why = append((failed and "\n" or "") .. table.concat(lines) .. last);
	if ok then
		lines, lost, failed = {}, 0, false;
		return;
	end
	if not failed then
		failed = true;
		module:log("error", "The audit trail is not written: %s. Up to %d lines of it wait in memory", why, WAITING);
	end
	local over = #lines - WAITING;
	if over > 0 then
		lost = lost + over;
		lines = table.move(lines, over + 1, #lines, 1, {});
	end
end

local function expire()
	if keep == math.huge or lfs.attributes(DIRECTORY, "mode") ~= "directory" then
		return;
	end
	-- a file has lines of its whole day, and goes when the last of them has expired
	local oldest = os.date("!%Y-%m-%d", math.floor(os.time() - keep - DAY));
	for name in lfs.dir(DIRECTORY) do
		local day = name:match("^(%d%d%d%d%-%d%d%-%d%d)%.jsonl$");
		if day and day <= oldest then
			local ok, why = os.remove(DIRECTORY .. "/" .. name);
			if not ok then
				module:log("error", "A part of the audit trail that has expired stays: %s", why);
			end
		end
	end
end

--- Counting

local records, fresh = {}, {};
local swept, today, timed = 0, nil, false;

local function emit(record)
	record.kind.lines = record.kind.lines + 1;
	lines[#lines + 1] = encoded {
		time = stamp(record.first), host = record.host, what = record.what, account = record.account, by = record.by, from = record.from;
		detail = record.detail, count = record.count > 1 and record.count or nil, ["until"] = record.count > 1 and stamp(record.last) or nil;
	};
	record.count, record.written = 0, os.time();
end

local function flush(all)
	local now, list = os.time(), fresh;
	fresh, created = {}, {};
	for _, record in ipairs(list) do
		emit(record);
	end
	if all or now >= swept + SWEEP or now < swept then
		swept = now;
		for account, since in pairs(awaited) do
			if now >= since + 600 then
				awaited[account] = nil;
			end
		end
		for key, record in pairs(records) do
			if record.count > 0 and (all or now >= record.written + record.kind.seconds) then
				emit(record);
			elseif now >= record.written + record.kind.seconds then
				records[key] = nil;
				record.kind.held = record.kind.held - 1;
			end
		end
	end
	save();
	timed = next(records) ~= nil or lines[1] ~= nil;
	return timed and 1 or nil;
end

local function held(key, kind, record)
	record.kind, record.count = kind, 0;
	records[key] = record;
	kind.held = kind.held + 1;
	fresh[#fresh + 1] = record;
	return record;
end

-- about: by, address and detail
local function note(what, host, account, about)
	local now, kind = os.time(), KINDS[what] or OTHERS;
	if today ~= now // DAY then
		today = now // DAY;
		for _, each in pairs { OTHERS, KINDS["signed-in"], KINDS["refused"] } do
			each.lines = 0;
		end
	end
	local who = acting[coroutine.running()] or account and awaited[account] and { by = "shell" } or {};
	local by, from, detail = about.by or who.by, place_of(about.address or who.address), about.detail;
	local key = table.concat({ what, host, account or "", by or "", from or "", detail or "" }, "\0");
	local record = records[key];
	if not record and (kind.held >= kind.at_once or kind.lines >= kind.a_day) then
		key = what .. "\0" .. host;
		record = records[key] or held(key, kind, { what = what, host = host, account = VARIOUS });
	elseif not record then
		record = held(key, kind, { what = what, host = host, account = account, by = by, from = from, detail = detail });
	end
	if record.count == 0 then
		record.first = now;
	end
	record.count, record.last = record.count + 1, now;
	if not timed then
		timed = true;
		module:add_timer(1, function () return flush(); end);
	end
	return record;
end

--- Accounts

for event, what in pairs {
	["user-password-changed"] = "password", ["user-deleted"] = "removed", ["user-enabled"] = "enabled", ["user-disabled"] = "disabled";
	["user-role-changed"] = "role", ["user-role-added"] = "role-added", ["user-role-removed"] = "role-removed";
} do
	module:hook(event, function (data)
		local account = data.username .. "@" .. data.host;
		local role = data.role_name or type(data.role) == "table" and data.role.name or nil;
		local new = created[account];
		-- Prosody makes an account in steps: it is one event, with the role that it has at its end
		if new and what == "role" then
			new.detail = role;
		elseif not new or what ~= "password" and what ~= "enabled" then
			created[account] = nil;
			note(what, data.host, account, { detail = role });
			awaited[account] = nil;
		end
	end);
end

local function is_created(username, host)
	local account = username .. "@" .. host;
	created[account] = note("created", host, account, {});
	awaited[account] = nil;
end

-- Modules of the collection make many at once past usermanager, and say so (module_utils/accounts/server.py)
module:hook("xmpp-accounts-created", function (data)
	for _, username in ipairs(data.usernames) do
		is_created(username, data.host);
	end
end);

--- The shell

local LOOKS = {};
for name in ([[show show_tls showcert list info role roles count version uptime memory room occupants affiliations ping lookup cache
	help]]):gmatch("%S+") do
	LOOKS[name] = true;
end

local HEALTH = "^> local s = require 'prosody%.core%.storagemanager'%.open%('[%w.-]+', 'accounts', 'keyval'%);"
	.. " local _, e = s:get%('health%-of%-nobody'%); if e then return nil, e end return true, 'fine'$";

local commands = module:shared("/*/admin_shell/env");

-- Its name where there is such a command, and "code" for all that is none: what was typed may be anything
local function shell_command(line)
	local alone, section, name = true, line:match('^{%s*"([%w_]+)"%s*,%s*"([%w_]+)"');
	if not section then
		section, name = line:match("^%s*([%w_]+)%s*:%s*([%w_]+)");
		alone = line:match("^[^(]*%([^(]*%)%s*$");
	end
	-- what the health check of a container asks every half minute (roles/containers/files/health.lua), and nothing that only begins like it
	if line:match(HEALTH) then
		return nil;
	end
	local known = section and type(commands[section]) == "table" and commands[section][name];
	if known and not LOOKS[name] then
		return section .. ":" .. name;
	elseif known and alone then
		return nil;
	end
	-- words for the shell itself (help, bye) do nothing to anybody
	return (line:find("^>") or line:find("[(=]")) and "code" or nil;
end

local function in_shell(fire, name, data)
	local line = name == "admin/repl-input" and data.stanza:get_text() or "";
	local command = shell_command(line);
	if command == "user:create" or command == "user:password" then
		local account = jid_prep(line:match("[\"']([^\"'@]+@[^\"']+)[\"']"));
		if account then
			awaited[account] = os.time();
		end
	end
	if command then
		note("shell", "*", nil, { by = "shell", detail = command });
	end
	return on_behalf_of({ by = "shell" }, fire, name, data);
end

-- the second is what it asks for in between, such as a password
for _, name in ipairs { "admin/repl-input", "admin/repl-requested-input" } do
	module:wrap_event(name, in_shell);
end

--- Hosts

-- names that were seen to be those of accounts, and of how many more this second may see that
local known, second, left = new_cache(5000), 0, 0;

local function is_account(name, host)
	local account = name .. "@" .. host;
	if prosody.hosts[host].sessions[name] or known:get(account) then
		return true;
	end
	-- a directory that does not answer would have everybody wait
	if prosody.hosts[host].users.name == "ldap" then
		return false;
	end
	if second ~= os.time() then
		second, left = os.time(), LOOKED_UP;
	end
	left = left - 1;
	if left < 0 then
		return false;
	end
	local ok, exists = pcall(um.user_exists, name, host);
	if ok and exists then
		known:set(account, true);
	end
	return ok and exists;
end

module:hook("user-deleted", function (data)
	known:set(data.username .. "@" .. data.host, nil);
end, 1);

local function add_accounts(module)
	local host = module.host;

	-- who is somebody else each time cannot be followed
	if module:get_option_string("authentication") ~= "anonymous" then
		module:hook("authentication-success", function (event)
			local session = event.session;
			local account = session.username and session.username .. "@" .. host;
			if not account then
				return;
			end
			known:set(account, true);
			if not quiet:contains(account) then
				local handler = session.sasl_handler;
				note("signed-in", host, account, { address = session.ip, detail = handler and handler.selected });
			end
		end, -1000);
	end

	module:hook("authentication-failure", function (event)
		local session, condition = event.session, event.condition or "not-authorized";
		-- what a client has misspelt, and a storage that does not answer, say nothing of who asks
		if condition ~= "not-authorized" and condition ~= "account-disabled"
			or prosody.events.fire_event("accounts-unreachable", { host = host }) then
			return;
		end
		local name = session.sasl_handler and session.sasl_handler.username;
		-- a name that nobody has may be a password
		local account = type(name) == "string" and is_account(name, host) and name .. "@" .. host or UNKNOWN;
		note("refused", host, account, { address = session.ip, detail = condition == "account-disabled" and "disabled" or nil });
	end, -1000);

	local makes = {};
	module:handle_items("auth-provider", function (event)
		local provider = event.item;
		local create = provider.create_user;
		if create and not makes[provider] then
			makes[provider] = create;
			function provider.create_user(username, ...)
				local ok, err = create(username, ...);
				if ok then
					is_created(username, host);
				end
				return ok, err;
			end
		end
	end, function (event)
		local provider = event.item;
		if makes[provider] then
			provider.create_user, makes[provider] = makes[provider], nil;
		end
	end, true);

	-- of somebody who is signed in, or of somebody who registers
	for _, name in ipairs { "iq/self/jabber:iq:register:query", "stanza/iq/jabber:iq:register:query" } do
		module:wrap_event(name, function (fire, _, event)
			local origin = event.origin;
			local by = origin.username and origin.host and origin.username .. "@" .. origin.host or "registration";
			return on_behalf_of({ by = by, address = origin.ip }, fire, name, event);
		end);
	end

	module:hook("invite-created", function (invite)
		local kind = invite.additional_data and invite.additional_data.allow_reset and "password reset" or invite.type;
		note("invited", host, invite.jid, { detail = kind });
	end, -1000);

	function module.unload()
		for provider, create in pairs(makes) do
			provider.create_user = create;
		end
	end
end

function module.add_host(module)
	if prosody.hosts[module.host].type == "local" then
		add_accounts(module);
	end

	module:wrap_event("iq-set/host/" .. COMMANDS, function (fire, name, event)
		local command = event.stanza.tags[1].attr;
		local who = { by = jid_bare(event.stanza.attr.from), address = event.origin.ip };
		-- the first request is it, what follows are answers to its questions; what all may do is no matter of admins
		for _, kind in ipairs(command.node and not command.sessionid and { "adhoc", "adhoc-provider" } or {}) do
			for _, item in ipairs(module:get_host_items(kind)) do
				if item.node == command.node and item.permission == "check" then
					local may = module:may("adhoc:" .. item.node, event, true);
					note(may and "command" or "command-refused", module.host, nil, { by = who.by, address = who.address, detail = item.node });
				end
			end
		end
		return on_behalf_of(who, fire, name, event);
	end);
end

expire();
module:add_timer(3600, function ()
	expire();
	return 3600;
end);

local function finish()
	flush(true);
end
module:hook("server-stopping", finish, -1000);

function module.unload()
	finish();
end
