# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS of each port, looked at from outside as whoever reviews a server does."""

from __future__ import annotations

import os
import socket
import ssl
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import address_of
from ansible_collections.allthingslinux.xmpp.tests.scenario.tls_scan import findings, weaknesses
from ansible_collections.allthingslinux.xmpp.tests.scenario.trust import everybody

CONTAINER, DOMAIN = os.environ["XMPP_E2E_CONTAINER"], os.environ["XMPP_E2E_DOMAIN"]
AUTHORITY = Path(os.environ["XMPP_E2E_SECRETS"]) / "ca/ca.pem"


@pytest.mark.parametrize(
    ("ports", "name", "starttls"),
    [
        ([5223, 5270, 5281], DOMAIN, ""),
        ([5222], DOMAIN, "xmpp"),
        ([5269], DOMAIN, "xmpp_server"),
    ],
    ids=["direct", "clients", "servers"],
)
def test_nothing_is_found(ports, name, starttls):
    found = findings(address_of(CONTAINER), ports, name, AUTHORITY, starttls)
    assert found == {port: [] for port in ports}


def test_nothing_is_found_in_that_of_the_turn_server():
    suites, weak = weaknesses(address_of(CONTAINER), 5349, f"turn.{DOMAIN}")
    assert weak == []
    assert suites
    assert {suite for suite in suites if "ECDHE" not in suite or "CBC" in suite} == set()


def test_the_turn_server_takes_no_old_tls():
    """In place of sslyze, to which coturn answers nothing for so long that it takes minutes."""
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        old = everybody()
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = old.maximum_version = version
        connection = socket.create_connection((address_of(CONTAINER), 5349), 3)
        with connection, pytest.raises(OSError, match=r"timed out|alert|unsupported"):
            old.wrap_socket(connection, server_hostname=f"turn.{DOMAIN}")


def test_what_is_wrong_would_be_found():
    """To somebody who does not know the authority, the certificate leads nowhere."""
    [told] = findings(address_of(CONTAINER), [5223], DOMAIN, None)[5223]
    assert told.startswith("certificate_path_validation")
