# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are not let in: who writes is told why, on both sides, and so is the log."""

from __future__ import annotations

import json
import secrets

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import address_of
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from conftest import BAD, PASSWORD, PEERS, connections, talk

LOG = "journalctl -u prosody -o cat 2>/dev/null; cat /var/log/prosody/*.log 2>/dev/null"
POLICY = "The policy of this server does not allow communication with that server"


def said(host, part):
    return host.run(f"({LOG}) | grep -F %s", part).stdout


@pytest.mark.parametrize("name", BAD)
def test_who_writes_to_a_server_with_a_bad_certificate_is_told_why(alice, one, name):
    alice.say(f"mallory@{name}.example", "hello")
    assert alice.is_told(f"@{name}.example", f"Remote server's {BAD[name]}"), alice.reasons
    assert said(one, f"Forbidding insecure connection to/from {name}.example because its {BAD[name]}")


@pytest.mark.parametrize("name", BAD)
def test_who_writes_from_there_is_told_why(alice, mallory, name):
    writer = mallory(name)
    writer.say(alice.jid, word := secrets.token_hex(4))
    assert writer.is_told(alice.jid, f"Your server's {BAD[name]}"), writer.reasons
    assert word not in alice.heard


def test_one_that_may_have_any_certificate_is_asked_back(alice, mallory, figures):
    """prosody_s2s_insecure_domains: DNS says where it is (dialback)."""
    talk(alice, mallory("plain"))
    found = figures("prosody_mod_s2s__authenticated_total")
    assert found['host="alpha.example",direction="incoming",mechanism="dialback"'] >= 1


def test_one_that_is_denied_gets_nothing_and_nobody_is_left_to_guess(alice, mallory, one):
    """prosody_s2s_deny, although its certificate is good."""
    writer, word = mallory("denied"), secrets.token_hex(4)
    alice.say(writer.jid, word)
    assert alice.is_told(writer.jid, f"not-allowed ({POLICY})"), alice.reasons
    writer.say(alice.jid, word)
    assert writer.is_told(alice.jid, POLICY), writer.reasons
    assert word not in alice.heard + writer.heard
    assert said(one, "Refused to send from alpha.example to denied.example: it is on s2s_deny")
    assert said(one, "Refused server denied.example: it is on s2s_deny")
    # nor what is below it
    alice.say("room@rooms.denied.example", word)
    assert alice.is_told("room@rooms.denied.example", POLICY)


def test_one_that_is_not_among_those_that_are_allowed_gets_nothing(mallory):
    """prosody_s2s_allow, of the second deployment; the others are allowed, see the matrix."""
    writer, word = mallory("denied"), secrets.token_hex(4)
    with Client(PEERS["ours"].jid, PASSWORD, address_of("xmpp-federation-two")) as bob:
        bob.say(writer.jid, word)
        assert bob.is_told(writer.jid, f"not-allowed ({POLICY})"), bob.reasons
        writer.say(bob.jid, word)
        assert writer.is_told(bob.jid, POLICY), writer.reasons
        assert word not in bob.heard + writer.heard


def test_a_list_that_changes_ends_what_is_there_and_clients_stay(alice, mallory, one):
    """The fixture alice sees to it that she is not dropped."""
    writer = mallory("plain")
    alice.say(writer.jid, word := secrets.token_hex(4))
    assert writer.hears(word), alice.reasons
    assert connections(one, "plain.example")
    denied = json.dumps({"prosody_s2s_deny": ["plain.example"]})
    playbook("site", "--tags", "prosody", "--limit", "xmpp-federation-one", "-e", denied).assert_ok()
    assert not connections(one, "plain.example")
    alice.say(writer.jid, word)
    assert alice.is_told(writer.jid, POLICY), alice.reasons
    # and denied.example is not any more
    mallory("denied").say(alice.jid, word := secrets.token_hex(4))
    assert alice.hears(word)
