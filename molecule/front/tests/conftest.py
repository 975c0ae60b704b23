# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of the scenario, and who lives on them."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import Account
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import address_of
from ansible_collections.allthingslinux.xmpp.tests.scenario.proxied import Proxied

FRONT = "xmpp-front-door"


@dataclass(frozen=True)
class House:
    """A host of Prosody as it is met through the front, who has an account there, and the host that is not it."""

    service: Proxied
    account: Account
    other: Proxied

    @property
    def address(self) -> str:
        """Of the front."""
        return self.service.address


def houses() -> list[House]:
    """One with alice and two with bob."""
    front = address_of(FRONT)
    one, two = (Proxied(f"xmpp-front-{name}", f"{name}.localhost", front) for name in ("one", "two"))
    return [
        House(one, Account("alice@one.localhost", "walks-by-the-sea"), two),
        House(two, Account("bob@two.localhost", "reads-in-the-tree"), one),
    ]


@pytest.fixture(scope="session", params=[0, 1], ids=["one", "two"])
def house(request) -> House:
    """Each of the two in turn."""
    return houses()[request.param]


@pytest.fixture(scope="session")
def two_houses() -> list[House]:
    """Both."""
    return houses()


@pytest.fixture(scope="session")
def gateway() -> str:
    """The address from which this machine comes, as the front sees it."""
    with socket.create_connection((address_of(FRONT), 443), 5) as connection:
        return str(connection.getsockname()[0])


@pytest.fixture(scope="session")
def door() -> Proxied:
    """The front, to run programs there."""
    return Proxied(FRONT, "one.localhost", address_of(FRONT))
