-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- A configuration as people write it by hand: long, hopeful, and with settings that nothing reads.
-- Every line marked "dead" is reported by the linter; the rest of the file is taken as it is.

local domain = Lua.os.getenv("LINT_TEST_DOMAIN") or "chat.example.org"

admins = { "admin@" .. domain }

---------- modules ----------
modules_enabled = {
	"roster", "saslauth", "tls", "dialback", "disco", "pep", "private", "blocklist", "vcard4", "vcard_legacy",
	"carbons", "mam", "smacks", "csi_simple", "bookmarks", "ping", "register", "time", "uptime", "version",
	"admin_adhoc", "admin_shell", "limits", "bosh", "websocket", "http_openmetrics", "turn_external",
}

---------- resources ----------
lua_gc_pause = 105 -- dead: gc
lua_gc_step_size = 500 -- dead: gc
max_connections_per_ip = 20 -- dead: firewall
statistics = "internal"
statistics_interval = "manual"

---------- sign-in and encryption ----------
authentication = "internal_hashed"
password_hash = "SHA-256"
sasl_mechanisms = { "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256" } -- dead: disable_sasl_mechanisms
tls_channel_binding = true -- dead
tls_profile = "intermediate"
c2s_require_encryption = true
s2s_secure_auth = true

---------- accounts ----------
account_cleanup = { idle = "1 year" } -- dead: mod_account_activity
user_account_management = { grace_period = 604800 } -- dead: a module
allow_registration = false

---------- archive ----------
archive_expires_after = "1 year"
archive_compression = true -- dead
muc_log_compression = true -- dead
default_archive_policy = true

---------- web ----------
bosh_hold_timeout = 60 -- dead: bosh_max_wait
websocket_max_frame_size = 262144 -- dead: websocket_frame_buffer_limit
http_headers = { -- dead: proxy
	["Strict-Transport-Security"] = "max-age=31536000";
}
http_ports = { 5280 }
http_interfaces = { "127.0.0.1" }
trusted_proxies = { "127.0.0.1" }

---------- limits ----------
limits = {
	c2s = {
		rate = "10kb/s";
		burst = "25kb"; -- wrong: a burst is a time
		stanza_size = 262144; -- dead: c2s_stanza_size_limit
	};
	s2s = { rate = "30kb/s" }; -- dead: s2sin
}

---------- storage ----------
default_storage = "sql"
sql = {
	driver = "PostgreSQL";
	database = "prosody";
	username = "prosody";
	password = "made-up-password-of-the-test";
	host = "localhost";
	pool_size = 10; -- dead
}
storage = {
	archive = "sql";
	carbons = "memory"; -- dead
	roster = "sql";
}

turn_external_host = "turn." .. domain
turn_external_secret = "made-up-secret-of-the-test"

log = { info = "*console" }

VirtualHost(domain)

Component("rooms." .. domain)("muc")
	name = "Rooms"
	modules_enabled = { "muc_mam" }
	muc_log_expires_after = "1 year"
	restrict_room_creation = "local"

Component("files." .. domain)("http_file_share")
	http_file_share_size_limit = 100 * 1024 * 1024
	http_file_share_expires_after = "30 days"
