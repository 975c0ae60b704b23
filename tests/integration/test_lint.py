# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The linter against a real, installed Prosody: nothing real is reported, everything dead is.

For hosts with Prosody and Debian's community modules, reached by Ansible:
    pytest tests/integration/test_lint.py --hosts=ansible://all --ansible-inventory=INVENTORY
The running server is neither asked nor touched.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
HANDWRITTEN = (ROOT / "tests" / "unit" / "lint" / "handwritten.cfg.lua").read_text(encoding="utf-8")
DRAFT = "/root/lint-draft.cfg.lua"
HOST = 'VirtualHost "example.org"\n'

# Modules that a server without a network, certificates, LDAP and the like loads on a host, on all of Debian 13's
_NAMES = """
    account_activity adhoc admin_adhoc admin_shell announce blocklist bookmarks bosh
    c2s_conn_throttle carbons cloud_notify cloud_notify_extensions csi_battery_saver csi_simple
    default_bookmarks delegation dialback disco dnsbl external_services filter_chatstates http
    http_altconnect http_errors http_oauth2 http_openmetrics http_pep_avatar invites invites_adhoc
    invites_api invites_page invites_register invites_register_web lastactivity limits log_auth mam
    measure_active_users mimicking motd offline password_policy pep ping private register
    register_apps register_limits report_forward rest roster s2s_bidi s2s_idle_timeout sasl2
    sasl2_bind2 sasl2_fast sasl2_sm sasl_ssdp saslauth server_contact_info server_info server_status
    smacks spam_reporting stanza_counter support_contact throttle_presence time tls tombstones
    turn_external unified_push uptime user_account_management vcard4 vcard_legacy version
    watchregistrations watch_spam_reports webpresence websocket welcome
"""
MODULES = _NAMES.split()
COMPONENTS = """
    Component "muc.example.org" "muc"
        modules_enabled = { "muc_mam", "muc_limits", "muc_moderation", "muc_search", "muc_restrict_media", "pastebin" }
    Component "upload.example.org" "http_file_share"
    Component "proxy.example.org" "proxy65"
    Component "pubsub.example.org" "pubsub"
        modules_enabled = { "pubsub_feeds", "pubsub_text_interface" }
"""


def put(host: Any, path: str, text: str) -> None:
    encoded = base64.b64encode(text.encode()).decode()
    host.check_output(f"echo {encoded} | base64 -d > {path} && chmod 0644 {path}")


def lint(host: Any, text: str | None = None, **options: str) -> list[dict[str, Any]]:
    """Findings of prosody_lint on a text, or on the installed configuration."""
    if text is not None:
        put(host, DRAFT, text)
        options = {"path": DRAFT, "as_path": "/etc/prosody/prosody.cfg.lua", **options}
    arguments = " ".join(f"{key}={value}" for key, value in {"fail_on": "never", **options}.items())
    result = host.ansible("allthingslinux.xmpp.prosody_lint", arguments, check=True)
    assert result.get("changed") is False, result
    return result["findings"]


@pytest.fixture(scope="module")
def handwritten(host):
    return {finding["option"]: finding for finding in lint(host, HANDWRITTEN)}


DEAD = [
    "account_cleanup",
    "archive_compression",
    "bosh_hold_timeout",
    "http_headers",
    "lua_gc_pause",
    "lua_gc_step_size",
    "max_connections_per_ip",
    "muc_log_compression",
    "sasl_mechanisms",
    "tls_channel_binding",
    "user_account_management",
    "websocket_max_frame_size",
    "sql.pool_size",
    "limits.s2s",
    "limits.c2s.stanza_size",
    "storage.carbons",
]


@pytest.mark.parametrize("option", DEAD)
def test_a_dead_option_is_named_at_its_line_with_what_to_do(handwritten, option):
    finding = handwritten[option]
    assert finding["severity"] == "error"
    assert finding["hint"]
    assert option.rsplit(".", maxsplit=1)[-1] in HANDWRITTEN.splitlines()[finding["line"] - 1]


def test_nothing_else_of_it_is_reported_but_the_burst(handwritten, host):
    installed = host.run("ls /usr/lib/*/lua/5.4/dbd/postgresql.so").rc == 0
    libraries = [] if installed else ["sql.driver"]
    assert sorted(handwritten) == sorted([*DEAD, "limits.c2s.burst", *libraries])


def test_no_secret_is_shown(handwritten):
    assert "made-up" not in str(handwritten)


