# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fifty people at once are no attack: nothing is refused to them. A room that nobody configured goes with its maker."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import rooms
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import Account
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Stage, Target
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stanzas import NS_FORM, StanzaRefused
from ansible_collections.allthingslinux.xmpp.tests.scenario.crowd import MUC, Crowd, Person
from conftest import Site, run_module

PEOPLE = 50


@pytest.fixture(scope="module")
def accounts(site: Site) -> Iterator[list[Account]]:
    """Fifty accounts, for the time of these tests."""
    password = secrets.token_urlsafe(16)
    found = [Account(f"crowd-{number}@{site.domain}", password) for number in range(PEOPLE)]
    arguments = {"host": site.domain, "accounts": [{"jid": one.jid, "password": one.password} for one in found]}
    made = run_module(site.directory, "allthingslinux.xmpp.prosody_accounts", arguments)
    assert not made.failed, made.message
    yield found
    arguments = {"host": site.domain, "accounts": [{"jid": one.jid, "state": "absent"} for one in found]}
    gone = run_module(site.directory, "allthingslinux.xmpp.prosody_accounts", arguments)
    assert not gone.failed, gone.message


def test_fifty_people_in_one_room(site: Site, accounts: list[Account]) -> None:
    """They come at once, all talk at once, and come back at once when the server was restarted."""

    async def evening() -> None:
        crowd = Crowd(accounts, f"crowd-{secrets.token_hex(4)}@muc.{site.domain}")
        owner = crowd.people[0]
        await crowd.all(lambda person: person.sign_in(site.address))
        await owner.join()
        await owner.configure()
        await crowd.all(Person.join)
        assert crowd.errors() == []
        said = await crowd.talk(1)
        assert crowd.errors() == []
        assert all(set(said) <= set(person.heard) for person in crowd.people)
        await crowd.all(lambda person: person.ask_for_a_slot(f"upload.{site.domain}"))
        await crowd.all(Person.publish)
        await asyncio.to_thread(site.host.check_output, "systemctl restart prosody")
        await crowd.leave()
        await crowd.all(lambda person: person.sign_in(site.address))
        await crowd.all(Person.join)
        assert crowd.errors() == []
        await crowd.leave()

    asyncio.run(evening())


def test_one_who_floods_a_room_is_removed_and_the_others_go_on(site: Site, accounts: list[Account]) -> None:
    """Ten who write as people do beside one who writes five hundred lines at once, and a moderator who may."""

    async def evening() -> None:
        crowd = Crowd(accounts[:12], f"flood-{secrets.token_hex(4)}@muc.{site.domain}")
        owner, flooder, *others = crowd.people
        await crowd.all(lambda person: person.sign_in(site.address))
        await owner.join()
        await owner.configure()
        await crowd.all(Person.join)
        for number in range(100):
            owner.client.send_message(crowd.room, f"bridge {number}", "groupchat")
        for number in range(500):
            flooder.client.send_message(crowd.room, f"flood {number}", "groupchat")
        said = []
        for number in range(5):
            for person in others:
                said.append(f"{number} {person.account.name} {secrets.token_hex(4)}")
                person.client.send_message(crowd.room, said[-1], "groupchat")
        end = asyncio.get_running_loop().time() + crowd.patience
        while not all(set(said) <= set(person.heard) for person in others):
            assert asyncio.get_running_loop().time() < end, "the others do not hear each other"
            await asyncio.sleep(0.2)
        await flooder.client.query(site.domain, ET.Element("{urn:xmpp:ping}ping"))  # all of his is looked at by then
        for person in others:
            await person.client.query(site.domain, ET.Element("{urn:xmpp:ping}ping"))
            flood = [line for line in person.heard if line.startswith("flood")]
            # those that people may write at once, and what time has added
            assert 30 <= len(flood) < 100
            assert sum(line.startswith("bridge") for line in person.heard) == 100
            assert person.errors == []
        assert owner.errors == []
        assert any("Too many lines at once" in error for error in flooder.errors)
        assert any("not currently connected" in error for error in flooder.errors)
        flooder.errors.clear()
        await flooder.join()
        assert any("come back in some minutes" in error for error in flooder.errors)
        await crowd.leave()

    asyncio.run(evening())


STORED = """
local room = prosody.hosts["muc.DOMAIN"].modules.muc.get_room_from_jid("ROOM")
return true, room and (room._data.destroyed and "gone" or "there") or "nothing"
"""


def stored(site: Site, room: str) -> str:
    """What the server has of a room: "gone" (a tombstone), "there" or "nothing"."""
    lua = STORED.replace("DOMAIN", site.domain).replace("ROOM", room).replace("\n", " ")
    answer = site.host.check_output("timeout 30 prosodyctl shell %s", f"> {lua}")
    return answer.rpartition(": ")[2].strip()


# what the maker does, whether the room is there then, and whether it is a new one for his other device
SCENES = {
    "leaves": ("nothing", True),
    "is cut off": ("nothing", True),
    "is cut off and could come back": ("there", True),
    "cancels": ("nothing", True),
    "takes another device": ("there", False),
    "configures": ("there", False),
}


@pytest.mark.parametrize("how", SCENES)
def test_a_room_that_nobody_configured_goes_with_its_maker(site: Site, accounts: list[Account], how: str) -> None:
    """XEP-0045, 10.1.2 and 10.1.3; without a tombstone, so that he can make it again at once."""
    room = f"reserved-{secrets.token_hex(4)}@muc.{site.domain}"
    left, new = SCENES[how]

    async def scene() -> None:
        maker, other, stranger = (Person(accounts[number], room, 20) for number in (0, 0, 1))
        for person in (maker, other, stranger):
            await person.sign_in(site.address, resumable=person is maker and "come back" in how)
        try:
            assert "201" in await maker.join()
            await stranger.join()
            assert len(stranger.errors) == 1
            assert stranger.errors[0].startswith("item-not-found")
            if how == "leaves":
                gone = {"to": f"{room}/{maker.account.name}", "type": "unavailable"}
                maker.client.send(ET.Element("{jabber:client}presence", gone))
                await maker.publish()
            elif how == "cancels":
                query = ET.Element(f"{{{MUC}#owner}}query")
                ET.SubElement(query, f"{{{NS_FORM}}}x", {"type": "cancel"})
                await maker.client.query(room, query, "set")
            elif how == "configures":
                await maker.configure()
            elif "cut off" in how:
                maker.cut_off()
                await asyncio.sleep(1)
            assert how == "takes another device" or await asyncio.to_thread(stored, site, room) == left
            assert ("201" in await other.join()) == new
            assert other.errors == []
            with pytest.raises(StanzaRefused, match="forbidden"):
                await stranger.configure()
            await other.configure()
            stranger.errors.clear()
            await stranger.join()
            assert stranger.errors == []
        finally:
            for person in (maker, other, stranger):
                await person.client.close()

    asyncio.run(scene())
    assert stored(site, room) == "there"


def test_a_check_leaves_no_room_behind(site: Site, accounts: list[Account]) -> None:
    """Neither the room nor its tombstone."""

    async def check() -> str:
        stage = Stage(Target(site.domain, (accounts[0], accounts[1])))
        pair = Person(accounts[0], "", 20), Person(accounts[1], "", 20)
        for person in pair:
            await person.sign_in(site.address)
        stage.sessions.append((pair[0].client, pair[1].client))
        try:
            assert "destroyed" in await rooms.room(stage)
        finally:
            for person in pair:
                await person.client.close()
        return f"check-{stage.marker}@muc.{site.domain}"

    assert stored(site, asyncio.run(check())) == "nothing"
