# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users of two servers do together: with our own, with ejabberd of two ages, with the Prosody before ours."""

from __future__ import annotations

import hashlib
import secrets

from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import address_of
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from conftest import PASSWORD, PEERS, PUSH_SERVICE, arrivals, connections, machine, talk, told_of_direct_tls

PUBSUB = "http://jabber.org/protocol/pubsub"
OPEN = f"""
<pubsub xmlns="{PUBSUB}"><publish node="urn:example:mood"><item id="1"><mood xmlns="urn:example">MOOD</mood></item>
</publish>
<publish-options><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE" type="hidden">
<value>{PUBSUB}#publish-options</value></field><field var="pubsub#access_model"><value>open</value></field></x>
</publish-options></pubsub>"""


def a_word() -> str:
    return secrets.token_hex(4)


def test_messages_go_both_ways(alice, person):
    talk(alice, person)


def test_each_is_let_in_by_its_certificate(person, peer, one):
    """Both ways; theirs has not the purpose "TLS client" (SASL EXTERNAL). And by direct TLS, since SRV has it first."""
    assert {row[1:] for row in connections(one, peer.domain)} == {("Succeeded", "Not used")}
    address = address_of(f"xmpp-federation-{peer.host}")
    assert one.check_output("ss -Htn state established dport = :%s dst %s", str(peer.s2s), address)


def test_other_servers_come_in_through_the_front_at_443(alice, person, peer, one):
    """SRV leads there: by what they say first (ALPN) nginx knows them for servers, and Prosody knows their address.

    A connection may be used both ways (XEP-0288), so those that are there end first. ejabberd 24.12 also tries 5269
    where 443 takes its time, and begins again after a second where it fell over that.
    """
    way = (FRONT, address_of(f"xmpp-federation-{peer.host}"))

    def come() -> bool:
        person.say(alice.jid, word := a_word())
        alice.hears(word, 5)
        if way in arrivals(one, peer.domain):
            return True
        # there may be none, which is an error to it
        one.run("prosodyctl shell s2s closeall %s", peer.domain)
        return False

    with told_of_direct_tls(peer):
        wait_until(come, 60)
    alice.say(person.jid, word := a_word())
    assert person.hears(word), alice.reasons
    # and it is the front that has 443
    assert "nginx" in one.check_output("ss -Htlnp sport = :443")


# Prosody's port for what the front hands on
FRONT = "15270"


def test_one_whose_certificate_is_for_servers_alone_is_let_in_as_the_other_server_can(peer, person):
    """The second deployment has one as public authorities issue them; all but one server take it for what it is."""
    if peer.host == "two":
        return
    with Client(PEERS["ours"].jid, PASSWORD, address_of("xmpp-federation-two")) as bob:
        bob.say(person.jid, word := a_word())
        assert person.hears(word), bob.reasons
        person.say(bob.stream, word)
        assert bob.hears(word), person.reasons
    found = {way: (sasl, dialback) for way, sasl, dialback in connections(machine("two"), peer.domain)}
    assert found["<--"] == ("Succeeded", "Not used")
    out = ("Succeeded", "Not used") if peer.mechanism == "EXTERNAL" else ("Failed", "Completed")
    assert found["-->"] == out, found


def test_rooms_are_joined_and_tell_what_was_said(alice, person, peer):
    for house, owner, guest in (("muc.alpha.example", alice, person), (peer.rooms, person, alice)):
        room, before, after = f"r{a_word()}@{house}", a_word(), a_word()
        owner.join(room, "owner")
        owner.say(room, before, "groupchat")
        assert owner.hears(before)
        guest.join(room, "guest")
        assert guest.hears(before), house
        guest.say(room, after, "groupchat")
        assert owner.hears(after), house


FETCH = "import hashlib, sys, urllib.request as u; print(hashlib.md5(u.urlopen(sys.argv[1]).read()).hexdigest())"


def test_a_link_to_a_file_is_fetched_from_there(alice, person, peer):
    """Both ways, and the certificate of who has the file is verified."""
    theirs = (person, f"upload.{peer.domain}", peer.uploads, alice, "one")
    for sender, service, port, reader, where in ((alice, "upload.alpha.example", 443, person, peer.host), theirs):
        content = secrets.token_bytes(3000)
        link = sender.upload(service, content, port)
        sender.say(reader.jid, link)
        assert reader.hears(link), sender.reasons
        assert machine(where).check_output("python3 -c %s %s", FETCH, link) == hashlib.md5(content).hexdigest()


def test_what_somebody_publishes_is_read(alice, person):
    for publisher, reader in ((alice, person), (person, alice)):
        mood = a_word()
        publisher.ask(publisher.jid, OPEN.replace("MOOD", mood), "set")
        items = f'<pubsub xmlns="{PUBSUB}"><items node="urn:example:mood"/></pubsub>'
        answer = reader.ask(publisher.jid, items)
        assert [one.text for one in answer.iter("{urn:example}mood")] == [mood]


class Witness(Client):
    """Also notes what comes to be told to a phone (XEP-0357)."""

    def _listen(self, xml):
        if xml.tag == "{jabber:client}iq" and xml.find(f"{{{PUBSUB}}}pubsub/{{{PUBSUB}}}publish") is not None:
            with self._new:
                self.heard.append(str(xml.get("from")))
                self._new.notify_all()
        return super()._listen(xml)


PUSH = "urn:xmpp:push:0"


def test_a_phone_is_told_through_a_server_elsewhere(alice, peer):
    """Who is offline gets a message: ours publishes that to the service that the phone named, on the other server."""
    with Witness(peer.jid, PASSWORD, address_of(f"xmpp-federation-{peer.host}"), port=peer.port) as service:
        with Client("carol@alpha.example", "sings-in-the-rain", alice.address) as carol:
            carol.ask(carol.jid, f'<enable xmlns="{PUSH}" jid="{service.stream}" node="phone"/>', "set")
        alice.say("carol@alpha.example", a_word())
        assert service.hears("alpha.example") or service.hears("carol@alpha.example", 1), service.heard
        with Client("carol@alpha.example", "sings-in-the-rain", alice.address) as carol:
            carol.ask(carol.jid, f'<disable xmlns="{PUSH}" jid="{service.stream}"/>', "set")


def test_a_phone_of_theirs_is_told_through_a_service_of_ours(alice, peer, pushed):
    """Their server publishes to it, a component of the first deployment: mod_push of ejabberd, mod_cloud_notify."""
    nora = f"nora@{peer.domain}"
    with Client(nora, PASSWORD, address_of(f"xmpp-federation-{peer.host}"), port=peer.port) as phone:
        phone.ask(nora, f'<enable xmlns="{PUSH}" jid="{PUSH_SERVICE}" node="{peer.person}"/>', "set")
    alice.say(nora, a_word())
    wait_until(lambda: [who for who, _node in pushed() if peer.domain in who], 20)
    assert {node for who, node in pushed() if peer.domain in who} == {peer.person}
