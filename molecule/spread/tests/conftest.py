# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of the scenario, and the Prometheus that watches them."""

from __future__ import annotations

import os

import pytest
import testinfra
from ansible_collections.allthingslinux.xmpp.tests.scenario.prometheus import Prometheus


@pytest.fixture(scope="session")
def machine():
    """A function from a short name (db, turn, chat, watch) to the host."""
    inventory = os.environ["MOLECULE_INVENTORY_FILE"]
    return lambda name: testinfra.get_host(f"ansible://xmpp-spread-{name}?ansible_inventory={inventory}")


@pytest.fixture(scope="session")
def address(machine):
    """A function from a short name to the host's address on the network of the scenario."""
    return lambda name: machine(name).interface("eth0").addresses[0]


@pytest.fixture(scope="session")
def prometheus(machine):
    return Prometheus(machine("watch"))
