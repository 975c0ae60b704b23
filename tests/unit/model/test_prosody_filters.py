# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters over the model: each under its name, and every error one that Ansible shows."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.filter import prosody, to_lua

FILTERS = {**prosody.FilterModule().filters(), **to_lua.FilterModule().filters()}
SETTINGS = {"hosts": [{"name": "example.org"}], "storage": "internal", "secrets": {"k": "v"}}

# (filter, value, result; None: only that there is one)
RESULTS: list[tuple[str, Any, Any]] = [
    ("to_lua", {"a": [1, True]}, "{ a = { 1, true } }"),
    ("prosody_config_text", SETTINGS, None),
    ("prosody_secret_files", SETTINGS, {"k": "v"}),
    ("prosody_certificate_names", SETTINGS, ["example.org"]),
    ("prosody_ports", {**SETTINGS, "c2s_ports": [5222]}, None),
    ("prosody_problems", SETTINGS, []),
    ("prosody_known_certificate_names", SETTINGS, ["example.org"]),
    ("prosody_known_places", SETTINGS, None),
    ("prosody_known_front", {**SETTINGS, "upload_max_size": "100 MBytes"}, None),
    ("prosody_known_ports", {**SETTINGS, "c2s_ports": [5222]}, None),
    ("prosody_own_modules", SETTINGS, None),
    (
        "prosody_firewall_files",
        SETTINGS,
        {
            "scripts": [],
            "files": [],
            "kept": [],
            "leftovers": [{"path": "/etc/prosody/xmpp-firewall", "state": "absent"}],
        },
    ),
    ("prosody_firewall_refusals", [{"item": {"script": "a.pfw"}, "rc": 0}], []),
    ("prosody_front", SETTINGS, None),
    ("prosody_generated_files", {**SETTINGS, "probe_accounts": ["p@example.org"]}, ["probe_p@example.org"]),
    ("prosody_declared_accounts", SETTINGS, {}),
    (
        "prosody_declared_invitations",
        {**SETTINGS, "domain": "example.org", "invitations": [{"name": "a"}, {"name": "b", "jid": "b@example.org"}]},
        [{"jid": "example.org", "name": "a"}, {"jid": "b@example.org", "name": "b"}],
    ),
    ("prosody_account_hosts", SETTINGS, ["example.org"]),
    ("prosody_ldap_environment", SETTINGS, {}),
    (
        "prosody_leftover_files",
        {**SETTINGS, "accounts": [{"jid": "A@example.org", "state": "absent"}, {"jid": "b@example.org"}]},
        ["account_a@example.org"],
    ),
    (
        "prosody_upload_scanner",
        {**SETTINGS, "upload_scan": True, "upload_max_size": "100 MiB"},
        {
            "here": True,
            "remote": False,
            "limits": [
                {"name": "StreamMaxLength", "value": "101M"},
                {"name": "MaxFileSize", "value": "101M"},
                {"name": "MaxScanSize", "value": "404M"},
                {"name": "MaxConnectionQueueLength", "value": "200"},
            ],
        },
    ),
    ("prosody_probe_accounts", [{"name": "a.example"}], ["xmpp-probe-1@a.example", "xmpp-probe-2@a.example"]),
    (
        "prosody_places",
        SETTINGS,
        {"example.org": {"authentication": "internal_hashed", "password_hash": "SHA-256", "storage": "internal"}},
    ),
]


def function(name: str) -> Any:
    return FILTERS[name]


def test_every_filter_is_here() -> None:
    assert sorted(FILTERS) == sorted(case[0] for case in RESULTS)


@pytest.mark.parametrize(("name", "value", "result"), RESULTS, ids=[case[0] for case in RESULTS])
def test_a_filter(name: str, value: Any, result: Any) -> None:
    found = function(name)(value)
    assert found or found == result
    assert result is None or found == result


@pytest.mark.parametrize(
    "name",
    sorted(
        {case[0] for case in RESULTS if "_known_" not in case[0]}
        - {"to_lua", "prosody_problems", "prosody_probe_accounts", "prosody_firewall_refusals"}
    ),
)
def test_an_error_is_one_that_ansible_shows(name: str) -> None:
    wrong = {"hosts": "example.org", "accounts": "x", "secrets": 5, "components": 5, "invitations": "x"}
    wrong["firewall_scripts"] = 5
    wrong["upload_max_size"] = "x"
    with pytest.raises(AnsibleFilterError, match="prosody_"):
        function(name)(wrong)


def test_to_lua_says_what_it_cannot_write() -> None:
    with pytest.raises(AnsibleFilterError, match=r"^value\.a: a value of type object"):
        function("to_lua")({"a": object()})


def test_prosody_problems_never_fails() -> None:
    assert [problem["that"] for problem in function("prosody_problems")({"hosts": 5})] == [False]
