# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of role prosody as a configuration: read back by Lua, and once letter by letter."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import findings, model
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.hosts import hosts_of
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.server import TYPED
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import Settings
from ansible_collections.allthingslinux.xmpp.tests.unit.lua_config import read
from ansible_collections.allthingslinux.xmpp.tests.unit.role_settings import role_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GOLDEN = Path(__file__).parents[1] / "data" / "prosody.cfg.lua"
D = "example.org"
HERE = {"groups": {"prosody": ["one"]}, "group_names": ["prosody"]}
SHARED = {"jid": "lists.example.net", "node": "muc_bans_sha256"}
SCANNED = {"prosody_upload_scan": True}
# no module of the collection is wanted
BARE = {"prosody_metrics": False, "prosody_log_refused_sign_ins": False, "prosody_standard_components": []}
ELSEWHERE = {"groups": {"prosody": ["one"], "postgresql": ["two"]}, "group_names": ["prosody"]}


def minimal(**values: Any) -> dict[str, Any]:
    return {"hosts": [{"name": D}], "storage": "internal", **values}


def test_the_default_configuration_letter_by_letter(tmp_path: Path) -> None:
    """After a wanted change: XMPP_UPDATE_GOLDEN=1 pytest tests/unit/test_model.py, and read the difference."""
    text = model.config_text(role_settings(tmp_path, xmpp_admins=[f"admin@{D}"]))
    if os.environ.get("XMPP_UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_the_default_configuration_has_at_least_sixty_modules(tmp_path: Path) -> None:
    config = read(model.config_text(role_settings(tmp_path)))
    enabled = {module for host in config.values() for module in host.get("modules_enabled", [])}
    components = {host["#module"] for host in config.values() if "#module" in host}
    assert len(enabled | components) >= 60


def test_the_default_configuration_has_no_line_too_long_to_read(tmp_path: Path) -> None:
    text = model.config_text(role_settings(tmp_path))
    assert max(len(line.expandtabs(4)) for line in text.splitlines()) <= 120
    assert text == text.strip() + "\n"


def test_what_is_not_set_stays_as_prosody_has_it() -> None:
    config = read(model.config_text(minimal()))
    assert set(config) == {"*", D}
    assert set(config["*"]) - {"#include"} == {
        "authentication",
        "certificate",
        "certificates",
        "log",
        "modules_enabled",
        "password_hash",
        "pidfile",
        "plugin_paths",
        "s2s_secure_auth",
        "storage",
    }


CLOSED = {"prosody_registration": "closed"}
OWN = "/usr/local/lib/prosody/xmpp-own-modules"
# (variables, world, host, option, value); value None: the option is not set
OPTIONS: list[tuple[dict[str, Any], dict[str, Any], str, str, Any]] = [
    ({}, {}, "*", "admins", None),
    ({}, {"xmpp_admins": [f"a@{D}"]}, "*", "admins", [f"a@{D}"]),
    ({}, {}, "*", "c2s_ports", None),
    ({"prosody_c2s_ports": [5222, 443]}, {}, "*", "c2s_ports", [5222, 443]),
    ({}, {}, "*", "c2s_direct_tls_ports", [5223]),
    ({"prosody_c2s_direct_tls_ports": []}, {}, "*", "c2s_direct_tls_ports", None),
    ({}, {}, "*", "s2s_direct_tls_ports", [5270]),
    ({"prosody_http_ports": []}, {}, "*", "http_ports", []),
    ({"prosody_http_interfaces": ["*"]}, {}, "*", "http_interfaces", ["*"]),
    ({"prosody_https_ports": ["443"]}, {}, "*", "https_ports", [443]),
    ({"prosody_interfaces": ["192.0.2.1"]}, {}, "*", "interfaces", ["192.0.2.1"]),
    ({}, {}, "*", "use_ipv6", None),
    ({}, {"ansible_facts": {"lo": {"ipv4": {}}}}, "*", "use_ipv6", False),
    ({"prosody_federation": False}, {}, "*", "modules_disabled", ["s2s"]),
    ({"prosody_federation": False}, {}, "*", "s2s_secure_auth", None),
    ({"prosody_federation": False}, {}, "*", "s2s_direct_tls_ports", None),
    ({}, {}, "*", "s2s_secure_auth", True),
    ({"prosody_s2s_secure_auth": False}, {}, "*", "s2s_secure_auth", False),
    ({"prosody_s2s_insecure_domains": ["x.example"]}, {}, "*", "s2s_insecure_domains", ["x.example"]),
    ({}, {}, "*", "s2s_allow", None),
    ({"prosody_s2s_allow": ["X.example", "bücher.example"]}, {}, "*", "s2s_allow", ["x.example", "bücher.example"]),
    ({"prosody_s2s_deny": ["x.example"]}, {}, "*", "s2s_deny", ["x.example"]),
    ({"prosody_s2s_deny": ["x.example"], "prosody_federation": False}, {}, "*", "s2s_deny", None),
    ({}, {}, "*", "block_lists", None),
    ({"prosody_block_lists": [SHARED]}, {}, "*", "block_lists", [SHARED]),
    ({"prosody_block_lists": [SHARED]}, {}, "*", "block_lists_host", D),
    ({}, {}, "*", "scan_uploads_socket", None),
    ({}, {}, f"upload.{D}", "modules_enabled", None),
    (SCANNED, {}, "*", "scan_uploads_socket", "/run/clamav/clamd.ctl"),
    (SCANNED, {}, "*", "scan_uploads_unavailable", "refuse"),
    (SCANNED, {}, "*", "scan_uploads_timeout", "30 seconds"),
    (SCANNED, {}, "*", "scan_uploads_keep", "4 weeks"),
    (SCANNED, {}, f"upload.{D}", "modules_enabled", ["scan_uploads"]),
    ({**SCANNED, "prosody_upload_scan_socket": "s.example:3310"}, {}, "*", "scan_uploads_socket", "s.example:3310"),
    ({"prosody_dane": True}, {}, "*", "use_dane", True),
    ({"prosody_tls_groups": ["X25519"]}, {}, "*", "ssl", {"curveslist": ["X25519"]}),
    ({"prosody_tls_groups": []}, {}, "*", "ssl", None),
    ({"prosody_options": {"ssl": {"options": ["no_ticket"]}}}, {}, "*", "ssl", {"options": ["no_ticket"]}),
    ({}, {}, "*", "unbound", {"resolvconf": True, "hoststxt": "/etc/hosts"}),
    ({"prosody_resolver": {}}, {}, "*", "unbound", None),
    (
        {"prosody_dane": True},
        {},
        "*",
        "unbound",
        {"resolvconf": True, "hoststxt": "/etc/hosts", "trustfile": "/usr/share/dns/root.key"},
    ),
    (
        {"prosody_dane": True, "prosody_resolver": {"trustfile": "/etc/x"}},
        {},
        "*",
        "unbound",
        {"trustfile": "/etc/x"},
    ),
    ({"prosody_modules_disabled": ["offline"]}, {}, "*", "modules_disabled", ["offline"]),
    (
        {"prosody_plugin_paths": ["/opt/modules"]},
        {},
        "*",
        "plugin_paths",
        ["/opt/modules", "/usr/local/lib/prosody/xmpp-own-modules"],
    ),
    ({"prosody_plugin_paths": ["/o"], **BARE}, HERE, "*", "plugin_paths", ["/o", OWN]),
    ({}, {}, "*", "password_hash", "SHA-256"),
    ({"prosody_authentication": "ldap", **CLOSED}, {}, "*", "password_hash", None),
    ({"prosody_authentication": "ldap", **CLOSED}, {}, "*", "authentication", "ldap"),
    ({}, {}, "*", "password_policy", {"length": 10, "exclude_username": True}),
    ({"prosody_password_min_length": 0}, {}, "*", "password_policy", None),
    ({}, {}, "*", "registration_invite_only", True),
    ({}, {"xmpp_registration": "public"}, "*", "registration_invite_only", False),
    ({}, {"xmpp_registration": "public"}, "*", "newcomer_days", 3),
    ({"prosody_newcomer_days": 7}, {"xmpp_registration": "public"}, "*", "newcomer_days", 7),
    ({"prosody_newcomer_days": 7}, {}, "*", "newcomer_days", None),
    ({}, {"xmpp_registration": "closed"}, "*", "registration_invite_only", None),
    ({"prosody_limits": {"c2s": {"rate": "1mb/s"}}}, {}, "*", "limits", {"c2s": {"rate": "1mb/s"}}),
    ({"prosody_limits": {}}, {}, "*", "limits", None),
    # Prosody 13.0.6 knows it; on an older one the linter refuses it
    ({"prosody_limits": {"s2s": {"rate": "1mb/s"}}}, {}, "*", "limits", {"s2s": {"rate": "1mb/s"}}),
    ({"prosody_c2s_stanza_size_limit": "1 MiB"}, {}, "*", "c2s_stanza_size_limit", 1048576),
    ({"prosody_c2s_stanza_size_limit": "256 KiB"}, {}, "*", "c2s_stanza_size_limit", 262144),
    ({"prosody_s2s_stanza_size_limit": "512 kB"}, {}, "*", "s2s_stanza_size_limit", 512000),
    ({}, HERE, "*", "storage", "internal"),
    ({}, HERE, "*", "sql", None),
    ({}, {}, "*", "storage", "sql"),
    (
        {},
        {},
        "*",
        "sql",
        {"driver": "PostgreSQL", "database": "prosody", "username": "prosody", "host": "/run/postgresql"},
    ),
    (
        {"prosody_database_port": 5433},
        ELSEWHERE,
        "*",
        "sql",
        {
            "driver": "PostgreSQL",
            "database": "prosody",
            "username": "prosody",
            "host": "192.0.2.2",
            "port": 5433,
            "password": "FileLine:/etc/prosody/secrets/database",
        },
    ),
    ({"prosody_storage": "sqlite"}, {}, "*", "sql", {"driver": "SQLite3", "database": "prosody.sqlite"}),
    ({"prosody_storage": "memory"}, {}, "*", "storage", "memory"),
    ({"prosody_stores": {"archive": "none"}}, {}, "*", "default_storage", "sql"),
    ({"prosody_stores": {"archive": "none"}}, {}, "*", "storage", {"archive": "none"}),
    ({}, {}, "*", "archive_expires_after", "4 weeks"),
    ({"prosody_archive_expires_after": "never"}, {}, "*", "archive_expires_after", "never"),
    ({"prosody_muc_archive_expires_after": "1y"}, {}, "*", "muc_log_expires_after", "1y"),
    ({"prosody_archive_expiry_interval": "1 hour"}, {}, "*", "mam_remove_expired_messages_period", "1 hour"),
    ({"prosody_archive_expiry_interval": "2 hours"}, {}, "*", "muc_mam_remove_expired_messages_period", "2 hours"),
    ({"prosody_archive_expiry_interval": ""}, {}, "*", "mam_remove_expired_messages_period", None),
    ({"prosody_archive_expiry_interval": ""}, {}, "*", "cron_check_delay", None),
    ({"prosody_archive_expiry_interval": "2 hours"}, {}, "*", "cron_check_delay", None),
    ({"prosody_archive_expiry_interval": "5 min"}, {}, "*", "cron_check_delay", 300),
    ({"prosody_archive_expiry_interval": "10"}, {}, "*", "cron_check_delay", 60),
    ({}, {}, "*", "default_archive_policy", None),
    ({"prosody_archive_policy": "roster"}, {}, "*", "default_archive_policy", "roster"),
    ({}, {}, "*", "tls_profile", None),
    ({"prosody_tls_profile": "modern"}, {}, "*", "tls_profile", "modern"),
    ({}, {}, "*", "certificates", "/etc/prosody/certs"),
    ({}, {}, "*", "certificate", f"/etc/prosody/certs/{D}.crt"),
    ({"prosody_certs_dir": "/srv/certs"}, {}, "*", "https_certificate", f"/srv/certs/{D}.crt"),
    ({}, {}, "*", "c2s_direct_tls_certificate", f"/etc/prosody/certs/{D}.crt"),
    ({"prosody_c2s_direct_tls_ports": []}, {}, "*", "c2s_direct_tls_certificate", None),
    ({}, {}, "*", "s2s_direct_tls_certificate", f"/etc/prosody/certs/{D}.crt"),
    ({"prosody_federation": False}, {}, "*", "s2s_direct_tls_certificate", None),
    ({}, {}, "*", "http_default_host", D),
    ({"prosody_http_external_url": "https://web.x/"}, {}, "*", "http_external_url", None),
    ({"prosody_http_external_url": "https://web.x/"}, {}, f"upload.{D}", "http_host", "web.x"),
    ({"prosody_http_external_url": "https://web.x/"}, {}, D, "http_host", "web.x"),
    ({"prosody_http_external_url": "https://web.x/"}, {}, D, "http_external_url", "https://web.x/"),
    ({"prosody_http_external_url": "https://web.x/"}, {}, f"muc.{D}", "http_host", None),
    ({}, {}, D, "http_host", None),
    ({"prosody_trusted_proxies": ["192.0.2.0/24"]}, {}, "*", "trusted_proxies", ["192.0.2.0/24"]),
    ({}, HERE, "*", "external_services", None),
    ({}, {}, "*", "external_service_host", f"turn.{D}"),
    ({}, {}, "*", "external_service_secret", "FileLine:/etc/prosody/secrets/turn"),
    (
        {"prosody_turn_tls_port": 0},
        {},
        "*",
        "external_services",
        [
            {"type": "stun", "transport": "udp", "port": 3478},
            {"type": "turn", "transport": "udp", "port": 3478, "secret": True},
            {"type": "turn", "transport": "tcp", "port": 3478, "secret": True},
        ],
    ),
    ({"prosody_motd": "Hello\nyou"}, {}, "*", "motd_text", "Hello\nyou"),
    ({"prosody_welcome_message": "Hi $username"}, {}, "*", "welcome_message", "Hi $username"),
    ({"prosody_site_name": "Chat"}, {}, "*", "site_name", "Chat"),
    (
        {"prosody_contact_info": {"abuse": ["mailto:a@x"], "admin": []}},
        {},
        "*",
        "contact_info",
        {"abuse": ["mailto:a@x"]},
    ),
    ({}, {}, "*", "log", [{"levels": {"min": "info"}, "to": "syslog"}]),
    ({}, {"xmpp_backend": "container"}, "*", "log", [{"levels": {"min": "info"}, "to": "console"}]),
    (
        {"prosody_log_to": "file", "prosody_log_level": "debug"},
        {},
        "*",
        "log",
        {"debug": "/var/log/prosody/prosody.log", "error": "/var/log/prosody/prosody.err"},
    ),
    (
        {"prosody_log_to": "file", "prosody_log_level": "error"},
        {},
        "*",
        "log",
        {"error": "/var/log/prosody/prosody.log"},
    ),
    (
        {"prosody_log_to": "json"},
        {},
        "*",
        "log",
        [
            {"levels": {"min": "info"}, "to": "json", "filename": "/var/log/prosody/prosody.log"},
            {"levels": {"min": "error"}, "to": "syslog"},
        ],
    ),
    ({"prosody_log_to": "json"}, {}, "*", "plugin_paths", [OWN]),
    (BARE, HERE, "*", "plugin_paths", [OWN]),
    (
        {
            **BARE,
            "prosody_modules_disabled": [
                "audit_trail",
                "guesses",
                "handshake_deadline",
                "stanza_pace",
                "stanza_shape",
                "taken_names",
            ],
        },
        HERE,
        "*",
        "plugin_paths",
        None,
    ),
    ({}, {}, "*", "plugin_paths", [OWN]),
    ({}, {}, "*", "audit_trail_keep", "30 days"),
    ({}, {}, "*", "audit_trail_addresses", "network"),
    ({}, {}, "*", "audit_trail_quiet", [f"xmpp-probe-1@{D}", f"xmpp-probe-2@{D}"]),
    ({"prosody_probe_accounts": []}, {}, "*", "audit_trail_quiet", None),
    ({"prosody_audit_trail": False}, {}, "*", "audit_trail_keep", None),
    ({"prosody_audit_trail_keep": "never"}, {}, "*", "audit_trail_keep", "never"),
    ({"prosody_audit_trail_addresses": "full"}, {}, "*", "audit_trail_addresses", "full"),
    ({}, {}, "*", "statistics", "internal"),
    ({"prosody_metrics": False}, {}, "*", "statistics", None),
    ({"prosody_metrics_allow_ips": ["192.0.2.9"]}, {}, "*", "openmetrics_allow_ips", ["127.0.0.1", "::1", "192.0.2.9"]),
    (
        {},
        {
            "groups": {"monitoring": ["one", "two", "six"]},
            "hostvars": {
                "two": {"ansible_facts": {"default_ipv4": {"address": "192.0.2.2"}, "default_ipv6": {}}},
                "six": {"ansible_facts": {"default_ipv4": {}, "default_ipv6": {"address": "2001:db8::6"}}},
            },
        },
        "*",
        "openmetrics_allow_ips",
        ["127.0.0.1", "::1", "192.0.2.2", "2001:db8::6"],
    ),
    ({}, {}, "*", "gc", None),
    ({"prosody_gc": {"mode": "generational"}}, {}, "*", "gc", {"mode": "generational"}),
    ({"prosody_options": {"smacks_hibernation_time": "1h"}}, {}, "*", "smacks_hibernation_time", "1h"),
    ({"prosody_options": {"pidfile": "/x"}}, {}, "*", "pidfile", "/x"),
    ({"prosody_options": {"nothing": None}}, {}, "*", "nothing", None),
    (
        {"prosody_options": {"api": {"keys": [{"from_secret": "k"}]}}, "prosody_secrets": {"k": "v"}},
        {},
        "*",
        "api",
        {"keys": ["FileLine:/etc/prosody/secrets/k"]},
    ),
    ({}, {}, f"upload.{D}", "http_file_share_size_limit", 104857600),
    ({"prosody_upload_max_size": "10 MB"}, {}, f"upload.{D}", "http_file_share_size_limit", 10_000_000),
    ({}, {}, f"upload.{D}", "http_file_share_daily_quota", 2**30),
    ({}, {}, f"upload.{D}", "http_file_share_global_quota", 20 * 2**30),
    ({}, {}, f"upload.{D}", "http_file_share_expires_after", "4 weeks"),
    ({"prosody_archive_expires_after": "1y"}, {}, f"upload.{D}", "http_file_share_expires_after", "1y"),
    ({}, {}, f"muc.{D}", "restrict_room_creation", "local"),
    ({"prosody_muc_room_creation": "admins"}, {}, f"muc.{D}", "restrict_room_creation", True),
    ({"prosody_muc_room_creation": "everybody"}, {}, f"muc.{D}", "restrict_room_creation", None),
    ({}, {}, f"muc.{D}", "muc_announcers", None),
    ({"prosody_muc_announcers": [f"alerts@{D}"]}, {}, f"muc.{D}", "muc_announcers", [f"alerts@{D}"]),
    (
        {"prosody_muc_announcers": [f"alerts@{D}"]},
        {},
        f"muc.{D}",
        "modules_enabled",
        ["muc_mam", "muc_moderation", "muc_search", "muc_unconfigured", "muc_floods", "muc_announcers"],
    ),
    ({"prosody_proxy65_address": "192.0.2.1"}, {}, f"proxy.{D}", "proxy65_address", "192.0.2.1"),
    ({"prosody_component_settings": {"muc": {"title": "Räume"}}}, {}, f"muc.{D}", "name", "Räume"),
    ({"prosody_component_settings": {"muc": {"label": "Conference"}}}, {}, f"conference.{D}", "name", "Group chat"),
    (
        {
            "prosody_component_settings": {
                "muc": {"modules": ["http_muc_log"], "modules_disabled": ["muc_unconfigured"]}
            }
        },
        {},
        f"muc.{D}",
        "modules_enabled",
        ["muc_mam", "muc_moderation", "muc_search", "muc_floods", "http_muc_log"],
    ),
    (
        {"prosody_component_settings": {"muc": {"options": {"muc_room_default_persistent": False}}}},
        {},
        f"muc.{D}",
        "muc_room_default_persistent",
        False,
    ),
    ({"prosody_hosts": [{"name": D, "title": "Ex"}]}, {}, D, "name", "Ex"),
    ({"prosody_hosts": [{"name": D, "storage": "memory"}]}, {}, D, "storage", "memory"),
    ({"prosody_hosts": [{"name": D, "authentication": "anonymous"}]}, {}, D, "authentication", "anonymous"),
    ({"prosody_hosts": [{"name": D, "admins": [f"b@{D}"]}]}, {}, D, "admins", [f"b@{D}"]),
    ({"prosody_hosts": [{"name": D, "admins": [f"b@{D}"]}]}, {}, f"muc.{D}", "admins", [f"b@{D}"]),
    ({"prosody_hosts": [{"name": D, "modules": ["vjud"]}]}, {}, D, "modules_enabled", ["vjud"]),
    ({"prosody_hosts": [{"name": D, "modules_disabled": ["mam"]}]}, {}, D, "modules_disabled", ["mam"]),
    ({"prosody_hosts": [{"name": D, "options": {"motd_text": "only here"}}]}, {}, D, "motd_text", "only here"),
    ({"prosody_hosts": [{"name": D, "registration": "public"}]}, {}, D, "registration_invite_only", False),
    (
        {"prosody_components": [{"name": "search.x", "module": "vjud", "options": {"vjud_mode": "all"}}]},
        {},
        "search.x",
        "vjud_mode",
        "all",
    ),
    ({"prosody_components": [{"name": "search.x", "module": "vjud"}]}, {}, "search.x", "#module", "vjud"),
    ({"prosody_components": [{"name": "irc.x"}]}, {}, "irc.x", "#module", None),
    (
        {"prosody_components": [{"name": "irc.x"}]},
        {},
        "irc.x",
        "component_secret",
        "FileLine:/etc/prosody/secrets/component_irc.x",
    ),
    ({"prosody_hosts": [{"name": D, "components": [{"name": "irc.x"}]}]}, {}, "irc.x", "#kind", "Component"),
    (
        {
            "prosody_components": [
                {"name": "m.x", "module": "muc", "title": "R", "storage": "internal", "admins": ["a@x"]}
            ]
        },
        {},
        "m.x",
        "storage",
        "internal",
    ),
]


@pytest.mark.parametrize(("variables", "world", "host", "option", "value"), OPTIONS)
def test_variable_to_option(
    tmp_path: Path, variables: dict[str, Any], world: dict[str, Any], host: str, option: str, value: Any
) -> None:
    config = read(model.config_text(role_settings(tmp_path, variables, **world)))
    assert config[host].get(option) == value


# What the model only suggests, without a variable of its own: prosody_options may say otherwise.
SUGGESTED = {"certificate", "external_services", "http_default_host", "modules_disabled", "pidfile"} | {
    f"{service}_certificate" for service in ("c2s_direct_tls", "s2s_direct_tls", "https")
}


def test_every_option_with_a_variable_is_known_as_such() -> None:
    open_map = {name for case in OPTIONS for name in case[0].get("prosody_options", {})}
    written = {case[3] for case in OPTIONS if case[2] == "*" and not case[3].startswith("#")}
    assert written - open_map - SUGGESTED <= set(TYPED)
    assert {"motd_text", "sql", "http_external_url", "limits"} <= set(TYPED)


# (variables, world, module, whether it is enabled for all hosts)
MODULES: list[tuple[dict[str, Any], dict[str, Any], str, bool]] = [
    ({}, {}, "admin_shell", True),
    ({}, {}, "motd", False),
    ({"prosody_motd": "x"}, {}, "motd", True),
    ({}, {}, "welcome", False),
    ({"prosody_welcome_message": "x"}, {}, "welcome", True),
    ({}, {}, "external_services", True),
    ({}, HERE, "external_services", False),
    ({}, {}, "http_openmetrics", True),
    ({"prosody_metrics": False}, {}, "http_openmetrics", False),
    ({}, {}, "measure_traffic", True),
    ({"prosody_metrics": False}, {}, "measure_traffic", False),
    ({}, {}, "measure_peers", True),
    ({"prosody_metrics": False}, {}, "measure_peers", False),
    ({"prosody_federation": False}, {}, "measure_peers", False),
    ({}, {}, "dane_incoming", False),
    ({"prosody_dane": True}, {}, "dane_incoming", True),
    ({"prosody_dane": True, "prosody_federation": False}, {}, "dane_incoming", False),
    ({}, {}, "peers_allowed", False),
    ({"prosody_s2s_allow": ["x.example"]}, {}, "peers_allowed", True),
    ({"prosody_s2s_deny": ["x.example"]}, {}, "peers_allowed", True),
    ({}, {}, "block_lists", False),
    ({"prosody_block_lists": [SHARED]}, {}, "block_lists", True),
    ({}, {}, "dialback", True),
    ({"prosody_federation": False}, {}, "dialback", False),
    ({}, {}, "invites_register", True),
    ({"prosody_registration": "closed"}, {}, "invites_register", False),
    ({"prosody_registration": "closed"}, {}, "register_ibr", False),
    ({"prosody_registration": "public"}, {}, "register_ibr", True),
    ({}, {}, "newcomers", False),
    ({"prosody_registration": "public"}, {}, "newcomers", True),
    ({"prosody_registration": "public", "prosody_newcomer_days": 0}, {}, "newcomers", False),
    ({}, {}, "register_networks", False),
    ({"prosody_registration": "public", "prosody_newcomer_days": 0}, {}, "register_networks", True),
    ({"prosody_modules": ["firewall"]}, {}, "firewall", True),
    ({"prosody_modules": ["my_own"]}, {}, "my_own", True),
    ({"prosody_modules_disabled": ["bosh"]}, {}, "bosh", False),
    ({}, {}, "flags", False),
    ({}, {}, "log_refused_sign_ins", True),
    ({"prosody_log_refused_sign_ins": False}, {}, "log_refused_sign_ins", False),
    ({}, {}, "audit_trail", True),
    ({"prosody_audit_trail": False}, {}, "audit_trail", False),
    ({}, {}, "log_ndjson", False),
    ({"prosody_log_to": "json"}, {}, "log_ndjson", True),
    ({}, {}, "posix", False),
]


@pytest.mark.parametrize(("variables", "world", "module", "there"), MODULES)
def test_variable_to_module(
    tmp_path: Path, variables: dict[str, Any], world: dict[str, Any], module: str, there: bool
) -> None:
    config = read(model.config_text(role_settings(tmp_path, variables, **world)))
    assert (module in config["*"]["modules_enabled"]) == there
    assert len(config["*"]["modules_enabled"]) == len(set(config["*"]["modules_enabled"]))


def test_a_host_whose_registration_differs_has_other_modules() -> None:
    hosts = [{"name": D}, {"name": "closed.x", "registration": "closed"}]
    config = read(model.config_text(minimal(hosts=hosts, registration="invite")))
    assert "register_ibr" in config["closed.x"]["modules_disabled"]
    assert "modules_disabled" not in config[D]
    hosts = [{"name": D}, {"name": "open.x", "registration": "public"}]
    config = read(model.config_text(minimal(hosts=hosts, registration="closed")))
    assert "register_ibr" in config["open.x"]["modules_enabled"]
    assert config["open.x"]["registration_invite_only"] is False


def test_hosts_come_with_their_components_in_the_order_of_the_inventory() -> None:
    hosts = [
        {"name": "b.example"},
        {"name": "a.example", "standard_components": ["muc"], "components": [{"name": "x.y"}]},
    ]
    names = model.certificate_names(minimal(hosts=hosts, standard_components=["upload"], components=[{"name": "z.y"}]))
    assert names == ["b.example", "upload.b.example", "a.example", "muc.a.example", "x.y", "z.y"]


def test_names_outside_ascii_are_unicode_in_the_file_and_ascii_in_certificates() -> None:
    values = minimal(hosts=[{"name": "Bücher.example"}], components=[{"name": "irc.bücher.example"}])
    values["generated"] = {"component_irc.xn--bcher-kva.example": "s"}
    assert set(read(model.config_text(values))) == {"*", "bücher.example", "irc.bücher.example"}
    assert model.certificate_names(values) == ["xn--bcher-kva.example", "irc.xn--bcher-kva.example"]
    assert model.secret_files(values) == {"component_irc.xn--bcher-kva.example": "s"}


def test_names_outside_ascii_are_refused_on_ports_where_prosody_does_not_find_them() -> None:
    values = minimal(hosts=[{"name": "bücher.example"}], c2s_direct_tls_ports=[5223], https_ports=[])
    assert [item["problem"] for item in findings.problems(values)] == [
        "prosody_hosts[0].name: Prosody 13 does not find 'bücher.example' on ports with TLS from the first byte, "
        "where it is asked for in ASCII; set prosody_c2s_direct_tls_ports to [], and a proxy in front of its HTTP"
    ]
    assert findings.problems({**values, "c2s_direct_tls_ports": []}) == []


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"hosts": []}, r"^prosody_hosts: .*at least one"),
    ({"hosts": "example.org"}, r"^prosody_hosts: expected a list, got a text"),
    ({"hosts": ["example.org"]}, r"^prosody_hosts\[0\]: expected a mapping, got a text"),
    ({"hosts": [{}]}, r"^prosody_hosts\[0\]\.name: .*needs a name"),
    ({"hosts": [{"name": "a b"}]}, r"^prosody_hosts\[0\]\.name: "),
    ({"hosts": [{"name": 'x"} os.exit() {"'}]}, r"^prosody_hosts\[0\]\.name: "),
    ({"hosts": [{"name": "user@example.org"}]}, r"^prosody_hosts\[0\]\.name: "),
    ({"hosts": [{"name": "xn--bcher-kva.example"}]}, r"^prosody_hosts\[0\]\.name: write 'bücher\.example'"),
    ({"hosts": [{"name": D}, {"name": "EXAMPLE.org."}]}, r"^prosody_hosts\[1\]\.name: .*already defined"),
    ({"components": [{"name": D, "module": "muc"}]}, r"^prosody_components\[0\]\.name: .*already defined"),
    (
        {"hosts": [{"name": D, "module": "x"}]},
        r"^prosody_hosts\[0\]\.module: there is no such key: did you mean modules",
    ),
    (
        {"hosts": [{"name": D, "standard_components": ["x"]}]},
        r"^prosody_hosts\[0\]\.standard_components\[0\] is none of muc",
    ),
    ({"standard_components": ["x"]}, r"^prosody_standard_components\[0\] is none of muc"),
    (
        {"hosts": [{"name": D, "options": {"limits": [None]}}]},
        r"^prosody_hosts\[0\]\.options\.limits\[0\]: has no value",
    ),
    ({"hosts": [{"name": D, "options": {"a-b": 1}}]}, r"^prosody_hosts\[0\]\.options\.a-b: 'a-b' is no name"),
    ({"hosts": [{"name": D, "options": {"storage": "x"}}]}, r"^prosody_hosts\[0\]\.options\.storage: set storage of"),
    ({"components": [{"name": "x.y", "module": "muc", "secret": "s"}]}, r"^prosody_components\[0\]\.secret: only"),
    (
        {"component_settings": {"muc": {"label": "a.b"}}, "standard_components": ["muc"]},
        r"^prosody_component_settings\.muc\.label: 'a\.b' is no label",
    ),
    ({"component_settings": {"x": {}}, "standard_components": ["muc"]}, r"^prosody_component_settings\.x: there are"),
    (
        {"component_settings": {"muc": {"option": {}}}, "standard_components": ["muc"]},
        r"^prosody_component_settings\.muc\.option: there is no such key: did you mean options",
    ),
    ({"options": {"modules_enabled": []}}, r"^prosody_options\.modules_enabled: set prosody_modules"),
    ({"options": {"end": 1}}, r"^prosody_options\.end: 'end' is no name"),
    ({"options": {"Include": "x"}}, r"^prosody_options\.Include: .*word of the configuration file"),
    ({"options": {"__currenthost": "x"}}, r"^prosody_options\.__currenthost: .*word of the configuration file"),
    (
        {"options": {"x": {"from_secret": "no"}}},
        r"^prosody_options\.x: from_secret names an entry of prosody_secrets, and there is none",
    ),
    ({"options": {"x": [{"from_secret": "no", "y": 1}]}}, r"^prosody_options\.x\[0\]: from_secret stands alone"),
    ({"options": {1: 2}}, r"^prosody_options: a key is not a text; put it between quotes"),
    ({"modules": ["mod_mam"]}, r"^prosody_modules\[0\]: write 'mam', without mod_"),
    ({"modules": ["x", "auth_ldap"]}, r"^prosody_modules\[1\]: .*prosody_authentication"),
    ({"modules": ["storage_sql"]}, r"^prosody_modules\[0\]: .*prosody_storage"),
    ({"metrics": True, "metrics_allow_ips": ["unknown"]}, "^prosody_metrics_allow_ips: unknown is no address"),
    ({"s2s_allow": ["nobody @x"]}, r"^prosody_s2s_allow\[0\]: "),
    ({"s2s_deny": ["a.example", "*.b.example"]}, r"^prosody_s2s_deny\[1\]: write 'b\.example', which stands for all"),
    ({"s2s_allow": ["A.x"], "s2s_deny": ["a.x"]}, r"^prosody_s2s_allow\[0\]: 'A\.x' is in prosody_s2s_deny as well"),
    ({"s2s_deny": ["xn--bcher-kva.example"]}, r"^prosody_s2s_deny\[0\]: write 'bücher.example'"),
    ({"modules": ["flags"]}, r"^prosody_modules\[0\]: 'flags' is refused: Debian's community copy"),
    ({"hosts": [{"name": D, "modules": ["vcard"]}]}, r"^prosody_hosts\[0\]\.modules\[0\]: 'vcard' is refused"),
    ({"c2s_ports": [True]}, r"^prosody_c2s_ports\[0\]: expected a whole number, got true or false"),
    ({"c2s_ports": [5222, 99999]}, r"^prosody_c2s_ports\[1\]: 99999 is no port, they go from 1 to 65535"),
    ({"https_ports": [0]}, r"^prosody_https_ports\[0\]: 0 is no port"),
    ({"c2s_ports": ["x"]}, r"^prosody_c2s_ports\[0\]: expected a whole number, got a text"),
    ({"federation": "no"}, r"^prosody_federation: expected true or false, got a text"),
    ({"limits": {"http": {}}}, r"^prosody_limits\.http: there are limits for c2s, s2s, s2sin, s2sout, component only"),
    ({"registration": "open"}, r"^prosody_registration is none of closed, invite, public"),
    ({"storage": "mysql"}, r"^prosody_storage is none of postgresql"),
    ({"storage": "postgresql"}, r"^prosody_database_host: there is no database server"),
    ({"c2s_stanza_size_limit": "big"}, r"^prosody_c2s_stanza_size_limit: expected a size such as 100 MiB or 2 GB$"),
    ({"motd": 5}, r"^prosody_motd: expected a text, got a number; put it between quotes"),
    ({"admins": [1]}, r"^prosody_admins\[0\]: expected a text, got a number; put it"),
    ({"options": []}, r"^prosody_options: expected a mapping"),
    ({"http_external_url": "chat.example.org"}, r"^prosody_http_external_url: 'chat.example.org' is no URL such as"),
    ({"http_external_url": "ftp://chat.example.org/"}, r"^prosody_http_external_url: .* is no URL"),
    ({"http_external_url": 'https://a.example/"; x'}, r"^prosody_http_external_url: .* is no URL"),
]


