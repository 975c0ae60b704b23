# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Prosody looks for its database: at what the facts of hosts name, not at how Ansible reaches them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.tests.unit.test_role_templates import templated


def host(four: list[str], six: list[str], **more: Any) -> dict[str, Any]:
    return {"ansible_facts": {"all_ipv4_addresses": four, "all_ipv6_addresses": six}, **more}


@pytest.mark.parametrize(
    ("database", "here", "wanted"),
    [
        # ansible_host is an alias of ~/.ssh/config, which no other program knows
        (host(["192.0.2.8"], [], ansible_host="my-db"), host(["192.0.2.7"], []), "192.0.2.8"),
        (host([], ["2001:db8::8"]), host([], ["2001:db8::7"]), "2001:db8::8"),
        (host(["192.0.2.8"], ["2001:db8::8"]), host([], ["2001:db8::7"]), "2001:db8::8"),
        (host(["192.0.2.8"], ["2001:db8::8"]), host(["192.0.2.7"], ["2001:db8::7"]), "192.0.2.8"),
        # in containers, which nobody reaches where they are
        (host(["10.1.0.2"], [], containers_database_address="192.0.2.8"), host(["192.0.2.7"], []), "192.0.2.8"),
    ],
)
def test_the_address_of_a_family_that_both_have(database: dict[str, Any], here: dict[str, Any], wanted: str) -> None:
    variables = {
        "groups": {"postgresql": ["db"]},
        "group_names": ["prosody"],
        "hostvars": {"db": database, "one": here},
    }
    assert templated("prosody", "{{ prosody_database_host }}", **variables) == wanted


def test_on_the_same_host_it_is_the_socket_and_without_one_there_is_none() -> None:
    there = {"groups": {"postgresql": ["one"]}, "group_names": ["prosody", "postgresql"], "hostvars": {"one": {}}}
    assert templated("prosody", "{{ prosody_database_host }}", **there) == "/run/postgresql"
    assert templated("prosody", "{{ prosody_database_host }}", groups={}, group_names=["prosody"]) == ""
