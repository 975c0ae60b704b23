# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""haproxy between the front and its servers: one that hangs is left out, one that is mended is drained first."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator
from xml.etree import ElementTree as ET

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import Client
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import covers
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import TlsProbeError, read_served
from ansible_collections.allthingslinux.xmpp.tests.scenario.exposure import exposure
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT, playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.promql import metric_names
from ansible_collections.allthingslinux.xmpp.tests.scenario.trust import everybody
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until

# every 5 s, again after 1 s, each for 3 s at most (haproxy.cfg.j2)
CHECKED_WITHIN = 5 + 3 + 1 + 3
PANELS = ROOT / "roles/monitoring/files/panels/xmpp.yml"
WAYS = {"443": {"port": 443, "direct": "xmpp-client"}, "5222": {"port": 5222, "starttls": "xmpp-client"}}


def is_served(house, way: str, timeout: float = 5) -> bool:
    """Whether a client gets so far as to sign in. Raises AssertionError where it has to wait for nothing."""
    began = time.monotonic()
    try:
        read_served(house.address, **WAYS[way], sni=house.account.domain, to=house.account.domain, timeout=timeout)
        return True
    except TlsProbeError:
        assert time.monotonic() - began < timeout - 0.5, "nobody said that there is nothing"
        return False


def is_up(door, house) -> bool:
    """Whether haproxy hands clients to a server."""
    ask = "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/haproxy/xmpp.sock'); "
    ask += "s.sendall(b'show stat\\n'); print(b''.join(iter(lambda: s.recv(65536), b'')).decode())"
    rows = door.shell(f'python3 -c "{ask}"').splitlines()
    name = house.service.container
    [check] = [row.split(",") for row in rows if row.startswith("xmpp_check_") and f",{name}," in row]
    return check[17].startswith("UP")


@contextlib.asynccontextmanager
async def signed_in(house, port: int) -> AsyncIterator[Client]:
    client = Client(house.account, everybody(), 60)
    try:
        await client.sign_in(house.address, port, port == 443)
        yield client
    finally:
        await client.close()


async def ping(client: Client, house) -> None:
    await client.query(house.account.domain, ET.Element("{urn:xmpp:ping}ping"))


@contextlib.contextmanager
def hanging(house) -> Iterator[None]:
    """A Prosody whose port still takes connections."""
    house.service.shell("systemctl kill --signal STOP prosody")
    try:
        yield
    finally:
        house.service.shell("systemctl kill --signal CONT prosody")


@pytest.mark.parametrize(("service", "port"), [("xmpp-client", 5222), ("xmpp-server", 5269)])
def test_streams_that_upgrade_to_tls_get_to_their_server(house, service, port):
    served = read_served(house.address, port, sni=house.account.domain, starttls=service, to=house.account.domain)
    assert covers(served.certificate, house.account.domain)
    assert not covers(served.certificate, house.other.domain)


def test_rooms_of_a_server_are_found_by_other_servers(house):
    name = f"muc.{house.account.domain}"
    served = read_served(house.address, 5269, sni=name, starttls="xmpp-server", to=name)
    assert covers(served.certificate, name)


@pytest.mark.parametrize("port", [443, 5222])
def test_fifty_sign_in_at_once(house, port):
    async def crowd() -> None:
        async with contextlib.AsyncExitStack() as stack:
            clients = await asyncio.gather(
                *(stack.enter_async_context(signed_in(house, port)) for _person in range(50))
            )
            await asyncio.gather(*(ping(client, house) for client in clients))

    asyncio.run(crowd())


def processes(door) -> dict[str, str]:
    """Out: the users of haproxy's processes by their numbers."""
    return dict(line.split() for line in door.shell("ps -o pid= -o user= -C haproxy").splitlines())


def test_it_gives_up_what_it_does_not_need(door):
    """As packaged it has 9.6, and its first process is root's."""
    assert exposure(door.shell, "haproxy") < 2.0
    assert set(processes(door).values()) == {"haproxy"}
    pid = door.shell("systemctl show -P MainPID haproxy").strip()
    # that it may change into its directory is all that is left
    assert door.shell(f"sed -n 's/^CapBnd:.//p' /proc/{pid}/status").strip() == f"{1 << 18:016x}"


def test_it_is_reloaded_in_place(house, door):
    """Streams stay with the old process until they end, and who comes then is served by the new one."""
    before = processes(door)

    async def held() -> None:
        async with signed_in(house, 5222) as client:
            await asyncio.to_thread(door.shell, "systemctl reload haproxy")
            assert await asyncio.to_thread(is_served, house, "5222")
            await ping(client, house)

    asyncio.run(held())
    first = door.shell("systemctl show -P MainPID haproxy").strip()
    assert first in before
    assert set(processes(door)) - set(before)


