# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who guesses passwords of servers elsewhere is kept out where his connections end, and others are not. Comes last: it
bans the address of this machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.tests.scenario.exposure import exposure
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from test_front import refused
from test_haproxy import WAYS, is_served, ping, signed_in

LIST = "/var/lib/xmpp-bans/haproxy.lst"
FEED = "/refused_sign_ins"
# molecule.yml
BAN_AFTER = 9
ELSEWHERE = """python3 - <<'PYTHON'
import socket
with socket.create_connection(("{address}", 5222), 5) as it:
    it.sendall(b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
               b"to='{domain}' version='1.0'>")
    said = b""
    while b"</stream:features>" not in said:
        more = it.recv(4096)
        if not more:
            break
        said += more
print("served" if b"</stream:features>" in said else "closed")
PYTHON
"""
# place, domain, headers
ASK = """python3 - <<'PYTHON'
import http.client, socket, ssl
context = ssl._create_unverified_context()
connection = http.client.HTTPSConnection("{1}", 5281, context=context)
connection.sock = context.wrap_socket(socket.create_connection(("{0}", 5281), 5), server_hostname="{1}")
connection.request("GET", "/refused_sign_ins", headers={2})
answer = connection.getresponse()
print(answer.status, answer.read().decode())
PYTHON
"""


def banned(door) -> list[str]:
    return door.shell(f"cat {LIST}").split()


def guess_until_banned(houses, holds) -> None:
    """Of both servers and at both ports, so that neither alone has seen enough."""
    for number in range(BAN_AFTER):
        house = houses[number % 2]
        refused(house.service, house.account, 443 if number % 4 > 1 else 5222)
    # the first two of a stream are told after five seconds
    wait_until(holds, 30, 0.3)


@pytest.fixture
def let_go(door, gateway) -> Iterator[None]:
    """Nobody is kept out at the end."""
    yield
    for jail in ("xmpp-haproxy", "xmpp-prosody"):
        door.shell(f"fail2ban-client set {jail} unbanip {gateway} || true")


def test_servers_tell_the_proxy_and_nobody_else(two_houses, door, gateway):
    one, two = two_houses
    asked = (one.service.container, one.account.domain)
    status, told = door.shell(ASK.format(*asked, {})).split(" ", 1)
    assert status == "200"
    assert set(json.loads(told)) == {"run", "last", "addresses"}
    # as if it were handed on for somebody
    assert door.shell(ASK.format(*asked, {"X-Forwarded-For": "192.0.2.1"})).startswith("404 ")
    assert two.service.shell(ASK.format(*asked, {})).startswith("404 ")
    assert gateway not in one.service.ask(FEED).body.decode("utf-8", "replace")


def test_who_asks_them_has_no_rights(door):
    assert exposure(door.shell, "xmpp-refusals") < 2.0
    assert exposure(door.shell, "fail2ban") < 2.0
    said = door.shell("journalctl --unit xmpp-refusals --output cat").splitlines()
    # one that did not run yet is said to be silent, and then that it tells again
    for place in ("xmpp-front-one", "xmpp-front-two"):
        last = next((line for line in reversed(said) if line.startswith(f"{place} ")), f"{place} tells")
        assert last.startswith(f"{place} tells"), last


def test_a_guesser_is_kept_out_by_haproxy_and_others_are_not(two_houses, door, gateway, let_go):
    one, two = two_houses
    elsewhere = ELSEWHERE.format(address=door.address, domain=one.account.domain)

    async def others_go_on() -> None:
        async with signed_in(one, 443) as first, signed_in(two, 5222) as second:
            await asyncio.to_thread(guess_until_banned, two_houses, lambda: banned(door) == [gateway])
            for house in two_houses:
                for way in WAYS:
                    assert not await asyncio.to_thread(is_served, house, way), way
            # people behind the same address, and somebody elsewhere
            await ping(first, one)
            await ping(second, two)
            assert await asyncio.to_thread(two.service.shell, elsewhere) == "served\n"
            # what is only in the one that runs would be forgotten
            await asyncio.to_thread(door.shell, "systemctl reload haproxy")
            for _again in range(5):
                assert not await asyncio.to_thread(is_served, one, "5222")
            await ping(first, one)
            await ping(second, two)
        await asyncio.to_thread(door.shell, "systemctl restart haproxy")

    asyncio.run(others_go_on())
    wait_until(
        lambda: two.service.shell(ELSEWHERE.format(address=door.address, domain=one.account.domain)) == "served\n", 20
    )
    assert not is_served(one, "5222")
    # released
    door.shell(f"fail2ban-client set xmpp-haproxy unbanip {gateway}")
    wait_until(lambda: all(is_served(house, way) for house in two_houses for way in WAYS), 20)
    assert banned(door) == []


def test_what_is_over_meanwhile_is_forgotten_at_the_start(door, two_houses):
    door.shell(f"systemctl kill --signal KILL fail2ban; echo 192.0.2.99 >>{LIST}; systemctl reload haproxy")
    door.shell("systemctl restart fail2ban")
    wait_until(lambda: banned(door) == [], 20)
    assert "192.0.2.99" not in door.shell(
        "python3 -c \"import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/haproxy/xmpp-bans.sock'); "
        f"s.sendall(b'show acl {LIST}\\n'); print(s.recv(65536).decode())\""
    )


def test_in_group_firewall_the_kernel_does_it_for_browsers_too(two_houses, door, gateway, let_go, tmp_path: Path):
    one, _two = two_houses
    closed = tmp_path / "closed.yml"
    closed.write_text(json.dumps({"firewall": {"hosts": {door.container: {}}}}), encoding="utf-8")
    some = ("site", "--tags", "proxy,firewall")
    try:
        playbook(*some, "-i", str(closed)).assert_ok()
        assert door.shell(f"ls {LIST} 2>&1 || true").count("No such file") == 1
        assert "xmpp-haproxy" not in door.shell("fail2ban-client status")
        guess_until_banned(two_houses, lambda: gateway in door.shell("nft list set inet xmpp banned4"))
        assert not _answers(one)
        door.shell(f"fail2ban-client set xmpp-prosody unbanip {gateway}")
        wait_until(lambda: _answers(one), 20)
        playbook(*some, "-i", str(closed)).assert_unchanged()
    finally:
        door.shell(f"fail2ban-client set xmpp-prosody unbanip {gateway} || true")
        playbook(*some).assert_ok()
    assert "xmpp-haproxy" in door.shell("fail2ban-client status")
    # Docker's own are there
    assert "inet xmpp" not in door.shell("nft list tables")


def _answers(house) -> bool:
    with contextlib.suppress(OSError, XmppError):
        return house.service.ask("/.well-known/host-meta").status == 200
    return False
