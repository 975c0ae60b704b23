-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- health_web.lua NAME: exit 0 where the page of a name is really served by HTTPS, 1 with a reason otherwise.
local name = arg[1]
local socket, ssl = require "socket", require "ssl"
local function need(value, why, what)
	if not value then io.stderr:write(what, ": ", tostring(why), "\n") os.exit(1) end
	return value
end
local c = socket.tcp() c:settimeout(4)
need(c:connect("127.0.0.1", 443), "no connection", "port 443")
-- whether the certificate is the right one, others look
local s = need(ssl.wrap(c, { mode = "client", protocol = "any", options = { "no_sslv2", "no_sslv3" }, verify = "none" }))
s:sni(name) s:settimeout(4)
local ok, why = s:dohandshake() need(ok, why, "TLS handshake as " .. name)
s:send("GET /app/icon.svg HTTP/1.1\r\nHost: " .. name .. "\r\nConnection: close\r\n\r\n")
local line, reason = s:receive("*l")
need(line and line:find(" 200 ", 1, true), line or reason, "/app/icon.svg")
