# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that sends alerts cannot enter rooms; what it writes to one is said there all the same."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until

SECRETS = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent / ".secrets"
DOMAIN = "chat.localhost"
ROOM = f"operators@muc.{DOMAIN}"
POST = """import sys, urllib.request as r
alerts = sys.argv[1].encode()
r.urlopen(r.Request("http://127.0.0.1:9093/api/v2/alerts", alerts, {"Content-Type": "application/json"}))"""


@pytest.fixture(scope="module")
def sign_in(host):
    """Sign in as an account of the scenario: sign_in("admin") is a context manager."""
    address = host.check_output("hostname -I").split()[0]

    def sign_in(name):
        kind = "probe" if name.startswith("xmpp-probe") else "account"
        return Client(
            f"{name}@{DOMAIN}", (SECRETS / f"{kind}_{name}@{DOMAIN}").read_text(encoding="utf-8").strip(), address
        )

    return sign_in


@pytest.fixture(scope="module")
def operator(sign_in):
    """Somebody in the room."""
    with sign_in("admin") as client:
        client.join(ROOM, "op")
        yield client


@pytest.fixture(scope="module")
def alerts(sign_in):
    """The account that sends alerts."""
    with sign_in("alerts") as client:
        yield client


def test_an_alert_is_heard_in_the_room(host, operator):
    """Alertmanager gives it to the real program, whose address has the room in it."""
    mark = secrets.token_hex(4)
    labels = {"alertname": "Planted", "severity": "critical", "mark": mark}
    alert = {"labels": labels, "annotations": {"summary": mark}, "generatorURL": "http://127.0.0.1:9090"}
    host.check_output("python3 -c %s %s", POST, json.dumps([alert]))
    # it comes to the operator alone as well, before or after
    wait_until(
        lambda: f"{ROOM}/alerts" in [who for who, text in zip(operator.from_whom, operator.heard) if mark in text], 30
    )


def test_who_was_away_finds_it_in_the_archive(host, operator, alerts):
    mark = secrets.token_hex(4)
    alerts.say(ROOM, mark)
    assert operator.hears_of(mark)
    query = f"SELECT count(*) FROM prosodyarchive WHERE store = 'muc_log' AND strpos(value, '{mark}') > 0"
    assert host.check_output("cd / && runuser -u postgres -- psql -AtX prosody -c %s", query) == "1"


def test_nobody_else_is_heard_from_outside(sign_in, operator, alerts):
    mark, after = secrets.token_hex(4), secrets.token_hex(4)
    with sign_in("xmpp-probe-1") as stranger:
        stranger.say(ROOM, mark)
        stranger.say(ROOM, mark, "normal")
        alerts.say(ROOM, after)
        assert operator.hears_of(after)
    assert not operator.hears_of(mark, 1)


def test_another_who_has_the_name_is_not_spoken_for(sign_in, operator, alerts):
    mark = secrets.token_hex(4)
    with sign_in("xmpp-probe-2") as other:
        other.join(ROOM, "alerts")
        alerts.say(ROOM, mark)
        assert operator.hears_of(mark)
    assert operator.from_whom[-1] == ROOM


def test_it_is_told_when_there_is_no_such_room(alerts):
    alerts.say(f"nowhere@muc.{DOMAIN}", "is anybody there")
    assert alerts.is_refused("item-not-found")


def test_who_is_banned_is_not_heard(operator, alerts):
    mark = secrets.token_hex(4)
    operator.give(ROOM, alerts.jid, "outcast")
    try:
        alerts.say(ROOM, mark)
        assert alerts.is_refused("forbidden")
        assert not operator.hears_of(mark, 1)
    finally:
        operator.give(ROOM, alerts.jid, "none")
