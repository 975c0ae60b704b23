# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Those who attack, each kind from addresses of its own, all at once and for so many seconds.

    python3 -m …attackers ADDRESS DOMAIN PASSWORD SECONDS KIND=SOURCE,SOURCE… …

Runs beside the service, with nothing but Python. Prints as JSON: kind → tried and passed, in all and in the later half
of the time, when who is kept out is kept out. What is counted as passed:

guesses: passwords that the service looked at. connections: those that were accepted and could begin TLS. slow: clients
that say one byte a second and are not cut off within 45 of them. accounts: those that were made. lines: what
somebody in the room heard of what two floods of lines wrote. large: stanzas of a megabyte after which the stream lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import sys
import time
from collections.abc import Awaitable, Callable

from ansible_collections.allthingslinux.xmpp.tests.benchmarks.attacked.wire import FAILURES, Wire

PATIENCE = 5
LINES = 20_000
ROOM = "hall@muc.{}"
JOIN = "<presence to='{}/{}'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>"


class Attack:
    """One kind. In: where, with which accounts, from which addresses, until when (time.monotonic)."""

    def __init__(self, address: str, domain: str, password: str, sources: list[str], end: float) -> None:
        self.address, self.domain, self.password, self.sources, self.end = address, domain, password, sources, end
        self.tried = self.passed = 0
        self.half = (time.monotonic() + end) / 2
        self.before = (0, 0)

    async def halve(self) -> None:
        """Remember what there was when half of the time had gone."""
        await asyncio.sleep(self.half - time.monotonic())
        self.before = (self.tried, self.passed)

    def counted(self) -> dict[str, list[int]]:
        """Out: tried and passed, in all and in the later half."""
        later = [self.tried - self.before[0], self.passed - self.before[1]]
        return {"all": [self.tried, self.passed], "later": later}

    def lasts(self) -> bool:
        return time.monotonic() < self.end

    async def each(self, at_once: int, what: Callable[[str], Awaitable[None]], pause: float) -> None:
        """Do it again and again, so many at once from each address."""

        async def again(source: str) -> None:
            while self.lasts():
                with contextlib.suppress(*FAILURES):
                    await what(source)
                await asyncio.sleep(pause)

        await asyncio.gather(*(again(source) for source in self.sources for _one in range(at_once)))

    async def guesses(self) -> None:
        async def guess(source: str) -> None:
            self.tried += 1
            wire = Wire(self.domain, 10)
            try:
                # who is dropped hears nothing, and goes on with the next one, as programs that guess do
                await wire.connect(self.address, source, 0.5)
                await wire.open()
                for again in range(3):
                    self.tried += bool(again)
                    said = await wire.tries(f"u{secrets.randbelow(200)}", secrets.token_hex(6))
                    self.passed += "<temporary-auth-failure" not in said  # which is said without a look at it
            finally:
                wire.close()

        await self.each(25, guess, 0.05)

    async def connections(self) -> None:
        held = []

        async def connect(source: str) -> None:
            self.tried += 1
            opening = asyncio.open_connection(self.address, 5222, local_addr=(source, 0))
            _reader, writer = await asyncio.wait_for(opening, 1)
            self.passed += 1
            held.append(writer)

        await self.each(200, connect, 0.1)
        for writer in held:
            writer.transport.abort()

    async def slow(self) -> None:
        async def crawl(source: str) -> None:
            self.tried += 1
            opening = asyncio.open_connection(self.address, 5223, local_addr=(source, 0))
            reader, writer = await asyncio.wait_for(opening, PATIENCE)
            try:
                # the beginning of a ClientHello that says it is long
                writer.write(b"\x16\x03\x01\x3f\xff\x01\x00\x3f\xfb\x03\x03")
                until = time.monotonic() + 45
                while time.monotonic() < until:
                    writer.write(b"\x00")
                    with contextlib.suppress(TimeoutError):
                        if not await asyncio.wait_for(reader.read(4096), 1):
                            return
                self.passed += 1
            finally:
                writer.transport.abort()

        await self.each(100, crawl, 1)

    async def accounts(self) -> None:
        async def register(source: str) -> None:
            self.tried += 1
            wire = Wire(self.domain, PATIENCE)
            try:
                await wire.connect(self.address, source)
                await wire.open()
                name = f"bot-{secrets.token_hex(6)}"
                fields = f"<username>{name}</username><password>{secrets.token_hex(8)}</password>"
                wire.send(f"<iq type='set' id='r'><query xmlns='jabber:iq:register'>{fields}</query></iq>")
                self.passed += "result" in (await wire.until("<iq[^>]*>"))[0]
            finally:
                wire.close()

        await self.each(5, register, 0.2)

    async def lines(self) -> None:
        listener = await self.joined("m0")
        # who makes a room has it for himself until he has configured it (XEP-0045, 10.1.2)
        form = "<x xmlns='jabber:x:data' type='submit'/>"
        query = f"<query xmlns='http://jabber.org/protocol/muc#owner'>{form}</query>"
        listener.send(f"<iq type='set' id='c' to='{ROOM.format(self.domain)}'>{query}</iq>")
        await listener.until("id='c'")
        floods = [await self.joined(name) for name in ("m1", "m2")]
        for wire in floods:
            for number in range(LINES // len(floods)):
                self.tried += 1
                wire.send(
                    f"<message type='groupchat' to='{ROOM.format(self.domain)}'><body>line {number}</body></message>"
                )
        while self.lasts():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await listener.until("</message>")
                self.passed = listener.bodies
        for wire in (listener, *floods):
            wire.close()

    async def joined(self, name: str) -> Wire:
        wire = Wire(self.domain, 30)
        await wire.sign_in(self.address, self.sources[0], name, self.password)
        wire.send(JOIN.format(ROOM.format(self.domain), name))
        if (await wire.until("<subject|type='error'"))[0] != "<subject":
            raise OSError(f"{name} did not get into the room")
        return wire

    async def large(self) -> None:
        async def say(source: str) -> None:
            wire = Wire(self.domain, PATIENCE)
            try:
                await wire.sign_in(self.address, source, "m3", self.password)
                self.tried += 1
                wire.send(f"<message to='u0@{self.domain}'><body>{'a' * 2**20}</body></message>")
                wire.send("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
                await wire.until("id='p'")
                self.passed += 1
            finally:
                wire.close()

        await self.each(2, say, 0.5)


async def main(address: str, domain: str, password: str, seconds: str, kinds: list[str]) -> None:
    """All of them at once."""
    end = time.monotonic() + float(seconds)
    attacks = {}
    for kind, _equals, sources in (one.partition("=") for one in kinds):
        attacks[kind] = Attack(address, domain, password, sources.split(","), end)
    await asyncio.gather(
        *(one.halve() for one in attacks.values()), *(getattr(one, kind)() for kind, one in attacks.items())
    )
    print(json.dumps({kind: one.counted() for kind, one in attacks.items()}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:]))
