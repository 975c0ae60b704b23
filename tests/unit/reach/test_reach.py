# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where hosts of an inventory are, whatever their inventory calls them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import reach

FACTS = {"ansible_facts": {"default_ipv4": {"address": "10.0.0.5"}, "default_ipv6": {"address": "2001:db8::5"}}}
KNOWN = {"server.example"}


def at(name: str, host: dict[str, Any], configuration: str = "") -> str:
    return reach.reached_at(name, host, lambda: configuration, KNOWN.__contains__)


@pytest.mark.parametrize(
    ("name", "host", "configuration", "where"),
    [
        ("xmpp1", {"ansible_host": "203.0.113.10", **FACTS}, "hostname 203.0.113.10", "203.0.113.10"),
        ("xmpp1", {"ansible_host": "[2001:db8::1]"}, "hostname 2001:db8::1", "2001:db8::1"),
        ("server.example", {}, "hostname server.example\nport 22", "server.example"),
        # an alias of ~/.ssh/config
        ("xmpp1", {"ansible_host": "box", **FACTS}, "user root\nhostname 203.0.113.9\nport 2222", "203.0.113.9"),
        ("box", FACTS, "hostname server.example", "server.example"),
        # through another host: where the name is known from is not here
        ("box", FACTS, "hostname 10.9.9.9\nproxyjump gate", "10.0.0.5"),
        ("box", FACTS, "hostname 10.9.9.9\nproxycommand ssh -W %h:%p gate", "10.0.0.5"),
        ("box", FACTS, "hostname 203.0.113.9\nproxyjump none", "203.0.113.9"),
        # nothing that resolves, no ssh, a container, nothing at all
        ("box", {"ansible_host": "alias", **FACTS}, "hostname alias", "10.0.0.5"),
        ("box", FACTS, "", "10.0.0.5"),
        ("box", {"ansible_connection": "docker", **FACTS}, "hostname 203.0.113.9", "10.0.0.5"),
        ("box", {"ansible_facts": {"default_ipv6": {"address": "2001:db8::5"}}}, "", "2001:db8::5"),
        ("box", {}, "", "box"),
        # as told
        ("box", {"xmpp_address": "127.0.0.1", **FACTS}, "hostname 203.0.113.9", "127.0.0.1"),
    ],
)
def test_a_host_is_where_it_is_reached(name, host, configuration, where):
    assert at(name, host, configuration) == where


@pytest.mark.parametrize(
    ("host", "command"),
    [
        ({"ansible_host": "203.0.113.10", "ansible_user": "root"}, "ssh root@203.0.113.10"),
        ({"ansible_port": 2222, "ansible_user": "me", "ansible_become": True}, "ssh -p 2222 me@xmpp1 sudo"),
        ({"ansible_port": "2222", "ansible_become": "yes"}, "ssh -p 2222 xmpp1 sudo"),
        ({"ansible_become": False}, "ssh xmpp1"),
        ({"ansible_ssh_private_key_file": "/keys/the key"}, "ssh -i '/keys/the key' xmpp1"),
        ({"ansible_ssh_private_key_file": "~/key"}, f"ssh -i {Path.home()}/key xmpp1"),
        ({"ansible_ssh_common_args": "-F conf -o ProxyJump=gate"}, "ssh -F conf -o ProxyJump=gate xmpp1"),
        ({"ansible_connection": "docker", "ansible_become": True}, "docker exec xmpp1"),
        ({"ansible_connection": "community.docker.docker", "ansible_host": "box"}, "docker exec box"),
        (
            {"ansible_connection": "docker", "ansible_docker_extra_args": "--host=ssh://root@chat"},
            "docker --host=ssh://root@chat exec xmpp1",
        ),
        ({"ansible_connection": "containers.podman.podman"}, "podman exec xmpp1"),
        ({"ansible_connection": "local"}, ""),
        ({"ansible_connection": "local", "ansible_become": True}, "sudo"),
    ],
)
def test_what_an_operator_types_before_a_command(host, command):
    assert reach.shell_command("xmpp1", host) == command


V4, V6 = (
    {"ansible_facts": {name: {"address": address}}}
    for name, address in (("default_ipv4", "10.0.0.6"), ("default_ipv6", "2001:db8::6"))
)


ALONE = {
    "ansible_facts": {
        "default_ipv4": {},
        "all_ipv4_addresses": ["169.254.3.4"],
        "all_ipv6_addresses": ["fe80::1", "2001:db8::7", "fd00::7"],
    }
}


@pytest.mark.parametrize(
    ("hosts", "found"),
    [
        ([FACTS, V6, FACTS], ["10.0.0.5", "2001:db8::5", "2001:db8::6"]),
        ([V4, {}], ["10.0.0.6", "unknown"]),
        # a network of its own, without a default route
        ([ALONE], ["2001:db8::7", "fd00::7"]),
        # from containers as the Docker host, which has an address for the machines around it
        ([{**V4, "xmpp_backend": "container", "xmpp_address": "[2001:db8::9]"}], ["10.0.0.6", "2001:db8::9"]),
        ([{**V4, "xmpp_backend": "container", "xmpp_address": "127.0.0.1"}], ["10.0.0.6"]),
        ([{**V4, "xmpp_backend": "container", "xmpp_address": "chat.example.org"}], ["10.0.0.6"]),
        ([{**V4, "xmpp_address": "192.0.2.7"}], ["10.0.0.6"]),
        ([], []),
    ],
)
def test_hosts_come_from_addresses_of_both_families(hosts, found):
    assert reach.addresses(hosts) == found


@pytest.mark.parametrize(
    ("host", "by", "address"),
    [
        (FACTS, FACTS, "10.0.0.5"),
        (FACTS, V4, "10.0.0.5"),
        (FACTS, V6, "2001:db8::5"),
        (V6, FACTS, "2001:db8::6"),
        (V6, V4, "2001:db8::6"),
        (FACTS, {}, "10.0.0.5"),
        ({}, FACTS, ""),
        ({"ansible_host": "alias", "xmpp_address": "127.0.0.1"}, FACTS, ""),
    ],
)
def test_hosts_see_one_another_by_what_their_facts_say(host, by, address):
    assert reach.seen_at(host, by) == address