def test_every_option_that_a_running_prosody_asks_for_is_known(host):
    """Prosody runs once with everything loaded and its configuration manager tapped: the registry knows every name."""
    directory = host.check_output("mktemp -d /run/lint.XXXXXX")
    try:
        modules = ", ".join(f'"{name}"' for name in MODULES)
        put(
            host,
            f"{directory}/tapped.cfg.lua",
            f"""
            data_path = "{directory}"; pidfile = "{directory}/pid"; admin_socket = "{directory}/socket"
            storage = "memory"; log = {{ info = "{directory}/log" }}; statistics = "internal"
            modules_enabled = {{ {modules} }}
            do
                local manager = Lua.require "prosody.core.configmanager"
                local names, get, rawget = Lua.io.open("{directory}/names", "w"), manager.get, manager.rawget
                local function note(name) names:write(Lua.tostring(name), "\\n") names:flush() end
                manager.get = function (where, name) note(name) return get(where, name) end
                manager.rawget = function (where, name) note(name) return rawget(where, name) end
            end
            VirtualHost "example.org"
            {COMPONENTS}
            """,
        )
        host.check_output(f"chown -R prosody {directory}")
        host.run(
            "timeout 6 unshare -n sh -c 'ip link set lo up; exec setpriv --reuid prosody --regid prosody --init-groups "
            f"prosody -F --config {directory}/tapped.cfg.lua' >/dev/null 2>&1"
        )
        asked = set(host.check_output(f"sort -u {directory}/names").split())
        log = host.check_output(f"cat {directory}/log")
    finally:
        host.run(f"rm -rf {directory}")
    assert len(asked) > 300, log
    settings = "\n".join(
        f"{name} = {{}}" for name in sorted(asked) if name.isidentifier() and name != "modules_enabled"
    )
    found = lint(host, f"modules_enabled = {{ {modules} }}\n{settings}\n{HOST}{COMPONENTS}")
    assert [finding["option"] for finding in found if finding["code"] == "unread-option"] == []


def test_all_modules_together_give_no_error(host):
    modules = ", ".join(f'"{name}"' for name in MODULES)
    found = lint(host, f"modules_enabled = {{ {modules} }}\n{HOST}{COMPONENTS}")
    assert [finding for finding in found if finding["code"] not in ("missing-dependency", "shadowed-module")] == []


def test_the_example_of_the_package_has_two_remarks_both_true(host):
    example = "/usr/share/doc/prosody/examples/prosody.cfg.lua"
    if host.file(example).exists:
        found = lint(host, host.file(example).content_string)
        assert {finding["severity"] for finding in found} <= {"warning"}


def test_what_the_role_has_written_has_no_finding(host):
    installed = host.file("/etc/prosody/prosody.cfg.lua")
    if "Written by role prosody" not in installed.content_string:
        pytest.skip("the configuration of this host is not the role's")
    assert lint(host) == []


def test_the_configuration_is_read_without_privileges(host):
    (finding,) = lint(host, f'plugin_server = FileLine("/etc/shadow")\n{HOST}')
    assert finding["code"] == "file-missing"
    assert "Permission denied" in finding["message"]


def test_an_endless_loop_ends(host):
    put(host, DRAFT, "while true do end\n")
    result = host.ansible("allthingslinux.xmpp.prosody_lint", f"path={DRAFT} timeout=2", check=True)
    assert "still running after 2 s" in result["msg"]


UNSEEN = [
    ('tls_profile = "strong"', "wrong-value", "tls_profile"),
    ('authentication = "internal_hash"', "unknown-provider", "authentication"),
    ('default_storage = "postgres"', "unknown-provider", "default_storage"),
    ('modules_enabled = { "smaks", "muc" }', "unknown-module", "smaks"),
    ("", "wrong-host-type", "muc"),
    ("c2s_require_encryption = False", "undefined-name", "False"),
    ('s2s_secure_auth = "perhaps"', "wrong-type", "s2s_secure_auth"),
    ("c2s_stanza_size_limit = 100", "out-of-range", "c2s_stanza_size_limit"),
    ('c2s_timeout = "5m"', "ambiguous-period", "c2s_timeout"),
    ('setgid = "prosody"', "obsolete-option", "setgid"),
    ("require_encryption = true", "deprecated-option", "require_encryption"),
    ('welcome_message = "x"', "module-not-enabled", "welcome_message"),
    ("network_settings = { tcp_backlogs = 5 }", "unread-key", "network_settings.tcp_backlogs"),
    ("unbound = { resolvconfig = true }", "unread-key", "unbound.resolvconfig"),
    ('ssl = { protocols = "tlsv1_3" }', "unread-key", "ssl.protocols"),
    ('use_ipv6 = "no"', "wrong-type", "use_ipv6"),
]
GLOBAL_ONLY = ["c2s_ports", "trusted_proxies", "limits", "pidfile", "interfaces"]


@pytest.fixture(scope="module")
def unseen(host):
    settings = "\n".join(text for text, _code, _option in UNSEEN)
    misplaced = "\n".join(f"\t{option} = {{}}" for option in GLOBAL_ONLY)
    found = lint(host, f'{settings}\n{HOST}\tmodules_enabled = {{ "limits", "http" }}\n{misplaced}\n')
    return {(finding["code"], finding["option"]) for finding in found}


@pytest.mark.parametrize(("code", "option"), [case[1:] for case in UNSEEN])
def test_what_prosodyctl_check_does_not_see(unseen, code, option):
    assert (code, option) in unseen


@pytest.mark.parametrize("option", GLOBAL_ONLY)
def test_a_global_option_on_a_host(unseen, option):
    assert ("wrong-scope", option) in unseen
