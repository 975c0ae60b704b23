# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a firewall opens, and whom it would cut off."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.filter import firewall as filters

LISTENER = {"protocol": "tcp", "address": "0.0.0.0", "port": 8080, "process": "python3", "unit": "", "user": "root"}


FILTERS = filters.FilterModule().filters()
opened, foreign, ssh_ports = (FILTERS[name] for name in ("firewall_opened", "firewall_foreign", "firewall_ssh_ports"))


def ports(entries: list[dict[str, Any]]) -> list[str]:
    return [f"{one['ports']}/{one['protocol']}" for one in entries]


def test_each_port_is_opened_once_in_order() -> None:
    roles = [{"port": 5222}, {"ports": "49152-65535", "protocol": "udp"}, {"port": "443", "protocol": "tcp"}]
    found = opened(roles, [{"port": 5222}], ssh=[22])
    assert ports(found) == ["22/tcp", "443/tcp", "5222/tcp", "49152-65535/udp"]
    assert all(one["public"] for one in found)


def test_what_only_some_reach_is_for_them_alone() -> None:
    entry = {"port": 5432, "from": ["192.0.2.7", "2001:db8::1/64", "127.0.0.1"]}
    (found,) = opened([entry])
    assert (found["public"], found["ipv4"], found["ipv6"]) == (False, ["192.0.2.7"], ["2001:db8::/64"])
    (shell,) = opened([], ssh=[22], administrators=["198.51.100.0/24"])
    assert shell["ipv4"] == ["198.51.100.0/24"]


@pytest.mark.parametrize(
    "entry",
    [
        {"port": 9, "from": []},
        {"port": 9, "from": ["::1"]},
        {"port": 9, "address": "127.0.0.1"},
        {"port": 9, "address": "::1"},
    ],
)
def test_what_nobody_else_reaches_needs_no_opening(entry: dict[str, Any]) -> None:
    assert opened([entry]) == []


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"port": 70000}, "firewall_extra[0]: '70000' is no port"),
        ({"ports": "9-8"}, "firewall_extra[0]: '9-8' is no port and no range"),
        ({}, "firewall_extra[0]: '' is no port"),
        ({"port": 1, "protocol": "sctp"}, "firewall_extra[0]: the protocol 'sctp' is neither tcp nor udp"),
        ({"port": 1, "from": ["example.org"]}, "firewall_extra[0]: 'example.org' is no address and no network"),
    ],
)
def test_what_makes_no_sense_is_told_by_its_place(entry: dict[str, Any], words: str) -> None:
    with pytest.raises(AnsibleFilterError) as raised:
        opened([], [entry])
    assert words in str(raised.value)


def test_words_cannot_leave_their_comment() -> None:
    (found,) = opened([], [{"port": 1, "service": 'a" ; accept\n}'}])
    assert found["service"] == "a ; accept}"


def test_who_would_be_cut_off_is_named_until_something_is_said_of_it() -> None:
    (line,) = foreign([LISTENER, {**LISTENER, "address": "::"}], [{"port": 22}])
    assert "port 8080/tcp, at which python3 listens on" in line
    assert "add {port: 8080, protocol: tcp} to firewall_extra" in line
    assert "'8080/tcp' to firewall_closed" in line
    assert foreign([LISTENER], [], ["8080/TCP "]) == []
    assert foreign([LISTENER], opened([], [{"ports": "8000-8090"}])) == []
    assert foreign([LISTENER], opened([], [{"port": 8080, "from": ["192.0.2.1"]}])) == []
    assert len(foreign([LISTENER], opened([], [{"port": 8080, "protocol": "udp"}]))) == 1


def test_ports_that_our_own_services_leave_may_be_closed() -> None:
    prosody = {**LISTENER, "port": 5222, "process": "lua5.4", "unit": "prosody.service", "user": "prosody"}
    web = {**LISTENER, "port": 443, "process": "nginx", "unit": "nginx.service"}
    assert foreign([prosody], []) == []
    # nginx has sites of others, too
    assert len(foreign([web], [])) == 1
    assert len(foreign([web], [], [], ["coturn"])) == 1
    assert foreign([web], [], [], ["proxy"]) == []


@pytest.mark.parametrize(
    "listener",
    [
        {**LISTENER, "address": "127.0.0.53"},
        {**LISTENER, "address": "::1"},
        {**LISTENER, "address": "::ffff:127.0.0.1"},
        {**LISTENER, "protocol": "udp", "port": 68},
        {**LISTENER, "protocol": "udp", "port": 40000},
    ],
)
def test_what_only_the_host_asks_is_nobody_who_is_cut_off(listener: dict[str, Any]) -> None:
    assert foreign([listener], []) == []
    assert len(foreign([{**listener, "address": "0.0.0.0", "port": 1000}], [])) == 1


def test_ssh_is_found_where_it_listens() -> None:
    sshd = {**LISTENER, "process": "sshd", "port": 2222}
    socket = {**LISTENER, "process": "systemd", "unit": "ssh.socket", "port": 22}
    local = {**sshd, "address": "127.0.0.1", "port": 2200}
    assert ssh_ports([sshd, socket, local, LISTENER]) == [22, 2222]