@pytest.mark.parametrize(("values", "message"), ERRORS)
def test_what_is_wrong_is_an_error_naming_its_path(values: dict[str, Any], message: str) -> None:
    with pytest.raises(XmppError, match=message):
        model.config_text(minimal(**values))
    assert [problem["that"] for problem in findings.problems(minimal(**values))][:1] == [False]


@pytest.mark.parametrize("option", sorted(TYPED))
def test_an_option_with_a_variable_is_refused_as_an_option(option: str) -> None:
    with pytest.raises(XmppError, match=rf"^prosody_options\.{option}: set prosody_"):
        model.config_text(minimal(options={option: 1}))


def test_every_typed_option_is_one_that_the_model_writes_from_a_variable(tmp_path: Path) -> None:
    names = {name for variable in TYPED.values() for name in re.split(" and |, ", variable.replace("*", "host"))}
    known = {f"prosody_{name}" for name in role_settings(tmp_path)}
    assert names <= known


SECRETS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({}, {}),
    ({"secrets": {"api": "x"}}, {"api": "x"}),
    ({"turn_host": "turn.x", "turn_secret": "t"}, {"turn": "t"}),
    ({"storage": "postgresql", "database_host": "/run/postgresql"}, {}),
    ({"storage": "postgresql", "database_host": "db", "database_password": "p"}, {"database": "p"}),
    ({"components": [{"name": "irc.x", "secret": "s"}]}, {"component_irc.x": "s"}),
    ({"components": [{"name": "irc.x"}], "generated": {"component_irc.x": "g"}}, {"component_irc.x": "g"}),
    ({"components": [{"name": "m.x", "module": "muc"}]}, {}),
]


