-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Connections that a proxy hands on with the PROXY protocol (v1 and v2), to any service of Prosody, those with TLS from the first
-- byte among them: the header is read byte by byte from the descriptor, before LuaSocket or OpenSSL see anything, and then the
-- connection is the service's own, with the address of the client and with the TLS context (certificates, SNI) of the service.
-- Prosody itself knows no PROXY protocol, and the community's mod_net_proxy reads more than the header and so cannot do TLS.
-- Source: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
--
-- proxy_direct_tls_mappings = { [15223] = "c2s_direct_tls", [15270] = "s2s_direct_tls" } -- port = service; both must be active
-- proxy_direct_tls_trusted = { "127.0.0.1", "2001:db8::/32" } -- who may say where clients come from; all others are refused
-- Not called proxy_direct_tls_ports, which portmanager would read as a list.
module:set_global();

local portmanager = require "prosody.core.portmanager";
local ip = require "prosody.util.ip";
local net = require "prosody.util.net";
local recv = require "posix.sys.socket".recv;
local errno = require "posix.errno";

local V2 = "\r\n\r\n\0\r\nQUIT\n";
local V1 = "PROXY ";
local SHORTEST = 12; -- of both: the signature of v2; v1 has at least "PROXY UNKNOWN\r\n"
local LONGEST_V1, LONGEST_V2 = 107, 1024;
local HEADER_TIMEOUT = 5; -- seconds, from the connection to the end of the header

local services = {};
for port, service in pairs(module:get_option("proxy_direct_tls_mappings", {})) do
	services[tonumber(port)] = service;
end

local trusted = {};
for range in module:get_option_set("proxy_direct_tls_trusted", { "127.0.0.1", "::1" }):items() do
	local address, bits = ip.parse_cidr(range);
	if not address then
		error(("proxy_direct_tls_trusted: %s is neither an address nor a range"):format(range));
	end
	trusted[#trusted + 1] = { address = address, bits = bits };
end

local function is_trusted(peer)
	local address = ip.new_ip(peer);
	for _, range in ipairs(trusted) do
		if address and ip.match(range.address, address, range.bits) then
			return true;
		end
	end
	return false;
end

-- Returns how many bytes are still missing, else 0 with address and port (none for a connection of the proxy itself, such as a
-- health check), else nil and what is wrong.
local function read_v2(header)
	if #header < 16 then
		return 16 - #header;
	end
	local command, family, length = header:byte(13), header:byte(14), header:byte(15) * 256 + header:byte(16);
	if length > LONGEST_V2 then
		return nil, "header too long";
	elseif #header < 16 + length then
		return 16 + length - #header;
	elseif command == 0x20 then -- LOCAL
		return 0;
	elseif command ~= 0x21 then
		return nil, "unknown version or command";
	elseif family == 0x11 and length >= 12 then -- TCP over IPv4
		return 0, net.ntop(header:sub(17, 20)), header:byte(25) * 256 + header:byte(26);
	elseif family == 0x21 and length >= 36 then -- TCP over IPv6
		return 0, net.ntop(header:sub(17, 32)), header:byte(49) * 256 + header:byte(50);
	elseif family == 0x00 then -- unspecified: the receiver uses the real endpoints
		return 0;
	end
	return nil, "unknown address family or short addresses";
end

local function read_v1(header)
	if header:sub(-2) ~= "\r\n" then
		if #header >= LONGEST_V1 then
			return nil, "header too long";
		end
		return 1;
	elseif header:find("^PROXY UNKNOWN[ \r]") then
		return 0;
	end
	local family, address, port = header:match("^PROXY TCP([46]) (%S+) %S+ (%d+) %d+\r\n$");
	local parsed = address and ip.new_ip(address);
	if not parsed or parsed.proto ~= "IPv" .. family or tonumber(port) > 65535 then
		return nil, "no addresses that can be read";
	end
	return 0, address, tonumber(port);
end

local function parse(header)
	local begin = header:sub(1, SHORTEST);
	if begin == V2 then
		return read_v2(header);
	elseif #header < SHORTEST then
		if begin ~= V2:sub(1, #begin) and begin:sub(1, #V1) ~= V1:sub(1, #begin) then
			return nil, "no PROXY header";
		end
		return SHORTEST - #header;
	elseif begin:sub(1, #V1) == V1 then
		return read_v1(header);
	end
	return nil, "no PROXY header";
end

-- Reads what there is of the header and not one byte behind it. Returns "wait", "refused" and why, or "done", address and port.
local function read_header(fd, state)
	while true do
		local missing, address, port = parse(state.header);
		if not missing then
			return "refused", address;
		elseif missing == 0 then
			return "done", address, port;
		end
		local data, message, code = recv(fd, missing);
		if not data then
			if code == errno.EAGAIN or code == errno.EWOULDBLOCK or code == errno.EINTR then
				return "wait";
			end
			return "refused", message;
		elseif data == "" then
			return "refused", "closed";
		end
		state.header = state.header .. data;
	end
end

local function active_server(name)
	for _, _, _, _, active in portmanager.get_active_services():iter(name, nil, nil, nil) do
		if active.server then
			return active.server;
		end
	end
end

local function hand_over(conn, name, address, port)
	local service, server = portmanager.get_service(name), active_server(name);
	if not service or not server then
		module:log("error", "Service %s, to which connections of the proxy go, is not active", name);
		conn:close();
		return;
	end
	if address then
		conn.proxyip, conn.peername, conn.peerport = conn.peername, address, port;
		conn.updatenames = function () end; -- would ask the socket, and bring the address of the proxy back
	end
	-- as if it had just been accepted by the service
	conn.onreadable, conn.onconnect, conn._connected = nil, nil, nil;
	conn.listeners = service.listener;
	if service.encryption == "ssl" then
		conn.tls_ctx = server:sslctx();
		conn:inittls(conn.tls_ctx, true);
	else
		conn:setreadtimeout();
		conn:onconnect();
		conn:onreadable();
	end
end

local listener = {};

function listener.onconnect(conn)
	local peer, name = conn.peername, services[tonumber(conn:serverport())];
	if not peer then -- gone already
		conn:close();
		return;
	elseif not is_trusted(peer) then
		module:log("warn", "Refused a connection from %s, which is not among proxy_direct_tls_trusted", peer);
		conn:close();
		return;
	end
	local state = { header = "" };
	conn:setreadtimeout(HEADER_TIMEOUT);
	conn.onreadable = function (self)
		local fd = self.conn and self.conn:getfd();
		if not fd or fd < 0 then
			return;
		end
		local result, address, port = read_header(fd, state);
		if result == "done" then
			hand_over(self, name, address, port);
		elseif result == "refused" then
			module:log("warn", "Refused a connection from proxy %s: %s", peer, address);
			self.onreadable = nil;
			self:close();
		end
	end;
end

function listener.onincoming() end

function listener.onreadtimeout(conn)
	module:log("warn", "Refused a connection from proxy %s: no PROXY header within %d seconds", conn.peername, HEADER_TIMEOUT);
	return nil; -- closes it
end

function listener.ondisconnect() end

local ports = {};
for port in pairs(services) do
	ports[#ports + 1] = port;
end
module:provides("net", { name = "proxy_direct_tls", listener = listener, default_ports = ports });
