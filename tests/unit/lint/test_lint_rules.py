# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every code of the linter: a configuration in which it is found, and one with the good value, in which it is not."""

from __future__ import annotations

import pytest
from ansible_collections.allthingslinux.xmpp.tests.unit.lint.lint_support import lint

HOST = 'VirtualHost "example.org" { }\n'
LOUNGE = 'Component "lounge.example.org" "lounge" { lounge_size = 5 }\n'

# code, what it is about, bad configuration, good configuration
CASES = [
    ("unread-option", "lettres_size", "lettres_size = 500\n" + HOST, "letters_size = 500\n" + HOST),
    ("unread-option", "letters", "letters = true\n" + HOST, 'modules_enabled = { "letters" }\n' + HOST),
    (
        "unread-key",
        "letters_options.depth",
        "letters_options = { depth = 1 }\n" + HOST,
        "letters_options = { width = 1, height = 2 }\n" + HOST,
    ),
    (
        "unread-key",
        "network_settings.READ_TIMEOUT",
        "network_settings = { READ_TIMEOUT = 1 }\n" + HOST,
        'network_backend = "event"\nnetwork_settings = { READ_TIMEOUT = 1 }\n' + HOST,
    ),
    ("unread-key", "gc.minor_threshold", "gc = { minor_threshold = 5 }\n" + HOST, "gc = { threshold = 110 }\n" + HOST),
    (
        "unread-key",
        "gc.speed",
        'gc = { mode = "generational", speed = 5 }\n' + HOST,
        'gc = { mode = "incremental", speed = 5 }\n' + HOST,
    ),
    (
        "unread-key",
        "statistics_config.port",
        'statistics = "statsd"\nstatistics_config = { port = 1 }\n' + HOST,
        'statistics = "statsd"\nstatistics_config = { prefix = "x" }\n' + HOST,
    ),
    (
        "unread-key",
        "log[1].filenam",
        'log = { { to = "file", filenam = "x" } }\n' + HOST,
        'log = { { to = "file", filename = "x" }, info = "*syslog" }\n' + HOST,
    ),
    (
        "unread-key",
        "limits.c2s.speed",
        'modules_enabled = { "limits" }\nlimits = { c2s = { rate = "1kb/s", speed = 1 } }\n' + HOST,
        'modules_enabled = { "limits" }\nlimits = { c2s = { rate = "1kb/s", burst = "2s" } }\n' + HOST,
    ),
    (
        "module-not-enabled",
        "greeter_text",
        'greeter_text = "x"\n' + HOST,
        'modules_enabled = { "greeter" }\ngreeter_text = "x"\n' + HOST,
    ),
    (
        "module-not-enabled",
        "lounge_size",
        'VirtualHost "example.org" { lounge_size = 5 }\n' + LOUNGE,
        HOST + LOUNGE,
    ),
    (
        "module-not-enabled",
        "ledger_hash",
        'authentication = "anonymous"\nledger_hash = "SHA-1"\n' + HOST,
        'ledger_hash = "SHA-1"\n' + HOST,
    ),
    (
        "wrong-scope",
        "clients_ports",
        'VirtualHost "example.org" { clients_ports = { 1 } }\n',
        "clients_ports = { 1 }\n" + HOST,
    ),
    (
        "wrong-scope",
        "clients_timeout",
        'VirtualHost "example.org" { clients_timeout = 60 }\n',
        'clients_timeout = 60\nVirtualHost "example.org" { clients_require_encryption = true }\n',
    ),
    ("wrong-scope", "gc", 'VirtualHost "example.org" { gc = { threshold = 1 } }\n', "gc = { threshold = 1 }\n" + HOST),
    ("wrong-type", "letters_size", 'letters_size = "big"\n' + HOST, "letters_size = 500\n" + HOST),
    ("wrong-type", "clients_require_encryption", 'VirtualHost "e.org" { clients_require_encryption = "on" }', HOST),
    (
        "wrong-type",
        "modules_enabled",
        "modules_enabled = { letters_size = 500 }\n" + HOST,
        "letters_size = 500\n" + HOST,
    ),
    (
        "wrong-type",
        "modules_disabled",
        'modules_disabled = "letters"\n' + HOST,
        'modules_disabled = { "letters" }\n' + HOST,
    ),
    ("wrong-type", "admins", "admins = { 5 }\n" + HOST, 'admins = { "a@example.org" }\n' + HOST),
    ("wrong-type", "storage", 'storage = { "sql" }\n' + HOST, 'storage = { letters = "internal" }\n' + HOST),
    (
        "wrong-type",
        "limits.c2s",
        'modules_enabled = { "limits" }\nlimits = { c2s = "1kb/s" }\n' + HOST,
        'modules_enabled = { "limits" }\nlimits = { c2s = { rate = "1kb/s" } }\n' + HOST,
    ),
    ("wrong-value", "letters_style", 'letters_style = "loud"\n' + HOST, "letters_style = false\n" + HOST),
    ("wrong-value", "tls_profile", 'tls_profile = "strong"\n' + HOST, 'tls_profile = "legacy"\n' + HOST),
    (
        "wrong-value",
        "limits.c2s.rate",
        'modules_enabled = { "limits" }\nlimits = { c2s = { rate = "fast" } }\n' + HOST,
        'modules_enabled = { "limits" }\nlimits = { c2s = { rate = "10 kb/s" } }\n' + HOST,
    ),
    (
        "wrong-value",
        "limits.c2s.burst",
        'modules_enabled = { "limits" }\nlimits = { c2s = { rate = "1kb/s", burst = "2 minutes" } }\n' + HOST,
        'modules_enabled = { "limits" }\nlimits = { c2s = { rate = "1kb/s", burst = 2 } }\n' + HOST,
    ),
    ("wrong-value", "log", 'log = { info = "*journal" }\n' + HOST, 'log = { info = "*syslog" }\n' + HOST),
    (
        "wrong-value",
        "log",
        'log = { { to = "file", filename = "x", levels = { "warning" } } }\n' + HOST,
        'log = { { to = "file", filename = "x", levels = { min = "warn" } } }\n' + HOST,
    ),
    (
        "wrong-value",
        "sql.driver",
        'default_storage = "sql"\nsql = { database = "x" }\n' + HOST,
        HOST,
    ),
    ("wrong-type", "plugin_paths", 'plugin_paths = "/x"\n' + HOST, 'plugin_paths = { "/x" }\n' + HOST),
    ("wrong-type", "use_letters", 'use_letters = "no"\n' + HOST, "use_letters = false\n" + HOST),
    ("wrong-value", "network_backend", 'network_backend = "poll"\n' + HOST, 'network_backend = "epoll"\n' + HOST),
    (
        "wrong-value",
        "statistics_interval",
        'statistics_interval = "often"\n' + HOST,
        "statistics_interval = 5\n" + HOST,
    ),
    ("out-of-range", "letters_size", "letters_size = 5\n" + HOST, "letters_size = 100\n" + HOST),
    ("out-of-range", "clients_ports", "clients_ports = { 0 }\n" + HOST, "clients_ports = { 5222 }\n" + HOST),
    ("out-of-range", "clients_ports", "clients_ports = { 99999 }\n" + HOST, "clients_ports = { 65535 }\n" + HOST),
    ("out-of-range", "clients_ports", "clients_ports = { 5222.5 }\n" + HOST, 'clients_ports = { "5222" }\n' + HOST),
    (
        "port-clash",
        "direct_ports",
        "clients_ports = { 5222, 5223 }\ndirect_ports = { 5223 }\n" + HOST,
        "clients_ports = { 5222, 5223 }\ndirect_ports = { }\n" + HOST,
    ),
    (
        "port-clash",
        "direct_ports",
        "clients_ports = { 5223 }\ndirect_ports = { 5223 }\n" + HOST,
        'clients_ports = { 5223 }\nclients_interfaces = { "127.0.0.1" }\ndirect_ports = { 5223 }\n'
        'direct_interfaces = { "127.0.0.2" }\n' + HOST,
    ),
    (
        "ambiguous-period",
        "clients_timeout",
        'clients_timeout = "5m"\n' + HOST,
        'clients_timeout = "5 minutes"\n' + HOST,
    ),
    ("deprecated-option", "old_letters", "old_letters = 500\n" + HOST, "letters_size = 500\n" + HOST),
    ("obsolete-option", "ancient_option", "ancient_option = 5\n" + HOST, HOST),
    (
        "unknown-module",
        "lettres",
        'modules_enabled = { "lettres" }\n' + HOST,
        'modules_enabled = { "letters" }\n' + HOST,
    ),
    (
        "unknown-module",
        "mod_letters",
        'modules_enabled = { "mod_letters" }\n' + HOST,
        'modules_enabled = { "letters" }\n' + HOST,
    ),
    ("unknown-module", "component_module", HOST + 'Component "l.example.org" "loung" { }', HOST + LOUNGE),
    (
        "unknown-module",
        "lettres",
        'modules_disabled = { "lettres" }\n' + HOST,
        'modules_disabled = { "letters" }\n' + HOST,
    ),
    (
        "unloadable-module",
        "futuristic",
        'modules_enabled = { "futuristic" }\n' + HOST,
        'modules_enabled = { "stamps" }\n' + HOST,
    ),
    (
        "missing-dependency",
        "needy",
        'modules_enabled = { "needy" }\n' + HOST,
        'modules_enabled = { "stamps" }\n' + HOST,
    ),
    (
        "missing-dependency",
        "sql.driver",
        'default_storage = "sql"\nsql = { driver = "Nonesuch" }\n' + HOST,
        HOST,
    ),
    ("shadowed-module", "twin", 'modules_enabled = { "twin" }\n' + HOST, 'modules_enabled = { "letters" }\n' + HOST),
    ("replaced-module", "posix", 'modules_enabled = { "posix" }\n' + HOST, HOST),
    (
        "provider-as-module",
        "auth_ledger",
        'modules_enabled = { "auth_ledger" }\n' + HOST,
        'authentication = "ledger"\n' + HOST,
    ),
    ("wrong-host-type", "lounge", 'modules_enabled = { "lounge" }\n' + HOST, HOST + LOUNGE),
    ("unknown-provider", "authentication", 'authentication = "legder"\n' + HOST, 'authentication = "ledger"\n' + HOST),
    ("unknown-provider", "authorization", 'authorization = "extern"\n' + HOST, 'authorization = "internal"\n' + HOST),
    ("unknown-provider", "default_storage", 'default_storage = "sqll"\n' + HOST, 'default_storage = "null"\n' + HOST),
    ("unknown-provider", "storage", 'storage = "sqll"\n' + HOST, 'storage = "internal"\n' + HOST),
    (
        "unknown-provider",
        "storage.letters",
        'storage = { letters = "sqll" }\n' + HOST,
        'storage = { letters = "internal" }\n' + HOST,
    ),
    ("unknown-provider", "statistics", 'statistics = "internl"\n' + HOST, 'statistics = "internal"\n' + HOST),
    (
        "unread-store",
        "storage.lettres",
        'storage = { lettres = "internal" }\n' + HOST,
        'storage = { drafts = "internal" }\n' + HOST,
    ),
    (
        "unread-store",
        "storage.rooms",
        'storage = { rooms = "internal" }\n' + HOST,
        'storage = { rooms = "internal" }\n' + HOST + LOUNGE,
    ),
    (
        "unread-store",
        "storage.letters",
        'modules_disabled = { "letters" }\nstorage = { letters = "internal" }\n' + HOST,
        'letters_store = "parcels"\nstorage = { parcels = "internal" }\n' + HOST,
    ),
    ("undefined-name", "False", "letters_everywhere = False\n" + HOST, "letters_everywhere = false\n" + HOST),
    ("undefined-name", "letters", "modules_enabled = { letters }\n" + HOST, 'modules_enabled = { "letters" }\n' + HOST),
    (
        "duplicate-option",
        "letters_size",
        "letters_size = 500\nletters_size = 600\n" + HOST,
        "letters_size = 500\n" + HOST,
    ),
    (
        "duplicate-host",
        "example.org",
        'VirtualHost "example.org" { letters_size = 500 }\nVirtualHost "example.org" { letters_size = 600 }\n',
        'VirtualHost "example.org"\nVirtualHost "example.org" { letters_size = 500 }\n',
    ),
    ("include-missing", "", 'Include "conf.d/absent.cfg.lua"\n' + HOST, HOST),
    ("include-missing", "", 'Include "absent.d/*.cfg.lua"\n' + HOST, HOST),
    ("file-missing", "", 'letters_secret = FileLine("absent")\n' + HOST, 'letters_secret = "x"\n' + HOST),
    ("refused-call", "", 'letters_banner = Lua.io.popen("hostname")\n' + HOST, 'letters_banner = "x"\n' + HOST),
    ("bad-jid", "admins", 'admins = { "two words" }\n' + HOST, 'admins = { "a@example.org", "example.org" }\n' + HOST),
    (
        "ignored-argument",
        "",
        HOST + 'Component("lounge.example.org", "lounge")\n',
        HOST + 'Component("lounge.example.org")("lounge")\n',
    ),
    ("no-host", "", "letters_size = 500\n", HOST),
    ("syntax", "", "letters_size = {\n", HOST),
]


