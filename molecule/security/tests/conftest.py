# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guarded host, as it is seen from this machine and from a neighbour."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import testinfra
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import address_of
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client

HOST, NEIGHBOUR = "xmpp-security", "xmpp-security-neighbour"
DOMAIN = "guarded.localhost"
PASSWORDS = {"alice": "walks-by-the-sea", "bob": "reads-in-the-tree"}
# one line from a server of XMPP, or why there is none
GREETING = f"""
import socket, sys
try:
    with socket.create_connection((sys.argv[1], 5222), 5) as it:
        it.sendall(b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
                   b"to='{DOMAIN}' version='1.0'>")
        text = b""
        while b"</stream:features>" not in text:
            text += it.recv(4096) or sys.exit("closed")
    print("served")
except OSError as error:
    print(error)
"""


@pytest.fixture(scope="session")
def guarded() -> Any:
    """The host."""
    return testinfra.get_host(f"docker://{HOST}")


@pytest.fixture(scope="session")
def address() -> str:
    """Its address."""
    return address_of(HOST)


@pytest.fixture(scope="session")
def gateway(address: str) -> str:
    """The address from which this machine comes, as the host sees it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))
        return str(probe.getsockname()[0])


@pytest.fixture(scope="session")
def neighbour(address: str) -> Callable[[], str]:
    """Ask from the neighbour whether the host serves; out: "served", or what went wrong."""

    def ask() -> str:
        command = ["docker", "exec", NEIGHBOUR, "python3", "-c", GREETING, address]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.strip()

    return ask


def reached(address: str, port: int) -> bool:
    """Whether a connection is accepted from here."""
    try:
        with socket.create_connection((address, port), 3):
            return True
    except OSError:
        return False


def waits_until(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether it holds within so many seconds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.3)
    return True


def client(address: str, name: str) -> Client:
    """A real client, to be entered."""
    return Client(f"{name}@{DOMAIN}", PASSWORDS[name], address)


def banned(guarded: Any) -> list[str]:
    """Addresses that are kept out now."""
    listed = json.loads(guarded.check_output("nft --json list set inet xmpp banned4"))["nftables"]
    elements = next(entry["set"] for entry in listed if "set" in entry).get("elem", [])
    return [element["elem"]["val"] for element in elements]


@pytest.fixture
def talking(address: str) -> Iterator[Callable[[], bool]]:
    """Two people who are connected before something happens; out: whether they still reach each other."""
    with client(address, "alice") as alice, client(address, "bob") as bob:
        said = iter(range(1000))

        def talk() -> bool:
            words = f"line {next(said)}"
            alice.say(bob.stream, words)
            return bool(bob.hears(words)) and not alice.ended and not bob.ended

        # that they are slow to begin on a busy machine is not what the tests ask
        assert waits_until(talk, 40), f"no line came before anything happened; ended: {alice.ended}, {bob.ended}"
        yield talk


@pytest.fixture
def let_go(guarded: Any, gateway: str) -> Iterator[None]:
    """Nobody is kept out at the end."""
    yield
    with contextlib.suppress(AssertionError):
        guarded.check_output(f"fail2ban-client set xmpp-prosody unbanip {gateway}")
