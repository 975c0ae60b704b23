# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls are relayed by a coturn that has the network of the Docker host, and go nowhere else in it."""

from __future__ import annotations

import asyncio

import pytest
from aioice import stun
from ansible_collections.allthingslinux.xmpp.tests.scenario.relay import relay
from conftest import ADDRESS, TURN_ADDRESS, docker, is_open, seen


def test_coturn_is_in_the_network_of_the_docker_host_and_in_nothing_else_of_it() -> None:
    host = seen("coturn")["HostConfig"]
    assert host["NetworkMode"] == "host"
    # where the keeper finds it
    assert host["PidMode"] == f"container:{seen('network')['Id']}"
    assert not host["PortBindings"]
    assert not is_open(3478)
    assert not is_open(3478, "127.0.0.1")
    before = docker("exec", "xmpp-containers-keeper", "systemctl", "show", "--property=MainPID", "--value", "coturn")
    docker("exec", "xmpp-containers-keeper", "systemctl", "reload", "coturn")
    assert is_open(3478, TURN_ADDRESS)
    assert seen("coturn")["State"]["Running"]
    assert int(before) > 0


def test_two_who_cannot_reach_one_another_meet_at_their_relays() -> None:
    async def scene() -> None:
        async with relay(TURN_ADDRESS) as one, relay(TURN_ADDRESS) as other:
            for each in (one, other):
                address, port = each.relayed_address
                assert address == TURN_ADDRESS
                assert 42200 <= port <= 42300
            # who lets somebody in hears him from then on, so the first words may be lost
            await other.send_data(b"come in", one.relayed_address)
            await one.send_data(b"here I am", other.relayed_address)
            assert await asyncio.wait_for(other.receiver.heard.get(), 10) == (b"here I am", one.relayed_address)

    asyncio.run(scene())


@pytest.mark.parametrize("peer", ["127.0.0.1", ADDRESS, "10.213.78.9", "172.17.0.1"])
def test_a_relay_is_no_way_to_the_docker_host_and_its_containers(peer: str) -> None:
    async def scene() -> None:
        async with relay(TURN_ADDRESS) as one:
            await one.channel_bind(0x4000, (TURN_ADDRESS, 9))
            with pytest.raises(stun.TransactionFailed, match="403"):
                await one.channel_bind(0x4001, (peer, 9))

    asyncio.run(scene())
