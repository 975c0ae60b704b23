# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real client for the verify steps of the Molecule scenarios, from the machine on which they run."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import client as check
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stanzas import NS_CLIENT, body_of, refusal
from ansible_collections.allthingslinux.xmpp.tests.scenario.trust import everybody

PATIENCE = 20.0
NS_MUC = "http://jabber.org/protocol/muc"
NS_PUBSUB = "http://jabber.org/protocol/pubsub"


class Client:
    """The client of the checks in its own thread; notes every message, who said it, and whether its stream ended."""

    def __init__(self, jid: str, password: str, address: str, *, direct: bool = False, port: int = 0) -> None:
        self.jid, self.address, self.direct = jid, address, direct
        self.port = port or (5223 if direct else 5222)
        self._account = check.Account(jid, password)
        self._client: check.Client = None  # type: ignore[assignment]
        self.heard: list[str] = []
        self.from_whom: list[str] = []
        self.refused: list[str] = []
        self.reasons: list[str] = []
        self.ended = 0
        self.leaving = False
        self.stream = ""
        self._new = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def _do(self, what: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(PATIENCE + 5)

    @property
    def _xmpp(self) -> Any:
        return self._client._xmpp

    async def _sign_in(self) -> None:
        self._client = check.Client(self._account, everybody(), PATIENCE)
        for name in ("xep_0045", "xep_0313", "xep_0363"):
            self._xmpp.register_plugin(name)
        self._listening = self._client.collecting(self._listen)
        self._listening.__enter__()
        await self._client.sign_in(self.address, self.port, self.direct)
        self._xmpp.add_event_handler("disconnected", self._disconnected)
        self._client.available()
        self.stream = self._client.jid

    def _listen(self, xml: ET.Element) -> bool:
        """See every stanza; collect nothing."""
        if xml.tag == f"{{{NS_CLIENT}}}message":
            with self._new:
                if xml.get("type") == "error":
                    told = refusal(xml)
                    self.refused.append(told.condition)
                    self.reasons.append(f"{xml.get('from')}: {told}")
                elif body_of(xml):
                    self.heard.append(body_of(xml))
                    self.from_whom.append(xml.get("from", ""))
                self._new.notify_all()
        elif xml.tag == f"{{{NS_CLIENT}}}presence" and xml.get("type") == "error":
            with self._new:
                self.reasons.append(f"{xml.get('from')}: {refusal(xml)}")
                self._new.notify_all()
        return False

    def _disconnected(self, _event: Any) -> None:
        self.ended += not self.leaving

    def __enter__(self) -> Client:
        self._thread.start()
        self._do(self._sign_in())
        return self

    def __exit__(self, *_exception: object) -> None:
        self.leaving = True
        self._do(self._client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def story(self) -> str:
        """Out: what became of it, for a test that failed."""
        last = [f"{who}: {text[:40]!r}" for who, text in zip(self.from_whom[-5:], self.heard[-5:])]
        return (
            f"{self.stream} heard {len(self.heard)} messages, at last {last}; refused: {self.reasons[-5:]}; "
            f"its stream ended {self.ended} times"
        )

    def say(self, to: str, text: str, kind: str = "chat") -> None:
        """Send a message; in: an address, with its resource where it must be one session."""
        self._loop.call_soon_threadsafe(self._client.send_message, to, text, kind)

    def join(self, room: str, nick: str) -> None:
        """Enter a room, or make it with what the server has for new ones."""
        muc = self._xmpp.plugin["xep_0045"]

        async def enter() -> None:
            await muc.join_muc_wait(room, nick, timeout=10)
            if muc.get_jid_property(room, nick, "affiliation") == "owner":
                await muc.set_room_config(room, self._xmpp.plugin["xep_0004"].make_form(ftype="submit"))

        self._do(enter())

    def knock(self, room: str, nick: str) -> None:
        """Ask to enter a room, and wait for no answer."""

        def ask() -> None:
            presence = self._xmpp.make_presence(pto=f"{room}/{nick}")
            presence.append(ET.Element(f"{{{NS_MUC}}}x"))
            presence.send()

        self._loop.call_soon_threadsafe(ask)

    def hears(self, text: str, patience: float = 10.0) -> bool:
        with self._new:
            return self._new.wait_for(lambda: text in self.heard, patience)

    def hears_of(self, part: str, patience: float = 10.0) -> bool:
        """Whether a message came with this text in it."""
        with self._new:
            return self._new.wait_for(lambda: any(part in text for text in self.heard), patience)

    def is_refused(self, condition: str, patience: float = 10.0) -> bool:
        """Whether a message came back with this error."""
        with self._new:
            return self._new.wait_for(lambda: condition in self.refused, patience)

    def is_told(self, who: str, part: str, patience: float = 20.0) -> bool:
        """Whether what was sent to somebody, or to a room, came back with this in the text of the error."""
        with self._new:
            return self._new.wait_for(lambda: any(who in one and part in one for one in self.reasons), patience)

    def ask(self, to: str, xml: str, kind: str = "get") -> ET.Element:
        """Out: the answer to an iq. Raises StanzaRefused."""
        answer: ET.Element = self._do(self._client.query(to, ET.fromstring(xml), kind))
        return answer

    def give(self, room: str, jid: str, affiliation: str) -> None:
        """Make somebody a member of a room, or an outcast, or nothing (none)."""
        self._do(self._xmpp.plugin["xep_0045"].set_affiliation(room, affiliation, jid=jid))

    def archived(self) -> list[str]:
        """Out: the texts in the archive of this account, oldest first."""

        async def read() -> list[str]:
            found = self._xmpp.plugin["xep_0313"].iterate()
            return [str(one["mam_result"]["forwarded"]["stanza"]["body"]) async for one in found]

        texts: list[str] = self._do(read())
        return [text for text in texts if text]

    def befriend(self, jid: str) -> None:
        """Put somebody on the roster."""

        async def add() -> None:
            await self._xmpp.update_roster(jid, name="a friend")

        self._do(add())

    def ask_to_befriend(self, jid: str) -> None:
        """Ask to see somebody's presence."""
        self._loop.call_soon_threadsafe(lambda: self._xmpp.send_presence(pto=jid, ptype="subscribe"))

    def friends(self) -> set[str]:
        """Out: who is on the roster, as the server says it now."""

        async def ask() -> Any:
            return await self._xmpp.get_roster()

        return {str(jid) for jid in self._do(ask())["roster"]["items"]}

    def publish(self, node: str, payload: str) -> None:
        """Publish an item in a node of this account (XEP-0163), open to everybody; in: XML."""
        pubsub = ET.Element(f"{{{NS_PUBSUB}}}pubsub")
        item = ET.SubElement(ET.SubElement(pubsub, f"{{{NS_PUBSUB}}}publish", {"node": node}), f"{{{NS_PUBSUB}}}item")
        item.set("id", "current")
        item.append(ET.fromstring(payload))
        self._do(self._client.query(self.jid, pubsub, "set"))

    def published(self, jid: str, node: str) -> list[str]:
        """Out: the items in a node of somebody, as canonical() has them."""
        pubsub = ET.Element(f"{{{NS_PUBSUB}}}pubsub")
        ET.SubElement(pubsub, f"{{{NS_PUBSUB}}}items", {"node": node})
        answer: ET.Element = self._do(self._client.query(jid, pubsub))
        return [canonical(ET.tostring(item[0], "unicode")) for item in answer.iter(f"{{{NS_PUBSUB}}}item")]

    def upload(self, service: str, content: bytes, port: int = 5281) -> str:
        """Upload a file to the component. Out: its address."""
        status, _said, address = self.offer(service, content, port)
        assert status == 201, status
        return address

    def offer(self, service: str, content: bytes, port: int = 5281) -> tuple[int, str, str]:
        """Upload a file that may be refused. Out: status, what was said, and the address it has or would have."""

        async def ask() -> Any:
            return await self._xmpp.plugin["xep_0363"].request_slot(service, "kept.bin", len(content), "text/plain")

        slot = self._do(ask())["http_upload_slot"]
        headers = {str(header["name"]): str(header["value"]) for header in slot["put"]["headers"]}
        status, said = web(self.address, port, str(slot["put"]["url"]), "PUT", content, headers)
        return status, said.decode(), str(slot["get"]["url"])


def canonical(xml: str) -> str:
    """Out: the text that every writing of the same XML has."""
    return ET.canonicalize(xml, rewrite_prefixes=True)


def web(
    address: str,
    port: int,
    url: str,
    method: str = "GET",
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Ask a server at an address for what a URL names. Out: status and content."""
    parts = urlsplit(url)
    # a large file is looked at before it is taken
    connection = http.client.HTTPSConnection(address, port, timeout=120)
    try:
        # a proxy knows who is meant by the name alone
        plain = socket.create_connection((address, port), 120)
        connection.sock = everybody().wrap_socket(plain, server_hostname=parts.hostname)
        given = {"Host": parts.netloc, "Content-Type": "text/plain", **(headers or {})}
        connection.request(method, parts.path, content, given)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
