# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who fails, since when and why, for Prometheus and for an operator; one that comes back is gone from there."""

from __future__ import annotations

import json
import re
import secrets
import time

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from conftest import BAD, PEERS, machine

SINCE = "prosody_mod_measure_peers__failing_since_timestamp_seconds"
OLD = PEERS["prosody-12"]


def labels(peer, reason, worked):
    return f'host="alpha.example",peer="{peer}",direction="out",reason="{reason}",worked="{worked}"'


@pytest.mark.parametrize(
    ("name", "reason"),
    list(zip(BAD, ("certificate-expired", "certificate-self-signed", "certificate-name", "certificate-untrusted"))),
)
def test_those_with_bad_certificates_are_named(alice, figures, name, reason):
    alice.say(f"mallory@{name}.example", "hello")
    found = wait_until(lambda: figures(SINCE).get(labels(f"{name}.example", reason, "no")), 20)
    assert time.time() - 300 < found <= time.time()


def test_one_that_is_gone_is_named_with_another_reason_and_those_that_work_are_not(alice, figures):
    alice.say("nobody@nowhere.example", "hello")
    wait_until(lambda: labels("nowhere.example", "dns", "no") in figures(SINCE), 20)
    assert not any(peer.domain in line for peer in PEERS.values() for line in figures(SINCE))
    # not to talk is not to fail
    assert not any("denied.example" in line for line in figures(SINCE))


def test_one_that_worked_fails_is_shown_and_comes_back(alice, people, one, figures):
    old = machine("old")
    friend = people(OLD)
    alice.say(OLD.jid, word := secrets.token_hex(4))
    assert friend.hears(word)
    friend.leaving = True
    old.check_output("systemctl stop prosody")
    alice.say(OLD.jid, "hello")
    wait_until(lambda: labels(OLD.domain, "unreachable", "yes") in figures(SINCE) or print(figures(SINCE)), 20)
    # it outlives the server's own restart, and an operator sees it
    key = f"out alpha.example {OLD.domain}"
    wait_until(lambda: "since" in json.loads(one.check_output("cat /var/lib/prosody/peers.json"))[key], 10)
    told = playbook("status", "--limit", "xmpp-federation-one,localhost").assert_ok().output
    line = rf"{re.escape(OLD.domain)} is not reached \(alpha\.example\), since [^:]+: unreachable, "
    # lines that are long are broken somewhere
    assert re.search(line, " ".join(told.split())), told
    old.check_output("systemctl start prosody")
    word = secrets.token_hex(4)

    def is_back():
        alice.say(OLD.jid, word)
        return not any(f'peer="{OLD.domain}"' in line for line in figures(SINCE))

    wait_until(is_back, 20)