@pytest.mark.parametrize(("values", "files"), SECRETS)
def test_secret_files(values: dict[str, Any], files: dict[str, str]) -> None:
    values = minimal(**values)
    assert model.secret_files(values) == files
    text = model.config_text(values)
    for name, value in files.items():
        assert f'"{value}"' not in text
        assert f'FileLine("/etc/prosody/secrets/{name}")' in text or name == "api"


@pytest.mark.parametrize(
    "values",
    [
        {"motd": 9876543210},
        {"motd": ["planted"]},
        {"hosts": "planted"},
        {"federation": "planted"},
        {"registration": "planted"},
        {"c2s_ports": ["planted"]},
        {"c2s_stanza_size_limit": "planted"},
        {"options": {"x": {"from_secret": "planted"}}},
        {"secrets": {"planted!": "x"}},
        {"secrets": {"x": 9876543210}},
        {"accounts": [{"jid": "a@example.org", "password": 9876543210}]},
        {"accounts": [{"jid": "a@example.org", "password": True, "state": "planted"}]},
        {"accounts": [{"jid": "planted", "password": "a@example.org"}]},
        {"accounts": [{"jid": "pla@nted", "password": "a@example.org"}]},
        {"accounts": [{"jid": "planted@x/y", "password": "a@example.org"}]},
        {"accounts": [{"jid": "pla nted@x", "password": "a@example.org"}]},
        {"accounts": [{"jid": "a@example.org", "role": 9876543210}]},
    ],
)
def test_no_refusal_shows_what_may_be_a_secret(values: dict[str, Any]) -> None:
    found = findings.problems(minimal(**values))
    assert found
    assert not any(word in str(found) for word in ("planted", "nted", "9876543210"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"modules_disabled": ["mam", "fierwall"]}, "prosody_modules_disabled[1]: nothing enables a module fierwall"),
        (
            {"modules_disabled": ["bossh"]},
            "prosody_modules_disabled[0]: nothing enables a module bossh: did you mean bosh?",
        ),
        ({"modules_disabled": ["qqqqqq"]}, "prosody_modules_disabled[0]: nothing enables a module qqqqqq: remove it"),
        (
            {"hosts": [{"name": "example.org", "modules_disabled": ["carbon"]}]},
            "prosody_hosts[0].modules_disabled[0]: nothing enables a module carbon: did you mean carbons?",
        ),
        (
            {"standard_components": ["muc"], "component_settings": {"muc": {"modules_disabled": ["muc_man"]}}},
            "prosody_component_settings.muc.modules_disabled[0]: nothing enables a module muc_man: did you mean muc_",
        ),
    ],
)
def test_a_disabled_module_that_nothing_enables_is_a_mistake(values: dict[str, Any], message: str) -> None:
    assert str(findings.problems(minimal(**values))[0]["problem"]).startswith(message)


