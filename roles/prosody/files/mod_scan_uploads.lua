-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- On a component of http_file_share: clamd looks at every file before anybody can have it, and before its uploader is answered.
--   scan_uploads_socket = "/run/clamav/clamd.ctl" -- or "host:port"
-- Clean: 201 as ever. Found: 403 with what it is, the file is put away, and who asks for its URL is told that it is gone (410). Not
-- looked at, since clamd is away or takes too long: 503, or as if it were clean (scan_uploads_unavailable = "accept").
-- mod_http_file_share has a file under the name of its slot only when it is whole; until then the name ends in "~", and nobody is given
-- it. So it is looked at under that name, and what makes it whole is called afterwards. clamd is sent the file in pieces, each when the
-- one before has gone (INSTREAM): nobody waits for it but the uploader, and it needs no right to read what Prosody keeps.
local PIECE, PROBE, LONGEST = 65536, 60, 4096;
local SHARED = "http_file_share";

local basic_resolver = require "prosody.net.resolvers.basic";
local connect = require "prosody.net.connect".connect;
local dm = require "prosody.core.storagemanager".olddm;
local lfs = require "lfs";
local new_promise = require "prosody.util.promise".new;
local server = require "prosody.net.server";
local umask = require "prosody.util.pposix".umask;
local unix = require "socket.unix";

local place = module:get_option_string("scan_uploads_socket", "/run/clamav/clamd.ctl");
local accepts = module:get_option_enum("scan_uploads_unavailable", "refuse", "accept") == "accept";
local patience = module:get_option_period("scan_uploads_timeout", "30 seconds", 1);
local keep = module:get_option_period("scan_uploads_keep", "4 weeks", 86400);

local QUARANTINE = prosody.paths.data .. "/quarantine";

local works_metric = module:metric("gauge", "scanner_up", "", "Whether clamd answered the last time it was asked");
local scans = module:metric("counter", "scans", "", "Files that were uploaded, by what became of them", { "result" });
for _, result in ipairs { "clean", "infected", "refused", "accepted" } do
	scans:with_labels(result):add(0);
end

-- Asking clamd

local function dial(listener)
	local host, port = place:match("^%[?([^/]-)%]?:(%d+)$");
	if host then
		connect(basic_resolver.new(host, tonumber(port), "tcp"), listener);
		return;
	end
	-- a table since datagrams are known to it
	local socket = (type(unix) == "table" and unix.stream or unix)();
	socket:settimeout(0);
	local ok, why = socket:connect(place);
	if not ok then
		return listener.onfail(nil, why);
	end
	return server.wrapclient(socket, place, 0, listener);
end

-- more: out, what is to be sent next, nil at the end. answered: in, what clamd said, or nil and why it said nothing.
-- Out: a function after which nothing is answered any more.
local function ask(more, answered)
	local conn, timer, ended;
	local heard = "";
	local function hang_up()
		ended = true;
		timer:stop();
		if conn then
			conn:close();
		end
	end
	local function finish(said, why)
		if not ended then
			hang_up();
			answered(said, why);
		end
	end
	local listener = {};
	function listener.onconnect(it)
		conn = it;
		if ended then
			conn:close();
		else
			listener.ondrain();
		end
	end
	function listener.ondrain()
		local piece = not ended and more();
		if piece then
			conn:write(piece);
		end
	end
	function listener.onincoming(_, data)
		heard = heard .. data;
		local said = heard:match("^([^%z]*)%z");
		if said or #heard > LONGEST then
			finish(said, "its answer has no end");
		end
	end
	function listener.ondisconnect(_, why)
		conn = nil;
		finish(nil, why or "it hung up");
	end
	function listener.onfail(_, why)
		finish(nil, why);
	end
	timer = module:add_timer(patience, function ()
		finish(nil, "no answer within " .. patience .. " seconds");
	end);
	conn = dial(listener) or conn;
	return hang_up;
end

-- What goes to clamd: each piece after its length, and at the end one without any
local function pieces_of(file)
	return coroutine.wrap(function ()
		coroutine.yield("zINSTREAM\0");
		for piece in file:lines(PIECE) do
			coroutine.yield(string.pack(">s4", piece));
		end
		coroutine.yield(string.pack(">s4", ""));
		while true do
			coroutine.yield(nil);
		end
	end);
end

local told;

-- What operators are shown, by module:list() and module prosody_info; why: why it does not answer, nil where it does
local function tell(why)
	works_metric:with_labels():set(why and 0 or 1);
	local words = "clamd looks at uploads";
	if why then
		words = ("clamd does not answer at %s, uploads are %s: %s"):format(place, accepts and "not looked at" or "refused", why);
	end
	if words ~= told then
		told = words;
		module:log(why and "warn" or "info", "%s", words);
		module:set_status(why and "warn" or "info", words);
	end
end

-- verdict: in, "clean", "infected" and by what, or "unknown" and why. Out: a function after which there is none.
local function scan(path, verdict)
	local file, why = io.open(path, "rb");
	if not file then
		verdict("unknown", why);
		return function () end;
	end
	local hang_up = ask(pieces_of(file), function (said, problem)
		file:close();
		tell(not said and problem or nil);
		local found = said and said:match("^stream: (.+) FOUND$");
		if found then
			verdict("infected", found);
		elseif said == "stream: OK" then
			verdict("clean");
		else
			verdict("unknown", said or problem);
		end
	end);
	return function ()
		hang_up();
		if io.type(file) == "file" then
			file:close();
		end
	end
