-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- health.lua DOMAIN [PORT]: exit 0 where clients are really served, 1 with a reason otherwise. Needs nothing beside what Prosody brings.
local domain, port = arg[1], tonumber(arg[2] or 5222)
local socket, ssl = require "socket", require "ssl"
local function fail(why) io.stderr:write(why, "\n") os.exit(1) end
local function need(value, why, what) if not value then fail(what .. ": " .. tostring(why)) end return value end
local c = socket.tcp() c:settimeout(4)
need(c:connect("127.0.0.1", port), "no connection", "port " .. port)
local open = ("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='%s'>"):format(domain)
local function read_until(s, mark)
	local got = ""
	while not got:find(mark, 1, true) do
		local all, why = s:receive(1)
		if not all then fail("no " .. mark .. " (" .. tostring(why) .. ") after: " .. got:sub(-200)) end
		got = got .. all
		if got:find("stream:error", 1, true) then fail("stream error: " .. got:sub(-200)) end
	end
	return got
end
c:send(open) read_until(c, "</stream:features>")
c:send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>") read_until(c, "<proceed")
read_until(c, ">")
local s = need(ssl.wrap(c, { mode = "client", protocol = "any", options = { "no_sslv2", "no_sslv3" }, verify = "none" }))
s:sni(domain) s:settimeout(4)
local ok, why = s:dohandshake() need(ok, why, "TLS handshake")
s:send(open)
local features = read_until(s, "</stream:features>")
if not features:find("mechanism", 1, true) then fail("no way to sign in is offered") end
-- a query through the server: the store of accounts of this host answers
local unix = require "socket.unix"
local u = unix.stream and unix.stream() or unix() u:settimeout(4)
need(u:connect("/var/lib/prosody/prosody.sock"), "no connection", "admin socket")
u:send("<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams'"
	.. " xmlns='xmpp:prosody.im/admin' version='1.0'>")
read_until(u, "<stream:stream") read_until(u, ">")
u:send(("<repl-input>&gt; local s = require 'prosody.core.storagemanager'.open('%s', 'accounts', 'keyval');"
	.. " local _, e = s:get('health-of-nobody'); if e then return nil, e end return true, 'fine'</repl-input>"):format(domain))
local answer = read_until(u, "</repl-result>")
if answer:find("type='error'", 1, true) or not answer:find("OK: fine", 1, true) then
	fail("storage: " .. tostring(answer:match("<repl%-result[^>]*>(.*)</repl%-result>")))
end
