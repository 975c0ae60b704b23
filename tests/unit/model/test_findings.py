# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that is wrong with the settings stands in one list: what was refused is left out, and the rest is looked at."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import findings

GOOD: dict[str, Any] = {"domain": "op.test", "hosts": [{"name": "op.test"}], "standard_components": ["muc", "upload"]}

#: settings, and how the line of each begins
WRONG: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"c2s_ports": [5222, "x", 99999]},
        ["prosody_c2s_ports[1]: expected a whole", "prosody_c2s_ports[2]: 99999 is no"],
    ),
    (
        {"limits": {"c2x": 1, "s2y": 2, "c2s": {"rate": "10kb/s", "brust": "2s"}}},
        [
            "prosody_limits.c2x: there are",
            "prosody_limits.s2y: there are",
            "prosody_limits.c2s.brust: a limit has rate, burst, max_connections_per_ip only",
        ],
    ),
    (
        {"options": {"a-b": 1, "admins": [], "x": {"from_secret": "k"}}},
        [f"prosody_options.{k}: " for k in ("a-b", "admins", "x")],
    ),
    ({"modules": ["mod_x", "fierwall"]}, ["prosody_modules[0]: write", "prosody_modules[1]: there is no module"]),
    (
        {"components": [{"name": "rooms.op.test", "module": "mcu"}]},
        ["prosody_components[0].module: there is no module 'mcu'; is it 'muc'?"],
    ),
    (
        {"stores": {"archive": "sqll", "muc_log": "none"}},
        ["prosody_stores.archive: there is no storage 'sqll'; is it 'sql'?"],
    ),
    (
        {"contact_info": {"abus": ["mailto:a@op.test"]}},
        ["prosody_contact_info.abus: there are abuse, admin, feedback, sales, security, status, support only"],
    ),
    ({"upload_expires_after": "0"}, ["prosody_upload_expires_after: no time at all"]),
    ({"archive_expires_after": "0 days"}, ["prosody_archive_expires_after: no time at all"]),
    ({"database_port": 70000}, ["prosody_database_port: 70000 is no port"]),
    (
        {"storage": "postgresql"},
        ["prosody_database_host: there is no database server", "prosody_database_password: the"],
    ),
    ({"motd": 5, "gc": "x"}, ["prosody_motd: expected a text", "prosody_gc: expected a mapping"]),
    (
        {"accounts": [{"jid": "a@op.test", "password": "x"}, {"jid": "b@no.test"}, {"jid": "@"}, {"jid": "a@op.test"}]},
        [
            "prosody_accounts[1].jid: its domain is none of",
            "prosody_accounts[2].jid: this is no account",
            "prosody_accounts[3].jid: the same account",
            "prosody_accounts[0].password: the password of a@op.test is shorter",
        ],
    ),
]

