-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Which other servers cannot be reached, or are not let in: who, since when, why. For Prometheus and for whoever asks this module
-- (failing). A peer that works again is gone from it at once. Those that worked within KNOWN are asked by a ping every RETRY seconds
-- while they fail, so that neither their return nor their absence depends on who happens to write; of the others, such as domains that
-- nobody has any more, it is told for FORGET seconds after the last attempt. Who comes in under a name that never worked is nobody's
-- peer yet. The table outlives a restart, and holds no more than KEPT peers, and MOST that fail.
local RETRY, FORGET, KNOWN, DAY = 300, 3600, 30 * 86400, 86400;
local KEPT, MOST, LONGEST, SOON = 500, 100, 200, 2;

module:set_global();

local st = require "prosody.util.stanza";
local json = require "prosody.util.json";
local new_id = require "prosody.util.id".short;

local path = prosody.paths.data .. "/peers.json";

-- "direction host peer" → host, peer, direction (out, in), ok (when it worked last), and while it fails since, tried, reason, text
local peers = {};

local failing_since = module:metric(
	"gauge", "failing_since_timestamp", "seconds",
	"Since when another server cannot be reached (out) or is not let in (in); worked: whether it did within the last 30 days",
	{ "host", "peer", "direction", "reason", "worked" }
);

local number = module:metric("gauge", "failing", "", "How many other servers cannot be reached, or are not let in", { "worked" });

-- What was said (mod_s2s, net.connect, net.resolvers) → one of a few words
local REASONS = {
	{ "^Your server's certificate has", "certificate-expired" };
	{ "^Your server's certificate is self", "certificate-self-signed" };
	{ "^Your server's certificate is not valid for", "certificate-name" };
	{ "^Your server's certificate does not match any DANE", "certificate-dane" };
	{ "^Your server's certificate", "certificate-untrusted" };
	{ "^Error during negotiation of encrypted", "tls" };
	{ "[Ee]ncrypt", "not-encrypted" };
	{ "authentication", "authentication" };
	{ "^[%l-]+ %(", "refused-by-peer" };
	{ "resolve", "dns" }; { "SRV", "dns" }; { "IDNA", "dns" }; { "explicitly unavailable", "dns" }; { "NXDOMAIN", "dns" };
	{ "timeout", "unreachable" }; { "refused", "unreachable" }; { "nreachable", "unreachable" }; { "No route", "unreachable" };
	{ "closed", "closed" }; { "system%-shutdown", "closed" };
};

local function reason_of(text)
	for _, known in ipairs(REASONS) do
		if text:find(known[1]) then
			return known[2];
		end
	end
	return "other";
end

local function count(test)
	local total = 0;
	for _, entry in pairs(peers) do
		total = total + (test(entry) and 1 or 0);
	end
	return total;
end

local function is_failing(entry) return entry.since; end
local function is_kept(entry) return entry.ok; end

local function has_worked(entry, now)
	return entry.ok and now - entry.ok < KNOWN;
end

-- Remove the one with the smallest of what `of` says, nil for those that stay
local function drop(of)
	local worst, least;
	for key, entry in pairs(peers) do
		local value = of(entry);
		if value and (not least or value < least) then
			worst, least = key, value;
		end
	end
	if worst then
		peers[worst] = nil;
	end
end

local function write()
	local file, err = io.open(path .. ".new", "w");
	if file then
		local written;
		written, err = file:write(json.encode(peers));
		local closed, at_end = file:close();
		if written and closed then
			err = select(2, os.rename(path .. ".new", path));
		else
			err = err or at_end;
		end
	end
	if err then
		module:log("warn", "Could not write which servers are reached, it is forgotten by a restart: %s", err);
	end
end

-- Soon, and once for many: somebody may write to a thousand domains
local pending = false;

local function save()
	if not pending then
		pending = true;
		module:add_timer(SOON, function ()
			pending = false;
			write();
		end);
	end
end

function module.unload()
	if pending then
		write();
	end
end

-- What others said, on one line, short, and never half a character
local function told(text)
	return (text:gsub("%c+", " "):sub(1, LONGEST):gsub("[\194-\244][\128-\191]*$", function (last)
		return utf8.len(last) and last or "";
	end));
end

local function works(direction, host, peer)
	local key, now = table.concat({ direction, host, peer }, " "), os.time();
	local entry = peers[key];
	if entry and entry.since then
		module:log("info", "Server %s works again (%s, %s)", peer, direction, host);
	elseif entry and entry.ok and now - entry.ok < DAY then
		return;
	end
	if not entry and count(is_kept) >= KEPT then
		drop(function (one) return not one.since and one.ok or nil; end);
	end
	peers[key] = { direction = direction, host = host, peer = peer, ok = now };
	save();