@pytest.mark.parametrize(("code", "subject", "bad", "good"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_each_code_is_found_and_the_good_value_is_not(tmp_path, code, subject, bad, good):
    found = lint(tmp_path, bad)
    assert any(finding.code == code and finding.option == subject for finding in found), found
    assert not [finding for finding in lint(tmp_path, good) if finding.code != "refused-call"]


def test_a_whole_configuration_without_a_finding(tmp_path):
    (tmp_path / "extra.cfg.lua").write_text("letters_rate = 2\n")
    (tmp_path / "secret").write_text("quite secret\n")
    good = """
        admins = { "root@example.org" }
        modules_enabled = { "letters", "stamps", "greeter" }
        letters_size = 1024; letters_names = { "a", "b" }; letters_list = {}; letters_one = { 1 }
        letters_secret = FileLine("secret")
        letters_free = { anything = true }
        letters_remove_old_letters_period = "2 days"
        clients_ports = { 5222 }; clients_interfaces = { "*" }; direct_ssl = { anything = 1 }
        clients_certificate = "x.crt"; external_addresses = { "192.0.2.1" }
        stamps_limit = 3; greeter_language = "de"
        ssl = { protocol = "tlsv1_3" }
        log = { debug = "/var/log/x", { to = "syslog", levels = { min = "info", max = "error" } } }
        Include "extra.cfg.lua"
        modules_enabled:append { "limits" }
        VirtualHost "example.org" { letters_style = "fancy"; modules_disabled = { "stamps" }; name = "Example" }
        Component "lounge.example.org" "lounge" { lounge_size = 100, modules_enabled = { "letters" } }
    """
    assert lint(tmp_path, good) == []


def test_a_variable_of_the_configuration_is_no_option(tmp_path):
    text = 'my_domain = "example.org"\nVirtualHost(my_domain)\n'
    assert lint(tmp_path, text) == []
    assert [finding.option for finding in lint(tmp_path, text.replace("(my_domain)", ' "example.org"'))] == [
        "my_domain"
    ]


def test_an_option_of_a_module_that_is_not_installed_is_not_called_dead(tmp_path):
    found = lint(tmp_path, 'modules_enabled = { "poetry" }\npoetry_metre = "iambic"\n' + HOST)
    assert [(finding.severity, finding.code) for finding in found] == [
        ("error", "unknown-module"),
        ("warning", "unread-option"),
    ]
    assert "mod_poetry" in found[1].message


def test_lines_of_keys_in_tables_and_of_options_in_hosts(tmp_path):
    text = '-- a comment\nlimits = {\n  c2s = { rate = "1kb/s" };\n  s2s = {\n  };\n}\n'
    text += 'modules_enabled = {\n "limits",\n "nosuch"\n}\n'
    text += 'VirtualHost "example.org" {\n  name = "x";\n  letters_style = "loud";\n}\n'
    found = {finding.option: finding for finding in lint(tmp_path, text)}
    assert (found["limits.s2s"].line, found["nosuch"].line, found["letters_style"].line) == (4, 9, 13)
    assert found["letters_style"].where == "prosody.cfg.lua:13 (host example.org)"
    assert found["letters_style"].host == "example.org"


def test_findings_in_an_included_file_name_it(tmp_path):
    (tmp_path / "more.cfg.lua").write_text("\nlettres_size = 5\n")
    (finding,) = lint(tmp_path, 'Include "more.cfg.lua"\n' + HOST)
    assert finding.where == "more.cfg.lua:2"
    (tmp_path / "more.cfg.lua").write_text("\nletters_size = = 5\n")
    (finding,) = lint(tmp_path, 'Include "more.cfg.lua"\n' + HOST)
    assert (finding.code, finding.where) == ("syntax", "more.cfg.lua:2")


@pytest.mark.parametrize("accepted", ["unread-option", "lettres_size", "unread-option:lettres_size"])
def test_what_the_operator_accepts(tmp_path, accepted):
    assert lint(tmp_path, "lettres_size = 5\n" + HOST, ignore=[accepted]) == []
    assert len(lint(tmp_path, "lettres_size = 5\n" + HOST, ignore=["wrong-type", "wrong-type:lettres_size"])) == 1


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("lettres_size = 5", "did you mean letters_size?"),
        ("size_letters = 5", "did you mean letters_size?"),
        ('modules_enabled = { "mod_letters" }', 'write "letters", without mod_'),
        ('modules_enabled = { "greter" }', 'did you mean "greeter"?'),
        ('modules_enabled = { "extdisco" }', 'use "external_services" instead'),
        ('authentication = "legder"', 'did you mean "ledger"?'),
        ('storage = { rooms = "internal" }', "it belongs to mod_lounge, which is not enabled"),
        ("letters_everywhere = None", "write nil"),
        ('greeter_text = "x"', 'add "greeter" to modules_enabled, or remove the option'),
        ("old_letters = 500", "use letters_size"),
    ],
)
def test_hints(tmp_path, text, hint):
    assert hint in [finding.hint for finding in lint(tmp_path, text + "\n" + HOST)]


def test_an_option_taken_from_another_needs_its_value(tmp_path):
    text = 'modules_enabled = { "letters" }\nmodules_disabled = modules_enabled\n' + HOST
    (finding,) = lint(tmp_path, text)
    assert (finding.code, finding.option) == ("wrong-type", "modules_disabled")
    assert finding.hint == "write modules_disabled = modules_enabled:value()"
