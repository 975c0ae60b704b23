# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry: sources of a made-up Prosody → what can be configured."""

from __future__ import annotations

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.source import GLOBAL, HOST, MODULE, OptionValue
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.source import read_source as read
from ansible_collections.allthingslinux.xmpp.tests.unit.lint.lint_support import LOCAL, TREE, registry


def only(option: str):
    readers = registry().readers(option)
    assert len(readers) == 1, readers
    return readers[0].read


@pytest.mark.parametrize(
    ("option", "kind", "default", "minimum", "maximum"),
    [
        ("letters_size", "integer", 10240, 100, 1e6),
        ("letters_rate", "number", 1.5, 0, 10),
        ("clients_timeout", "period", "5 minutes", "10 seconds", "1 hour"),
        ("letters_path", "path", "letters.txt", None, None),
        ("letters_one", "scalar", None, None, None),
        ("letters_banner", "string", "Hello", None, None),
        ("letters_bare_call", "string", None, None, None),
        ("stamps_limit", "integer", 5, 1, None),
    ],
)
def test_each_shape_of_a_call(option, kind, default, minimum, maximum):
    found = only(option)
    assert (found.kind, found.default, found.minimum, found.maximum) == (kind, default, minimum, maximum)


def test_enumerations_hold_the_default_and_the_rest():
    assert only("letters_style").choices == ("plain", "fancy", False)


@pytest.mark.parametrize("option", ["only_in_a_comment", "only_in_a_long_comment", "only_in_a_string"])
def test_comments_and_texts_are_no_calls(option):
    assert not registry().readers(option)


@pytest.mark.parametrize(
    ("option", "scope"),
    [
        ("clients_timeout", MODULE),
        ("clients_require_encryption", HOST),
        ("letters_everywhere", GLOBAL),
        ("letters_reply", HOST),
        ("letters_size", MODULE),
        ("ssl", GLOBAL),
        ("storage", HOST),
    ],
)
def test_scope(option, scope):
    assert only(option).scope == scope


def test_global_modules():
    assert registry().modules["clients"].facts.sets_global
    assert not registry().modules["letters"].facts.sets_global


@pytest.mark.parametrize(
    ("option", "keys"),
    [("letters_options", {"width", "height"}), ("letters_free", None), ("limits", None)],
)
def test_keys_of_a_table_that_is_followed_and_of_one_that_is_handed_on(option, keys):
    assert only(option).keys == (frozenset(keys) if keys else None)


@pytest.mark.parametrize(
    "option",
    ["clients_ports", "clients_interfaces", "clients_ssl", "direct_ports", "direct_ssl", "clients_direct_certificate"],
)
def test_options_of_ports_are_composed_as_portmanager_does(option):
    assert registry().readers(option)


def test_a_config_prefix_replaces_the_name_of_the_service():
    assert not registry().readers("clients_direct_ports")


def test_periods_of_tasks():
    assert only("letters_remove_old_letters_period").kind == "period"
    # which mod_cron keeps, and module:daily() has loaded
    assert "cron" in registry().modules["letters"].facts.soft_depends


def test_a_library_belongs_to_its_module():
    assert [reader.module for reader in registry().readers("greeter_language")] == ["greeter"]


def test_stores():
    assert registry().modules["letters"].facts.stores == [
        (OptionValue("letters_store", "letters"), "archive"),
        ("drafts", "keyval"),
        ("letters", "keyval"),
    ]


def test_dependencies_and_libraries():
    needy = registry().modules["needy"].facts
    assert set(needy.depends) == {"absent"}
    assert set(needy.requires) == {"rock.that.is.missing", "string", "prosody.util.events"}
    assert registry().modules["stamps"].facts.requires == {}


def test_the_copy_that_is_loaded_and_the_ones_that_are_not():
    twin = registry().modules["twin"]
    assert twin.path == LOCAL / "mod_twin" / "mod_twin.lua"
    assert twin.shadows == (TREE / "modules" / "mod_twin.lua",)


def test_a_file_that_its_header_excludes_is_passed_over():
    assert registry().modules["letters"].path == TREE / "modules" / "mod_letters.lua"
    assert not registry().modules["letters"].shadows
    assert not registry().readers("letters_of_the_community")
    assert "time-travel" in registry().modules["futuristic"].refused


def test_what_the_server_says_of_itself():
    known = registry()
    assert known.loading.automatic == {"clients", "letters"}
    assert known.loading.inheritable == {"clients"}
    assert known.tls_profiles == {"": ("modern", "intermediate", "legacy")}
    assert known.statistics_providers == ("internal", "statsd")
    assert known.obsolete == {"ancient_option"}
    assert known.deprecated["old_letters"] == "use letters_size"
    assert known.deprecated["anonymous_login"] == 'use authentication = "anonymous"'
    assert known.deprecated["no_letters"] == 'add "letters" to modules_disabled'
    assert known.deprecated["detach"] == "use the -D flag"
    assert known.deprecated["oldclients_port"] == "use clients_ports"
    assert known.sinks == {"file", "syslog"}
    assert known.keys["network_settings:epoll"] == {"read_timeout", "tcp_backlog", "nagle"}
    assert known.keys["gc"] == {"mode", "threshold", "speed"}
    assert known.keys["limits"] >= {"c2s", "s2sin", "s2sout"}
    assert known.keys["sql"] == {"driver", "database", "host"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('local c = require "core.configmanager"; local x = c.get(host, "core", "realm")', ("realm", HOST)),
        ('local x = require "prosody.core.configmanager".get("*", "a")', ("a", GLOBAL)),
        ('local get = require "prosody.core.configmanager".get; f(get("*", "b"))', ("b", GLOBAL)),
        ('local raw = (require "core.configmanager").rawget; f(raw(host, "c"))', ("c", HOST)),
        ('local api = f; local x = api("*"):get_option_string("d")', ("d", GLOBAL)),
        ('local x = event.module:get_option_string("e")', ("e", HOST)),
        ('local suffix = "f"; local x = module:get_option("the_" .. suffix)', ("the_f", MODULE)),
    ],
)
def test_other_ways_to_read(text, expected):
    found = read(text, "x.lua", "x").reads
    assert [(item.name, item.scope) for item in found] == [expected]


@pytest.mark.parametrize(
    "text", ["function api:get_option(name) end", "if module.get_option_period then end", "module:get_option(name)"]
)
def test_what_is_no_reading_of_a_known_option(text):
    assert read(text, "x.lua", "x").reads == []
