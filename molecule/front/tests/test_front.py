# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two servers behind one address: who comes gets to the right one, with an own certificate and the real address."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import Account, Client, SignInFailed
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import covers
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import read_served
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.proxied import Proxied
from ansible_collections.allthingslinux.xmpp.tests.scenario.trust import everybody


def refused(service: Proxied, account: Account, port: int) -> str:
    """Somebody who has no account tries to sign in; out: who it was, for the log."""
    name = f"{account.name}-{secrets.token_hex(3)}"

    async def fail() -> None:
        client = Client(Account(f"{name}@{account.domain}", "wrong"), everybody(), 20)
        try:
            with pytest.raises(SignInFailed):
                await client.sign_in(service.address, port, port == 443)
        finally:
            await client.close()

    asyncio.run(fail())
    return name


def log(service: Proxied) -> str:
    return service.shell("journalctl -u prosody -o cat --since -2min")


@pytest.mark.parametrize("port", [443, 5222])
def test_clients_get_to_their_server_with_their_address(house, gateway, port):
    """Bans and limits go by it."""
    name = refused(house.service, house.account, port)
    assert re.search(rf"Failed authentication attempt .*{name}.* from IP: {re.escape(gateway)}\b", log(house.service))
    assert name not in log(house.other)


def test_clients_are_served_at_443(house):
    async def served() -> ET.Element:
        client = Client(house.account, everybody(), 20)
        try:
            await client.sign_in(house.address, 443, True)
            return await client.query(house.account.domain, ET.Element("{urn:xmpp:ping}ping"))
        finally:
            await client.close()

    assert asyncio.run(served()).get("type") == "result"


@pytest.mark.parametrize("kind", ["xmpp-client", "xmpp-server"])
def test_each_server_shows_its_own_certificate(house, kind):
    served = read_served(house.address, 443, sni=house.account.domain, direct=kind)
    assert covers(served.certificate, house.account.domain)
    assert not covers(served.certificate, house.other.domain)


def test_rooms_are_found_by_their_name(house):
    """Other servers ask for components by name."""
    served = read_served(house.address, 443, sni=f"muc.{house.account.domain}", direct="xmpp-server")
    assert covers(served.certificate, f"muc.{house.account.domain}")


def test_browsers_get_one_certificate_for_both(house):
    served = read_served(house.address, 443, sni=house.account.domain)
    assert covers(served.certificate, house.account.domain)
    assert covers(served.certificate, house.other.domain)


def test_documents_of_each_domain(house):
    meta = json.loads(house.service.ask("/.well-known/host-meta.json").body)
    assert {link["href"] for link in meta["links"]} == {
        f"wss://{house.account.domain}/xmpp-websocket",
        f"https://{house.account.domain}/http-bind",
    }
    assert house.service.ask("/metrics").status == 404


def test_browsers_are_known_by_their_address(house, gateway):
    house.service.open_bosh(X_Forwarded_For="192.0.2.66")
    seen = house.service.seen_by_bosh()
    assert gateway in seen
    assert "192.0.2.66" not in seen


def test_files_go_up_and_down(house):
    content = secrets.token_bytes(1_000_000)
    path = house.service.stored(house.account, content)
    assert house.service.ask(path).body == content
    assert house.other.ask(path).status == 404


def test_servers_take_the_word_of_the_front_alone(house):
    """Who says by the PROXY protocol where he comes from, and is nobody's proxy, is refused."""
    script = f"""python3 - <<'PYTHON'
import socket
with socket.create_connection(("{house.service.container}", 15223), 5) as connection:
    connection.sendall(b"PROXY TCP4 192.0.2.66 192.0.2.1 5 6\\r\\n")
    try:
        print(len(connection.recv(100)))
    except ConnectionResetError:
        print(0)
PYTHON
"""
    assert house.other.shell(script).strip() == "0"
    assert re.search(r"Refused a connection from .*not among proxy_direct_tls_trusted", log(house.service))


def test_real_clients_find_everything():
    run = playbook("check").assert_ok()
    assert "FAILED" not in run.output
