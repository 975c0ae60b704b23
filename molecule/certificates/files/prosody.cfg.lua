-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
pidfile = "/run/prosody/prosody.pid"
modules_enabled = {
	"disco"; "roster"; "saslauth"; "tls"; "dialback"; "ping"; "smacks"; "admin_shell"; "http"; "invites"; "invites_register"; "register";
}
authentication = "internal_hashed"
c2s_direct_tls_ports = { 5223 }
s2s_direct_tls_ports = { 5270 }
log = { info = "*syslog" }
certificates = "certs"
-- as the collection's own configuration has it, for what has expired
certificate = "/etc/prosody/certs/example.test.crt"
c2s_direct_tls_certificate = "/etc/prosody/certs/example.test.crt"
s2s_direct_tls_certificate = "/etc/prosody/certs/example.test.crt"
https_certificate = "/etc/prosody/certs/example.test.crt"

VirtualHost "example.test" {}
Component "muc.example.test" "muc" {}
Component "upload.example.test" "http_file_share" {}

-- where the tests plant faults
Include "/etc/prosody/conf.d/*.cfg.lua"