def test_modules_that_somebody_enables_can_be_disabled() -> None:
    values = {
        "modules": ["of_mine"],
        "community_modules": [{"name": "theirs"}],
        "module_sources": [{"type": "git"}],
        "modules_disabled": ["mam", "c2s", "privacy_lists", "of_mine", "theirs", "of_the_host"],
        "hosts": [{"name": "example.org", "modules": ["of_the_host"], "modules_disabled": ["of_mine"]}],
    }
    assert findings.problems(minimal(**values)) == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"secrets": {"../x": "v"}}, r"^prosody_secrets: a name in it can be no file name"),
        ({"secrets": {"turn": "v"}}, r"^prosody_secrets\.turn: .*role's own"),
        ({"secrets": {"x": ""}}, r"^prosody_secrets\.x: .*not empty"),
        ({"secrets": {"x": 12345}}, r"^prosody_secrets\.x: .*between quotes"),
        ({"secrets": {"x": "hunter2\nb"}}, r"^prosody_secrets\.x: .*more than one line"),
        ({"turn_host": "t.x"}, r"^prosody_turn_secret: "),
        ({"storage": "postgresql", "database_host": "db"}, r"^prosody_database_password: "),
        ({"components": [{"name": "irc.x"}]}, r"^prosody_components\[0\]\.secret: "),
    ],
)
def test_a_secret_that_cannot_be_read_is_refused_and_never_shown(values: dict[str, Any], message: str) -> None:
    with pytest.raises(XmppError, match=message) as caught:
        model.secret_files(minimal(**values))
    assert "hunter2" not in str(caught.value)
    assert "12345" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"modules": ["fierwall"]}, "prosody_modules[0]: there is no module 'fierwall'; is it 'firewall'?"),
        (
            {"modules_disabled": ["csi_simpel"]},
            "prosody_modules_disabled[0]: nothing enables a module csi_simpel: did you mean csi_simple?",
        ),
        ({"hosts": [{"name": D, "modules": ["muc_notifcations"]}]}, "prosody_hosts[0].modules[0]: there is no module"),
        ({"modules": ["firewall", "muc_notifications", "something_else_entirely"]}, ""),
        ({"modules": ["fierwall"], "plugin_paths": ["/opt/modules"]}, ""),
        (
            {
                "modules": ["fierwall"],
                "community_modules": [{"name": "mod_fierwall"}],
                "module_sources": [{"type": "tree", "path": "/x"}],
            },
            "",
        ),
        ({"community_modules": [{"name": "http_helth"}]}, "prosody_community_modules[0].name: Debian's package"),
        ({"community_modules": [{"name": "zzz"}], "module_sources": [{"type": "distribution"}]}, "give a source"),
        ({"community_modules": [{"name": "firewall"}]}, ""),
    ],
)
def test_modules_that_there_are_not(values: dict[str, Any], said: str) -> None:
    found = [item["problem"] for item in findings.problems(minimal(**values))]
    assert [said in problem for problem in found] == ([True] if said else [])


