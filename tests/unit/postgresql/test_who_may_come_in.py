# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may come into the database while Prosody moves from one host to another."""

from __future__ import annotations

from typing import Any

from ansible_collections.allthingslinux.xmpp.tests.unit.test_role_templates import render, templated

FACTS = {"all_ipv4_addresses": ["192.0.2.7"], "all_ipv6_addresses": [], "interfaces": []}
NEW = {"all_ipv4_addresses": ["192.0.2.8"], "all_ipv6_addresses": [], "interfaces": []}
HERE: dict[str, Any] = {
    "groups": {"prosody": ["new"], "postgresql": ["one"]},
    "hostvars": {"old": {"ansible_facts": FACTS}, "new": {"ansible_facts": NEW}},
    "postgresql_secrets_dir": "/nowhere",
}


def lines(**variables: Any) -> list[str]:
    text = render("postgresql", "pg_hba.conf.j2", **HERE, **variables)
    return [" ".join(line.split()) for line in text.splitlines() if '"prosody"' in line]


def opened(**variables: Any) -> list[str]:
    (one,) = templated("postgresql", "{{ __postgresql_opens }}", **HERE, **variables)
    return list(one["from"])


def test_the_former_host_is_let_in_until_the_new_one_is_proved() -> None:
    came, goes = (f'hostssl "prosody" "prosody" {address}/32 scram-sha-256' for address in ("192.0.2.8", "192.0.2.7"))
    assert lines() == [came]
    assert lines(__xmpp_former=["old"]) == [came, goes]
    # a firewall that let it in does so until the end of the run, and what it is closed to then is known by now
    assert opened() == opened(__xmpp_former=["old"]) == ["192.0.2.8"]


def test_where_it_came_through_the_socket_it_still_does() -> None:
    local = 'local "prosody" "prosody" peer map=xmpp'
    assert local not in lines()
    assert local in lines(__xmpp_former=["one"])
    names = render("postgresql", "pg_ident.conf.j2", **HERE, __xmpp_former=["one"])
    assert 'xmpp "prosody" "prosody"' in " ".join(names.split())