end

local function fails(direction, host, peer, text)
	local key, now = table.concat({ direction, host, peer }, " "), os.time();
	local entry = peers[key];
	if not entry then
		if direction == "in" then
			return;
		elseif count(is_failing) >= MOST then
			drop(function (one) return one.since and (one.ok and one.tried + KNOWN or one.tried) or nil; end);
		end
		entry = { direction = direction, host = host, peer = peer };
		peers[key] = entry;
	end
	local reason, new = reason_of(text), not entry.since;
	new = new or entry.reason ~= reason;
	entry.since, entry.tried, entry.reason, entry.text = entry.since or now, now, reason, told(text);
	if new then
		save();
	end
end

local function is_served(host)
	return host and prosody.hosts[host];
end

local function is_connected(direction, host, peer)
	for _, session in pairs(module:shared("/*/s2s/sessions")) do
		if direction == "out" and session.type == "s2sout" and session.from_host == host and session.to_host == peer
			or session.type == "s2sin" and session.to_host == host and session.from_host == peer and (direction == "in" or session.outgoing) then
			return true;
		end
	end
	return false;
end

module:hook("s2sout-established", function (event)
	local session = event.session;
	works("out", session.from_host, session.to_host);
end);

module:hook("s2sin-established", function (event)
	local session = event.session;
	if session.from_host then
		works("in", session.to_host, session.from_host);
		if session.outgoing then -- XEP-0288
			works("out", session.to_host, session.from_host);
		end
	end
end);

local stopping = false;
module:hook("server-stopping", function ()
	stopping = true;
	if pending then
		write();
	end
end, 1000);

module:hook("s2s-destroyed", function (event)
	local session, reason = event.session, event.reason;
	local out = session.direction == "outgoing";
	local direction, host, peer = out and "out" or "in", session.from_host, session.to_host;
	if not out then
		host, peer = peer, host;
	end
	if stopping or not peer or not is_served(host) then
		return;
	elseif session.type == "s2sout" or session.type == "s2sin" then
		works(direction, host, peer); -- until now
		return;
	elseif is_connected(direction, host, peer) or tostring(reason):find("^The policy of this server") then
		return; -- of two attempts one was enough, and not to talk is not to fail (mod_peers_allowed)
	end
	fails(direction, host, peer, tostring(type(reason) == "table" and (reason.text or reason.condition) or reason or "closed"));
end);

-- clear() of a family keeps each combination of labels that there ever was, with 0: who works again would fail since 1970
-- (util.openmetrics of 13.0, which has nothing else). The family outlives this module, so what it holds is asked of it.
module:hook("stats-update", function ()
	for host in pairs(failing_since.data.data) do
		failing_since.data:remove(host);
	end
	local now, failing = os.time(), { yes = 0, no = 0 };
	for key, entry in pairs(peers) do
		if entry.since and now - entry.tried > FORGET or not entry.since and not has_worked(entry, now) then
			peers[key] = nil;
		elseif entry.since then
			local worked = has_worked(entry, now) and "yes" or "no";
			failing[worked] = failing[worked] + 1;
			failing_since:with_labels(entry.host, entry.peer, entry.direction, entry.reason, worked):set(entry.since);
		end
	end
	for worked, count_now in pairs(failing) do
		number:with_labels(worked):set(count_now);
	end
end);

module:add_timer(RETRY, function ()
	local now = os.time();
	for _, entry in pairs(peers) do
		if entry.since and entry.direction == "out" and has_worked(entry, now) and is_served(entry.host) then
			local ping = st.iq({ type = "get", from = entry.host, to = entry.peer, id = new_id() }):tag("ping", { xmlns = "urn:xmpp:ping" });
			prosody.core_post_stanza(prosody.hosts[entry.host], ping);
		end
	end
	return RETRY;
end);

-- Out: those that fail, for the console and module prosody_info
function module.environment.failing()
	local found = {};
	for _, entry in pairs(peers) do
		if entry.since then
			found[#found + 1] = entry;
		end
	end
	return found;
end

local file = io.open(path);
if file then
	local kept = json.decode(file:read("a") or "");
	file:close();
	for key, entry in pairs(type(kept) == "table" and kept or {}) do
		if type(entry) == "table" and entry.host and entry.peer and entry.direction then
			peers[key] = entry;
		end
	end
end
