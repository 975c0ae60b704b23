# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host with the service, the one with the ACME server, and what the ports of the former serve."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import testinfra
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import Certificate
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import read_served
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client

DOMAIN = "acme.example"
# every port with TLS: its name, and how TLS begins there
PORTS = [
    (5222, DOMAIN, {"starttls": "xmpp-client"}),
    (5223, DOMAIN, {"direct": "xmpp-client"}),
    (5269, DOMAIN, {"starttls": "xmpp-server"}),
    (5269, f"muc.{DOMAIN}", {"starttls": "xmpp-server"}),
    (443, DOMAIN, {}),
    (443, DOMAIN, {"direct": "xmpp-client"}),
    (443, f"muc.{DOMAIN}", {"direct": "xmpp-server"}),
    (5349, f"turn.{DOMAIN}", {}),
]


def machine(name: str):
    return testinfra.get_host(f"ansible://{name}?ansible_inventory={os.environ['MOLECULE_INVENTORY_FILE']}")


@pytest.fixture(scope="session")
def service():
    """The host with the service. Figures are collected there as where role monitoring is."""
    host = machine("xmpp-acme")
    host.check_output("mkdir -p /var/lib/xmpp-monitoring")
    return host


@pytest.fixture(scope="session")
def authority():
    return machine("xmpp-acme-authority")


@pytest.fixture(scope="session")
def address(service) -> str:
    return str(service.interface("eth0").addresses[0])


@pytest.fixture
def serves(address):
    """A function: (port, name, way) → the certificate that is served there, seen from outside."""

    def look() -> dict[tuple[int, str, str], Certificate]:
        return {
            (port, name, "".join(way.values())): read_served(address, port, sni=name, timeout=10, **way).certificate
            for port, name, way in PORTS
        }

    return look


@pytest.fixture
def newest(service):
    """A function from the name of a certificate to the fingerprint of what lies on the host."""

    def look(name: str) -> str:
        said = service.check_output(
            "openssl x509 -in /etc/xmpp/certificates/%s/fullchain.pem -noout -fingerprint -sha256", name
        )
        return str(said.partition("=")[2].replace(":", "").lower())

    return look


@pytest.fixture
def figures(service):
    """A function from a metric, with its labels, to its value as the node exporter would read it."""

    def look() -> dict[str, float]:
        lines = service.check_output("cat /var/lib/xmpp-monitoring/acme.prom").splitlines()
        pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
        return {name: float(value) for name, value in pairs}

    return look


@pytest.fixture
def alice(address) -> Iterator[Client]:
    """Somebody who is connected all the time, and never to be dropped."""
    with Client(f"alice@{DOMAIN}", "walks-by-the-sea", address) as client:
        yield client
        client.say(f"alice@{DOMAIN}", "still here")
        assert client.hears("still here")
        assert client.ended == 0
