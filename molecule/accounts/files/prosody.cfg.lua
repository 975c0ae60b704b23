-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Without encryption, so that the little client of the tests can do with plain sockets; never do this elsewhere.
modules_enabled = { "roster", "saslauth", "disco", "ping", "flags", "account_activity", "admin_shell" }
modules_disabled = { "s2s", "tls" }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_hashed"
password_hash = "SHA-256"
admins = { "operator@internal.example" }
pidfile = "/run/prosody/prosody.pid"
log = { debug = "/var/log/prosody/prosody.log" }

VirtualHost "internal.example" {
	storage = "internal";
}
VirtualHost "sqlite.example" {
	storage = "sql";
	sql = { driver = "SQLite3", database = "/var/lib/prosody/accounts.sqlite" };
}
VirtualHost "postgresql.example" {
	storage = "sql";
	sql = { driver = "PostgreSQL", database = "prosody", username = "prosody", password = "", host = "/run/postgresql" };
}
-- whose accounts are not ours to manage
VirtualHost "anonymous.example" {
	authentication = "anonymous";
}