def test_ports(tmp_path: Path) -> None:
    ports = model.ports(role_settings(tmp_path))
    assert [(port["port"], port.get("address")) for port in ports] == [
        (5222, None),
        (5223, None),
        (5269, None),
        (5270, None),
        (5280, "127.0.0.1"),
        (5281, None),
        (5000, None),
    ]
    assert ports[0] == {"port": 5222, "protocol": "tcp", "service": "clients", "variable": "prosody_c2s_ports"}


def test_ports_follow_what_there_is(tmp_path: Path) -> None:
    variables = {
        "prosody_federation": False,
        "prosody_standard_components": [],
        "prosody_interfaces": ["192.0.2.1"],
        "prosody_http_interfaces": ["*"],
        "prosody_components": [{"name": "irc.x"}],
    }
    found = {(port["port"], port.get("address")) for port in model.ports(role_settings(tmp_path, variables))}
    assert found == {
        (5222, "192.0.2.1"),
        (5223, "192.0.2.1"),
        (5280, None),
        (5281, "192.0.2.1"),
        (5347, "127.0.0.1"),
    }


hostile = st.one_of(
    st.sampled_from(['"', "\n", "]]", "--[[ ]]", "\r", "\0", "\\", "}", '"; os.exit() --', "\u2028"]),
    st.text(alphabet=st.characters(exclude_categories=["Cs"])),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(text=hostile, title=hostile, key=hostile)
def test_no_text_breaks_out_of_its_place(text: str, title: str, key: str) -> None:
    """Whatever an operator writes, the file has the same hosts and options, and the text is the value."""
    values = minimal(
        hosts=[{"name": D, "title": title, "options": {"x": {key: text}}}],
        domain=text,
        upload_max_size=f"1 MiB{chr(10)}",
        motd=f"m{text}m",
        site_name=f"s{title}s",
        options={"y": [text]},
    )
    config = read(model.config_text(values))
    assert set(config) == {"*", D}
    assert set(config["*"]) - {"http_default_host"} == set(read(model.config_text(minimal()))["*"]) | {
        "motd_text",
        "site_name",
        "y",
    }
    assert config["*"]["motd_text"] == f"m{text}m"
    assert config["*"]["site_name"] == f"s{title}s"
    assert config["*"]["y"] == [text]
    assert config[D]["x"] == {key: text}
    assert config[D].get("name", "") == title.strip()


def test_hosts_of_is_what_the_file_has(tmp_path: Path) -> None:
    values = role_settings(tmp_path)
    assert {host.name for host in hosts_of(Settings(values))} == set(read(model.config_text(values))) - {"*"}


def test_community_modules_are_searched_where_their_set_is_kept() -> None:
    path = "/usr/local/lib/prosody/xmpp-modules"
    config = read(model.config_text(minimal(community_modules=[{"name": "http_health"}])))
    assert path in config["*"]["plugin_paths"]
    assert path not in read(model.config_text(minimal()))["*"].get("plugin_paths", [])
    once = read(model.config_text(minimal(community_modules=[], plugin_paths=[path])))
    assert once["*"]["plugin_paths"] == [path, OWN]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"c2s_ports": [5222, 5222]}, "prosody_c2s_ports has a port twice"),
        ({"s2s_ports": [5222]}, "prosody_s2s_ports: port 5222 is that of prosody_c2s_ports already"),
        ({"c2s_direct_tls_ports": [5281]}, "port 5281 is that of prosody_"),
    ],
)
def test_a_port_is_given_once(tmp_path, given, told):
    (found,) = findings.problems(role_settings(tmp_path, {f"prosody_{name}": ports for name, ports in given.items()}))
    assert told in found["problem"]
    assert findings.problems(role_settings(tmp_path)) == []