end

-- Uploads

local share = module:depends(SHARED);
local provided = (share.module.items and share.module.items["http-provider"] or {})[1];
-- what receives a file, of mod_http_file_share: it is called when there is a beginning, and when all is there
local receive = provided and provided.route["PUT /*"];

-- slots of which a file is received or looked at: two at once would be one file, and what is looked at not what is kept
local busy = {};

local function answer(code, text, retry)
	return { status_code = code, headers = { content_type = "text/plain; charset=utf-8", retry_after = retry }, body = text .. "\n" };
end

local function put_away(path, slot)
	local usual = umask("077");
	lfs.mkdir(QUARANTINE);
	umask(usual);
	local ok, why = os.rename(path, QUARANTINE .. "/" .. slot);
	if not ok then
		module:log("error", "The file of slot %s cannot be put away and is removed: %s", slot, why);
		os.remove(path);
	end
end

local conclude = {};

function conclude.clean(event, path)
	scans:with_labels("clean"):add(1);
	return receive(event, path);
end

function conclude.infected(event, _, file, what)
	local request = event.request;
	local info = request.http_file_share_upload_info;
	scans:with_labels("infected"):add(1);
	module:log("warn", "Refused %q of %s, which is %s, and put it away as %s", info.filename, info.sub, what, info.slot);
	request.body_sink:close();
	put_away(file, info.slot);
	return answer(403, "Refused, this is " .. what);
end

function conclude.unknown(event, path, _, why)
	local info = event.request.http_file_share_upload_info;
	scans:with_labels(accepts and "accepted" or "refused"):add(1);
	module:log("warn", "%s %q of %s, at which clamd did not look: %s", accepts and "Took" or "Refused", info.filename, info.sub, why);
	if accepts then
		return receive(event, path);
	end
	return answer(503, "This file could not be looked at for viruses. Try again later", "60");
end

-- All of a file is there
local function look(event, path)
	local request, response = event.request, event.response;
	local info, sink = request.http_file_share_upload_info, request.body_sink;
	local file = dm.getpath(info.slot, module.host, SHARED, "bin") .. "~";
	local stop;
	-- when all is said, and when the uploader hangs up before
	function response.on_destroy()
		busy[info.slot] = nil;
		if stop then
			stop();
		end
		if io.type(sink) == "file" then
			sink:close();
			os.remove(file);
		end
	end
	if sink:seek() ~= info.filesize then
		-- which refuses it
		return receive(event, path);
	end
	local written, why = sink:flush();
	if not written then
		module:log("error", "The file of slot %s cannot be written: %s", info.slot, why);
		return 500;
	end
	return new_promise(function (resolve)
		stop = scan(file, function (verdict, detail)
			local ok, result = xpcall(conclude[verdict], debug.traceback, event, path, file, detail);
			if not ok then
				module:log("error", "%s", result);
				result = 500;
			end
			resolve(result);
		end);
	end);
end

local function begin(event, path)
	local request = event.request;
	local body = request.body;
	-- a small one is there already: it is received as a large one is, so that it can be looked at in between
	if body then
		request.body = false;
	end
	-- nobody else is to read what may be put away
	local usual = umask("077");
	local ok, result = pcall(receive, event, path);
	umask(usual);
	if not ok then
		error(result, 0);
	end
	local info, sink = request.http_file_share_upload_info, request.body_sink;
	if result ~= true or not info or not sink then
		return result;
	end
	busy[info.slot] = true;
	local clean_up = event.response.on_destroy;
	function event.response:on_destroy()
		busy[info.slot] = nil;
		return clean_up(self);
	end
	if not body then
		return true;
	end
	local written, why = sink:write(body);
	if not written then
		module:log("error", "The file of slot %s cannot be written: %s", info.slot, why);
		return 500;
	end
	return look(event, path);
end

local function upload(event, path)
	if event.request.http_file_share_upload_info then
		return look(event, path);
	end
	if busy[path and path:match("^[^/]+")] then
		return answer(409, "This file is being received already");
	end
	return begin(event, path);
end

local function route_to(handler)
	if share.module:remove_item("http-provider", provided) then
		provided.route["PUT /*"] = handler;
		share.module:add_item("http-provider", provided);
	end
end

if not receive then
	module:log_status("error", "Nothing is looked at: %s does not receive files itself (http_file_share_base_url)", module.host);
	return;
end
route_to(upload);

module:add_timer(1, function ()
	local question = "zVERSION\0";
	ask(function ()
		local words = question;
		question = nil;
		return words;
	end, function (said, why)
		tell(not said and why or nil);
	end);
	return math.max(PROBE, patience);
end);

module:daily("Remove from quarantine what has expired", function (_, now)
	if lfs.attributes(QUARANTINE, "mode") ~= "directory" then
		return;
	end
	for name in lfs.dir(QUARANTINE) do
		local path = QUARANTINE .. "/" .. name;
		local about = lfs.attributes(path);
		if about and about.mode == "file" and (now or os.time()) - about.modification > keep then
			os.remove(path);
		end
	end
end);

-- Families of metrics outlive the module (core.statsmanager of 13.0), and nobody asks clamd any more
function module.unload()
	for _, item in ipairs(module.items.metric) do
		item.mf.data:remove(module.host);
	end
	route_to(receive);
end