def test_frontends_of_others_in_the_same_haproxy_are_not_shut_in(door):
    """Such as one with a key that is root's, which haproxy can read as packaged alone."""
    path = "/etc/haproxy/haproxy.cfg"
    door.shell(f"cp -p {path} /root/haproxy.before; printf 'frontend other\n  bind 127.0.0.1:8181\n' >>{path}")
    try:
        told = playbook("site", "--tags", "proxy", "--check", "--diff").assert_ok().output
        assert "-User=haproxy" in told
    finally:
        door.shell(f"mv /root/haproxy.before {path}")


def test_one_that_hangs_is_left_out_and_taken_back(two_houses, door):
    """Whoever comes is told at once, and the clients of the other one notice nothing."""
    one, two = two_houses
    with hanging(one):
        began = time.monotonic()
        wait_until(lambda: not is_up(door, one), CHECKED_WITHIN + 2, 0.1)
        took = time.monotonic() - began
        assert not any(is_served(one, way) for way in WAYS)
        assert one.service.ask("/.well-known/host-meta").status == 502
        assert all(is_served(two, way) for way in WAYS)
    # it logs from its empty directory, over the one socket in there
    assert "<NOSRV>" in door.shell("journalctl --unit haproxy --since=-90s --output cat")
    began = time.monotonic()
    wait_until(lambda: is_up(door, one), CHECKED_WITHIN, 0.1)
    back = time.monotonic() - began
    assert all(is_served(one, way) for way in WAYS)
    print(f"left out after {took:.1f} s, taken back after {back:.1f} s")


def drain(house, *more: str) -> str:
    return playbook("drain", "-e", f"xmpp_drain_host={house.service.container}", *more).assert_ok().output


def test_one_is_drained_before_a_maintenance(two_houses, door):
    one, two = two_houses

    async def drained() -> None:
        async with signed_in(one, 443) as first, signed_in(one, 5222) as second:
            said = await asyncio.to_thread(drain, one)
            assert f"{one.service.container} is handed nobody new by {door.container}" in said
            for way in WAYS:
                assert not await asyncio.to_thread(is_served, one, way), way
            assert await asyncio.to_thread(is_served, two, "443")
            for client in (first, second):
                await ping(client, one)

    asyncio.run(drained())
    # also by one that starts anew
    door.shell("systemctl restart haproxy")
    wait_until(lambda: is_up(door, one), CHECKED_WITHIN)
    assert not any(is_served(one, way) for way in WAYS)
    assert one.service.ask("/.well-known/host-meta").status == 502
    drain(one, "-e", "xmpp_drain_end=true")
    assert all(is_served(one, way) for way in WAYS)


def test_a_host_that_is_none_of_them_is_refused():
    run = playbook("drain", "-e", "xmpp_drain_host=xmpp-front-on")
    assert run.code != 0
    assert "xmpp-front-on is no host of Prosody. Known: xmpp-front-one, xmpp-front-two" in run.output


FILES = "sha256sum /etc/haproxy/xmpp/* /etc/systemd/system/haproxy.service.d/xmpp.conf /etc/nginx/conf.d/xmpp*.conf"


def test_a_change_that_haproxy_cannot_take_over_is_undone_and_streams_stay(two_houses, door):
    """A port that nginx has: haproxy -c and systemd call it well."""
    one, _two = two_houses
    before = door.shell(FILES)
    inner = {"c2s": "127.0.0.1:8448", "s2s": "127.0.0.1:8449", "https": "127.0.0.1:80"}

    async def held() -> str:
        async with signed_in(one, 5222) as client:
            planted = json.dumps({"__proxy_balanced": inner})
            run = await asyncio.to_thread(playbook, "site", "--tags", "proxy", "-e", planted)
            await ping(client, one)
        assert run.code != 0
        return run.output

    said = asyncio.run(held())
    assert "haproxy did not take over the new configuration and goes on with the one before" in said
    assert "The files are as they were before" in said
    assert door.shell(FILES) == before
    assert all(is_served(one, way) for way in WAYS)


def test_metrics_are_for_nobody_else(house, door):
    asked = "import urllib.request; print(urllib.request.urlopen('http://{}:8405/metrics', timeout=5).read().decode())"
    told = door.shell(f'python3 -c "{asked.format("127.0.0.1")}"')
    # a page of the pictures is about these, and a name that is not there would be an empty curve
    page = next(page for page in yaml.safe_load(PANELS.read_text()) if page["name"] == "haproxy")
    wanted = set().union(*(metric_names(query["expr"]) for panel in page["panels"] for query in panel["queries"]))
    assert len(wanted) > 8
    assert {name for name in wanted - {"xmpp_service_memory_bytes"} if f"{name}{{" not in told} == set()
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(asyncio.open_connection(house.address, 8405))