#: what Prosody would not take, or would take for something else
FORMS: list[tuple[dict[str, Any], list[str]]] = [
    ({"archive_expires_after": "4 weks"}, ["prosody_archive_expires_after: expected a number of seconds"]),
    ({"limits": {"c2s": "100kb/s"}}, ["prosody_limits.c2s: a limit is a mapping, such as {rate: 10kb/s, burst: 2s}"]),
    (
        {"limits": {"c2s": {"rate": "fast", "burst": "2 weeks"}}},
        ["prosody_limits.c2s.rate: expected bytes per second", "prosody_limits.c2s.burst: expected seconds"],
    ),
    ({"contact_info": {"abuse": "abuse@b.example"}}, ["prosody_contact_info.abuse: expected URIs"]),
    ({"contact_info": {"abuse": 5}}, ["prosody_contact_info.abuse: expected a list of URIs"]),
    ({"gc": {"mode": "generatonal"}}, ["prosody_gc.mode: expected incremental or generational"]),
    ({"gc": {"minor_threshold": 5}}, ["prosody_gc.minor_threshold: with mode incremental there are mode, threshold"]),
    ({"gc": {"threshold": "5"}}, ["prosody_gc.threshold: expected a number"]),
    ({"tls_groups": ["X25518", "x448"]}, ["prosody_tls_groups[0]: OpenSSL has no such group; is it X25519?"]),
    (
        {"interfaces": ["eth0"], "c2s_interfaces": ["::", "*", "lo"]},
        ["prosody_interfaces[0]: expected an address", "prosody_c2s_interfaces[2]: expected an address"],
    ),
    (
        {"accounts": [{"jid": "a@op.test", "role": "admin"}, {"jid": "b@op.test", "secondary_roles": ["x:y"]}]},
        [
            "prosody_accounts[0].role: there is no role of that name for a@op.test; is it prosody:admin?",
            "prosody_accounts[1].secondary_roles[0]: there is no role of that name for b@op.test; there",
        ],
    ),
    (
        {
            "accounts": [{"jid": "a@op.test", "role": "prosody:member", "secondary_roles": ["helper"]}],
            "options": {"custom_roles": [{"name": "helper"}]},
        },
        [],
    ),
    ({"archive_expires_after": "never", "upload_expires_after": "36 Hours", "muc_archive_expires_after": "90"}, []),
    (
        {"limits": {"c2s": {"rate": "1 MB/s", "burst": 3}}, "interfaces": ["*", "::1"], "gc": {"mode": "generational"}},
        [],
    ),
    ({"contact_info": {"abuse": "mailto:a@b.example", "admin": []}, "tls_groups": ["x25519", "P-256"]}, []),
]


def lines(settings: dict[str, Any]) -> list[str]:
    return [problem["problem"] for problem in findings.problems({**GOOD, "password_min_length": 10, **settings})]


@pytest.mark.parametrize(("settings", "wanted"), WRONG, ids=[next(iter(case[0])) for case in WRONG])
def test_each_is_told_and_nothing_else(settings: dict[str, Any], wanted: list[str]) -> None:
    told = lines(settings)
    assert [each for each in wanted if not any(line.startswith(each) for line in told)] == []
    assert len(told) == len(wanted), told


@pytest.mark.parametrize(("settings", "wanted"), FORMS)
def test_what_is_of_no_form_is_told(settings: dict[str, Any], wanted: list[str]) -> None:
    told = lines({**GOOD, **settings})
    assert len(told) == len(wanted), told
    assert all(line.startswith(begin) for line, begin in zip(told, wanted)), told


def test_all_at_once_are_as_many_as_each_by_itself() -> None:
    together: dict[str, Any] = {}
    for settings, _wanted in WRONG:
        together |= settings
    told = lines(together)
    missing = [
        each for _settings, wanted in WRONG for each in wanted if not any(line.startswith(each) for line in told)
    ]
    assert missing == [], told
    assert len(told) == sum(len(wanted) for _settings, wanted in WRONG), told


def test_what_follows_from_a_host_that_was_refused_is_not_told() -> None:
    told = lines(
        {
            "hosts": [{"name": "a..b"}],
            "accounts": [{"jid": "a@a..b"}, {"jid": "b@op.test"}],
            "rooms": [{"jid": "r@muc.op.test"}],
        }
    )
    assert [line.split(":")[0] for line in told] == ["prosody_hosts[0].name"]


def test_what_is_in_doubt_is_not_known() -> None:
    wrong = {**GOOD, "c2s_ports": [5222, 99999], "motd": 5}
    assert findings.known_certificate_names(wrong) == ["op.test", "muc.op.test", "upload.op.test"]
    assert findings.known_certificate_names({**wrong, "hosts": [{"name": "a..b"}]}) == []
    assert 5222 in [port["port"] for port in findings.known_ports(wrong)]
    assert set(findings.known_places(wrong)) == {"op.test", "muc.op.test", "upload.op.test"}
    assert findings.known_places({**wrong, "storage": "mysql"}) == {}
