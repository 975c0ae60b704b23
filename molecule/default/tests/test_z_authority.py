# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another authority in three runs: who trusts what he was told to gets in all the time, and nobody is disconnected."""

from __future__ import annotations

import os
import socket
import ssl
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import address_of
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook

CONTAINER, DOMAIN = os.environ["XMPP_E2E_CONTAINER"], os.environ["XMPP_E2E_DOMAIN"]
SECRETS = Path(os.environ["XMPP_E2E_SECRETS"])
AUTHORITY = SECRETS / "ca/ca.pem"
ROTATE = ("rotate", "-e", "xmpp_rotate_only=authority")
PORTS = {5223: DOMAIN, 5349: f"turn.{DOMAIN}"}


def trusted_by(authorities: str) -> dict[int, bool]:
    """Whether somebody who trusts these believes each port."""
    believes = {}
    for port, name in PORTS.items():
        context = ssl.create_default_context(cadata=authorities)
        with socket.create_connection((address_of(CONTAINER), port), 10) as connection:
            try:
                context.wrap_socket(connection, server_hostname=name).close()
                believes[port] = True
            except ssl.SSLCertVerificationError:
                believes[port] = False
    return believes


@pytest.fixture(scope="module")
def first() -> str:
    """The authority that there was."""
    return AUTHORITY.read_text()


@pytest.fixture(scope="module")
def client(first):
    """Somebody who is connected all the time."""
    admin = f"admin@{DOMAIN}"
    with Client(admin, (SECRETS / f"account_{admin}").read_text().strip(), address_of(CONTAINER)) as somebody:
        yield somebody


def test_the_new_one_is_told_before_anything_is_issued_by_it(client, first):
    key = (SECRETS / "ca/ca.key").read_text()
    said = playbook(*ROTATE).assert_ok().output
    assert "Only when all have it, repeat this" in said
    both = AUTHORITY.read_text()
    assert both.startswith(first.strip())
    assert both.count("BEGIN CERTIFICATE") == 2
    assert (SECRETS / "ca/ca.key").read_text() == key
    assert trusted_by(first) == {5223: True, 5349: True}
    assert key.splitlines()[1] not in said


def test_it_issues_all_and_who_trusts_both_gets_in(client, first):
    both = AUTHORITY.read_text()
    new = both.replace(first.strip(), "").strip()
    playbook(*ROTATE).assert_ok()
    assert trusted_by(new) == {5223: True, 5349: True}
    assert trusted_by(first) == {5223: False, 5349: False}
    assert AUTHORITY.read_text().startswith(new)
    client.say(client.jid, "still here")
    assert client.hears("still here")
    assert not client.ended


def test_the_old_one_is_let_go_of(client, first):
    playbook(*ROTATE).assert_ok()
    assert first.strip() not in AUTHORITY.read_text()
    assert trusted_by(AUTHORITY.read_text()) == {5223: True, 5349: True}
    assert sorted(path.name for path in AUTHORITY.parent.iterdir()) == ["ca.key", "ca.pem"]
    assert not client.ended