def test_one_port_may_stand_on_two_addresses(tmp_path):
    apart = {"c2s_ports": [5222], "s2s_ports": [5222], "c2s_interfaces": ["192.0.2.1"], "s2s_interfaces": ["192.0.2.2"]}
    assert findings.problems({**role_settings(tmp_path), **apart}) == []


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ({"component_ports": [15347], "component_interfaces": ["192.0.2.1"]}, False),
        ({"component_ports": [15347], "components": [{"name": "irc.example.org", "module": "muc"}]}, False),
        ({"component_ports": [15347], "components": [{"name": "irc.example.org"}]}, True),
        ({"component_ports": [15347], "hosts": [{"name": "a.test", "components": [{"name": "b.test"}]}]}, True),
        ({"proxy65_ports": [15000], "standard_components": ["muc"]}, False),
        ({"proxy65_ports": [15000], "standard_components": ["muc", "proxy"]}, True),
        ({"proxy65_ports": [15000], "hosts": [{"name": "a.test", "standard_components": ["proxy"]}]}, True),
        ({"proxy65_ports": [15000], "components": [{"name": "p.example.org", "module": "proxy65"}]}, True),
    ],
)
def test_ports_are_written_where_something_listens_on_them(values: dict[str, Any], written: bool) -> None:
    """The linter refuses the ports of a module that is not there, and only once the database was changed."""
    generated = {"generated": {"component_irc.example.org": "x", "component_b.test": "x"}}
    text = model.config_text(minimal(**values, **generated))
    name = next(name for name in values if name.endswith("_ports"))
    assert (f"{name} =" in text) is written
    assert (name.replace("ports", "interfaces") in text) is (written and "component_interfaces" in values)
