# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of spammers that others keep, with our software and with ejabberd: had late, told of, kept, had again.

The nodes are made here, so that at the start of the first deployment there were none.
"""

from __future__ import annotations

import hashlib
import secrets

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import address_of
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from conftest import PASSWORD, PEERS, talk

PUBSUB = "http://jabber.org/protocol/pubsub"
METRIC = "prosody_mod_block_lists__"
ANSWER = "on the list of spammers"


class List:
    """A list of spammers, as the one who keeps it changes it; his account makes it."""

    def __init__(self, keeper: Client, domain: str) -> None:
        self.keeper, self.service = keeper, f"pubsub.{domain}"
        self.name = f"{self.service}/spammers"
        self.room = f"without-{domain}@muc.alpha.example"

    def _ask(self, content: str, more: str = "") -> None:
        self.keeper.ask(self.service, f'<pubsub xmlns="{PUBSUB}{more}">{content}</pubsub>', "set")

    def make(self) -> None:
        self._ask('<create node="spammers"/>')

    def remove(self) -> None:
        self._ask('<delete node="spammers"/>', "#owner")

    def add(self, jid: str) -> None:
        item = (
            f'<item id="{_entry(jid)}"><report xmlns="urn:xmpp:reporting:1" reason="urn:xmpp:reporting:spam"/></item>'
        )
        self._ask(f'<publish node="spammers">{item}</publish>')

    def take_off(self, jid: str) -> None:
        self._ask(f'<retract node="spammers" notify="true"><item id="{_entry(jid)}"/></retract>')


def _entry(jid: str) -> str:
    return hashlib.sha256(jid.encode()).hexdigest()


@pytest.fixture(scope="module", params=[("ours", "nora"), ("ejabberd", "dave")], ids=["ours", "ejabberd"])
def shared(request, federated):
    """Each of the lists, not made yet."""
    name, keeper = request.param
    peer = PEERS[name]
    with Client(f"{keeper}@{peer.domain}", PASSWORD, address_of(f"xmpp-federation-{peer.host}"), port=peer.port) as one:
        made = List(one, peer.domain)
        yield made
        made.remove()


@pytest.fixture
def entries(figures, shared):
    """A function: how many entries the first deployment has of it."""
    return lambda: figures(f"{METRIC}entries").get(f'list="{shared.name}"')


def had(figures, shared):
    return figures(f"{METRIC}had_timestamp_seconds").get(f'list="{shared.name}"')


def said(one, part):
    return one.run("journalctl -u prosody -o cat | grep -F %s", part).stdout


def reload(one):
    """As at a start: what is known is what was kept."""
    one.check_output("prosodyctl shell module reload block_lists")


def gets_through(writer, reader):
    writer.say(reader.jid, word := secrets.token_hex(4))
    assert reader.hears(word), writer.reasons


def is_kept_out(writer, reader, shared):
    writer.reasons.clear()
    writer.say(reader.jid, word := secrets.token_hex(4))
    assert writer.is_told(reader.jid, f"{ANSWER} {shared.service}"), writer.reasons
    assert word not in reader.heard


def test_one_that_was_not_there_at_the_start_is_had_later(shared, one, figures):
    reload(one)
    assert wait_until(lambda: said(one, f"The list {shared.name} cannot be had, it is tried again"), 20)
    assert had(figures, shared) == 0
    shared.make()
    assert wait_until(lambda: had(figures, shared), 30, 0.5)


def test_who_is_put_on_it_is_kept_out_until_he_is_taken_off(shared, entries, alice, people, mallory, figures):
    def counted(where):
        return figures(f"{METRIC}refused_total").get(f'list="{shared.name}",where="{where}"', 0)

    spammer, other = mallory("plain"), people(PEERS["prosody-12"])
    alice.join(shared.room, "alice")
    talk(alice, spammer)
    shared.add(spammer.jid)
    wait_until(lambda: entries() == 1, 20, 0.5)
    is_kept_out(spammer, alice, shared)
    spammer.knock(shared.room, "spammer")
    assert spammer.is_told(shared.room, f"{ANSWER} {shared.service}"), spammer.reasons
    assert counted("rooms") == 1
    before = counted("people")
    spammer.ask_to_befriend(alice.jid)
    wait_until(lambda: counted("people") == before + 1, 20, 0.5)
    # nobody else is
    talk(alice, other)
    other.join(shared.room, "other")
    shared.take_off(spammer.jid)
    wait_until(lambda: entries() == 0, 20, 0.5)
    gets_through(spammer, alice)
    spammer.join(shared.room, "spammer")
    # who is in the room by now is silenced all the same
    shared.add(spammer.jid)
    wait_until(lambda: entries() == 1, 20, 0.5)
    spammer.refused.clear()
    spammer.say(shared.room, word := secrets.token_hex(4), "groupchat")
    assert spammer.is_refused("forbidden")
    assert word not in alice.heard


def test_it_is_gone_by_while_its_service_is_away_and_what_changed_is_known_afterwards(
    shared, entries, alice, mallory, one, figures
):
    spammer = mallory("plain")
    before = had(figures, shared)
    shared.remove()
    reload(one)
    assert entries() == 1
    is_kept_out(spammer, alice, shared)
    shared.make()
    wait_until(lambda: had(figures, shared) > before and entries() == 0, 30, 0.5)
    gets_through(spammer, alice)
