-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
plugin_paths = { "/usr/local/lib/prosody/xmpp-modules" }
pidfile = "/run/prosody/prosody.pid"
log = { { levels = { min = "info" }, to = "file", filename = "/var/log/prosody/prosody.log" } }
authentication = "internal_hashed"
certificates = "/etc/prosody/certs"
modules_enabled = { "admin_shell", "disco", "roster", "saslauth", "tls", "http", "test_greeter" }

VirtualHost "example.test" {}
VirtualHost "off.example.test" { enabled = false }
Component "rooms.example.test" "muc" {
	modules_enabled = { "muc_mam", "test_guard" };
	max_history_messages = 50;
}
Component "plain.example.test" "muc" {}
Component "gateway.example.test" { component_secret = "the-secret-of-the-gateway" }
