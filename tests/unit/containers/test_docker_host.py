# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker host in whose network coturn is: where it goes out, and who has its ports."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.filter.docker_host import FilterModule
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import docker_host

FILTERS = FilterModule().filters()
docker_host_network, docker_host_published = FILTERS["docker_host_network"], FILTERS["docker_host_published"]
docker_host_taken = FILTERS["docker_host_taken"]
FOUR = [{"dst": "8.8.8.8", "dev": "eth0", "prefsrc": "192.0.2.2"}]
SIX = [{"dst": "2001:db8:9::9", "dev": "eth0", "prefsrc": "2001:db8::2"}]
EVERY = [
    {"ifname": "lo", "addr_info": [{"family": "inet", "local": "127.0.0.1"}, {"family": "inet6", "local": "::1"}]},
    {"ifname": "eth0", "addr_info": [{"local": "192.0.2.2"}, {"local": "192.0.2.3"}, {"local": "2001:db8::2"}]},
    {},
]
OWNER = {"unit": "", "user": "root"}
WANTED: dict[str, Any] = {
    "ports": ["3478/udp", "3478/tcp", "5349/tcp"],
    "relays": [49152, 65535],
    "addresses": ["192.0.2.2", "2001:db8::2"],
    "by_chance": [32768, 60999],
    "name": "xmpp-chat",
}


def test_what_is_published_is_written_as_the_role_writes_it() -> None:
    bindings = {
        "443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8443"}],
        "443/udp": [{"HostIp": "", "HostPort": "443"}],
        "5222/tcp": [{"HostIp": "::1", "HostPort": "5222"}],
        "5269/tcp": None,
    }
    assert docker_host_published(bindings) == ["127.0.0.1:8443:443", "0.0.0.0:443:443/udp", "[::1]:5222:5222"]


def lines(four: Any = None, six: Any = None) -> list[str]:
    """Out: what is asked of the host, as it is answered."""
    routes = [FOUR if four is None else four, SIX if six is None else six]
    return [json.dumps(one) for one in (*routes, EVERY, 1024, [32768, 60999])]


def listener(port: int, protocol: str = "udp", address: str = "0.0.0.0", **more: Any) -> dict[str, Any]:
    """Out: one as module listeners_info tells of it."""
    return {"port": port, "protocol": protocol, "address": address, "process": "x", "pid": 9, **OWNER, **more}


def container(port: int, kind: str = "udp", address: str = "0.0.0.0", host: str = "") -> dict[str, Any]:
    """Out: one that publishes a port, as the engine tells of it."""
    labels = {"Labels": {docker_host.LABEL: host}} if host else {"Labels": None}
    ports = [{"IP": address, "PrivatePort": 1, "PublicPort": port, "Type": kind}, {"PrivatePort": 80, "Type": "tcp"}]
    return {"Names": ["/some"], "Ports": ports, **labels}


@pytest.mark.parametrize(
    ("address", "four", "six", "found"),
    [
        ("0.0.0.0", FOUR, SIX, ("192.0.2.2", "2001:db8::2")),
        ("::", FOUR, SIX, ("192.0.2.2", "2001:db8::2")),
        ("", FOUR, [], ("192.0.2.2", None)),
        ("", [{}], SIX, (None, "2001:db8::2")),
        # what is published at one address alone is reached there alone
        ("192.0.2.3", FOUR, SIX, ("192.0.2.3", None)),
        ("2001:db8::3", FOUR, SIX, (None, "2001:db8::3")),
    ],
)
def test_coturn_is_where_the_docker_host_goes_out_or_publishes(
    address: str, four: Any, six: Any, found: tuple[str | None, str | None]
) -> None:
    seen = docker_host_network(lines(four, six), address)
    facts = seen["facts"]
    assert (facts["default_ipv4"].get("address"), facts["default_ipv6"].get("address")) == found
    assert facts["all_ipv4_addresses"] == ["127.0.0.1", "192.0.2.2", "192.0.2.3"]
    assert facts["all_ipv6_addresses"] == ["::1", "2001:db8::2"]
    assert (seen["low"], seen["by_chance"]) == (1024, [32768, 60999])


def test_addresses_that_are_yet_to_come_make_none_wrong() -> None:
    facts = docker_host_network(lines(), has_all=False)["facts"]
    assert (facts["all_ipv4_addresses"], facts["all_ipv6_addresses"]) == ([], [])
    assert facts["default_ipv4"] == {"address": "192.0.2.2"}


@pytest.mark.parametrize(
    ("listeners", "containers", "more", "found"),
    [
        ([], [], {}, []),
        ([listener(3478)], [], {}, [("3478/udp", False, "x (pid 9)")]),
        ([listener(5349, "tcp", unit="x.service")], [], {}, [("5349/tcp", False, "x (pid 9 of x.service)")]),
        ([listener(3478, pid=0, process="")], [], {}, [("3478/udp", False, "a process of user root that cannot")]),
        ([listener(5349, "udp"), listener(3479)], [], {}, []),
        # at an address where coturn does not listen
        ([listener(3478, address="127.0.0.1")], [container(3478, address="127.0.0.1")], {}, []),
        ([listener(3478, address="::")], [], {}, [("3478/udp", False, "x (pid 9)")]),
        # our own
        ([listener(3478, process="turnserver", pid=12)], [], {"pid": 12}, []),
        ([listener(3478, process="turnserver", pid=11)], [], {"pid": 12}, [("3478/udp", False, "turnserver (pid 11)")]),
        ([listener(3478, process="docker-proxy")], [container(3478, host="xmpp-chat")], {}, []),
        ([listener(3478, process="", pid=0, user="turnserver")], [], {"pid": 12}, []),
        (
            [listener(3478, process="", pid=0, user="turnserver")],
            [],
            {},
            [("3478/udp", False, "a process of user turnserver that cannot")],
        ),
        ([listener(3478, process="", pid=0)], [container(3478, host="xmpp-chat")], {"pid": 12}, []),
        # of another deployment, which has a process or has none
        (
            [listener(3478, process="docker-proxy")],
            [container(3478, host="xmpp-other")],
            {},
            [("3478/udp", False, "container some, which publishes it")],
        ),
        ([], [container(3478)], {}, [("3478/udp", False, "container some, which publishes it")]),
        # what leaves with the move
        ([listener(3478, process="turnserver")], [container(3478, "tcp", host="xmpp-old")], {"moves": True}, []),
        ([listener(3478)], [], {"moves": True}, [("3478/udp", False, "x (pid 9)")]),
        # of relays: what somebody chose, not what the system gave
        ([listener(61000)], [], {}, [("61000/udp", True, "x (pid 9)")]),
        ([listener(60999), listener(61000, "tcp"), listener(49151)], [], {}, []),
        ([listener(50000)], [], {"by_chance": [32768, 49999]}, [("50000/udp", True, "x (pid 9)")]),
        ([], [container(50000)], {}, [("50000/udp", True, "container some, which publishes it")]),
        ([], [container(50000, "tcp"), container(40000)], {}, []),
    ],
)
def test_who_has_a_port_that_coturn_is_to_have_is_named(
    listeners: Any, containers: Any, more: dict[str, Any], found: list[tuple[str, bool, str]]
) -> None:
    seen = docker_host_taken(listeners, containers, **{**WANTED, **more})
    assert [(one["port"], one["relay"], one["who"][:34]) for one in seen] == [(p, r, who[:34]) for p, r, who in found]


def test_each_is_named_once() -> None:
    both = [listener(3478, address="0.0.0.0"), listener(3478, address="::")]
    assert len(docker_host_taken(both, [], **WANTED)) == 1
