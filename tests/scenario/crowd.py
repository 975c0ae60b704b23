# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many people at once, each with an own account and connection, in one room: what limits do to honest users."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import Account, Client
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stanzas import (
    NS_CLIENT,
    NS_FORM,
    body_of,
    refusal,
)
from ansible_collections.allthingslinux.xmpp.tests.scenario.trust import everybody

MUC = "http://jabber.org/protocol/muc"
UPLOAD = "urn:xmpp:http:upload:0"
PUBSUB = "http://jabber.org/protocol/pubsub"
NICK = "http://jabber.org/protocol/nick"


class Person:
    """One of the crowd. errors: what was refused to him. heard: the lines of the room."""

    def __init__(self, account: Account, room: str, patience: float) -> None:
        self.account, self.room, self.patience = account, room, patience
        self.errors: list[str] = []
        self.heard: list[str] = []
        self.client: Client = None  # type: ignore[assignment]

    async def sign_in(self, address: str, resumable: bool = False) -> None:
        """Connect, also while the server is only about to be there. resumable: by XEP-0198."""
        end = asyncio.get_running_loop().time() + self.patience
        while True:
            self.client = Client(self.account, everybody(), self.patience)
            if resumable:
                self.client._xmpp.register_plugin("xep_0198")
            try:
                await self.client.sign_in(address, 5222, False)
                break
            except Exception:  # pylint: disable=broad-exception-caught
                await self.client.close()
                if asyncio.get_running_loop().time() > end:
                    raise
                await asyncio.sleep(1)
        self.client.expect(self._listen)
        self.client.available()

    def _listen(self, xml: ET.Element) -> bool:
        """See every stanza; expect nothing."""
        if xml.get("type") == "error":
            self.errors.append(str(refusal(xml)))
        elif xml.tag == f"{{{NS_CLIENT}}}message" and xml.get("type") == "groupchat" and body_of(xml):
            self.heard.append(body_of(xml))
        return False

    def cut_off(self) -> None:
        """Lose the connection, without a word to the server."""
        self.client._xmpp.abort()

    async def join(self) -> set[str]:
        """Enter the room; out: the status codes. An error is noted."""
        nick = f"{self.room}/{self.account.name}"

        def entered(xml: ET.Element) -> bool:
            mine = xml.tag == f"{{{NS_CLIENT}}}presence" and xml.get("from", "") in (nick, self.room)
            codes = {status.get("code") for status in xml.iter(f"{{{MUC}#user}}status")}
            return mine and (xml.get("type") == "error" or "110" in codes)

        answer = self.client.expect(entered)
        presence = ET.Element(f"{{{NS_CLIENT}}}presence", {"to": nick})
        ET.SubElement(ET.SubElement(presence, f"{{{MUC}}}x"), f"{{{MUC}}}history", {"maxstanzas": "0"})
        self.client.send(presence)
        xml = await self.client.receive(answer, "answer from the room")
        return {status.get("code", "") for status in xml.iter(f"{{{MUC}#user}}status")}

    async def configure(self) -> None:
        """Take the defaults for a new room."""
        query = ET.Element(f"{{{MUC}#owner}}query")
        ET.SubElement(query, f"{{{NS_FORM}}}x", {"type": "submit"})
        await self.client.query(self.room, query, "set")

    async def ask_for_a_slot(self, service: str) -> None:
        """Ask where to put a picture of 3 MB."""
        request = ET.Element(f"{{{UPLOAD}}}request", {"filename": "picture.jpg", "size": "3000000"})
        await self.client.query(service, request)

    async def publish(self) -> None:
        """Publish something that all contacts are to see."""
        pubsub = ET.Element(f"{{{PUBSUB}}}pubsub")
        item = ET.SubElement(ET.SubElement(pubsub, f"{{{PUBSUB}}}publish", {"node": NICK}), f"{{{PUBSUB}}}item")
        ET.SubElement(item, f"{{{NICK}}}nick").text = self.account.name
        await self.client.query(self.account.jid, pubsub, "set")


class Crowd:
    """Everybody. In: accounts, the room, and for how many seconds each waits at most."""

    def __init__(self, accounts: Iterable[Account], room: str, patience: float = 90) -> None:
        self.room = room
        self.people = [Person(account, room, patience) for account in accounts]
        self.patience = patience

    async def all(self, what: Callable[[Person], Awaitable[Any]]) -> None:
        """Everybody does it at the same moment. An exception of one is one of all."""
        await asyncio.gather(*(what(person) for person in self.people))

    async def talk(self, lines: int) -> list[str]:
        """Everybody says so many lines at once; out: what was said, once all have heard all or were refused."""
        said = []
        for number in range(lines):
            for person in self.people:
                said.append(f"{number} {person.account.name} {secrets.token_hex(4)}")
                person.client.send_message(self.room, said[-1], "groupchat")
        end = asyncio.get_running_loop().time() + self.patience
        while asyncio.get_running_loop().time() < end and not self.errors():
            if all(set(said) <= set(person.heard) for person in self.people):
                break
            await asyncio.sleep(0.2)
        return said

    def errors(self) -> list[str]:
        """What was refused to anybody."""
        return [f"{person.account.jid}: {error}" for person in self.people for error in person.errors]

    async def leave(self) -> None:
        """Sign out."""
        await asyncio.gather(*(person.client.close() for person in self.people))
