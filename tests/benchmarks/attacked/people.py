# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Honest people, fifty behind each address: they sign in, ask the server once a second, and write to each other.

    python3 -m …people ADDRESS DOMAIN PASSWORD SOURCE…

Runs beside the service, with nothing but Python. Says "there" once all of them are, goes on until a line comes in, and
prints as JSON what became of them: there, dropped, waited (seconds for each answer), written, read.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time

from ansible_collections.allthingslinux.xmpp.tests.benchmarks.attacked.wire import FAILURES, Wire

EACH = 50
PATIENCE = 60


class Person:
    """One of them, who has a friend."""

    def __init__(self, name: str, friend: str) -> None:
        self.name, self.friend = name, friend
        self.waited: list[float] = []
        self.written = 0
        self.dropped = ""

    async def come(self, address: str, domain: str, password: str, source: str) -> None:
        """Sign in, at the second attempt where the first one is refused, as a client does."""
        for attempt in range(5):
            self.wire = Wire(domain, PATIENCE)
            try:
                await self.wire.sign_in(address, source, self.name, password)
                return
            except FAILURES as error:
                self.wire.close()
                if attempt == 4:
                    raise OSError(f"{self.name} from {source}: {error!r}") from error
                await asyncio.sleep(random.uniform(1, 3))

    async def live(self, over: asyncio.Event) -> None:
        """Until it is over, or the server ends it."""
        number = 0
        try:
            while not over.is_set():
                number += 1
                began = time.monotonic()
                self.wire.send(f"<iq type='get' id='p{number}'><ping xmlns='urn:xmpp:ping'/></iq>")
                if number % 5 == 0:
                    self.written += 1
                    self.wire.send(
                        f"<message type='chat' to='{self.friend}@{self.wire.domain}'><body>a word</body></message>"
                    )
                await self.wire.until(f"id='p{number}'")
                self.waited.append(time.monotonic() - began)
                await asyncio.sleep(random.uniform(0.5, 1.5))
        except FAILURES as error:
            self.dropped = repr(error)


async def main(address: str, domain: str, password: str, sources: list[str]) -> None:
    """All of them."""
    count = EACH * len(sources)
    people = [Person(f"u{one}", f"u{one ^ 1}") for one in range(count)]
    await asyncio.gather(*(one.come(address, domain, password, sources[at // EACH]) for at, one in enumerate(people)))
    print("there", flush=True)
    over = asyncio.Event()
    lives = [asyncio.create_task(one.live(over)) for one in people]
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    over.set()
    await asyncio.gather(*lives)
    print(
        json.dumps(
            {
                "there": count,
                "dropped": [f"{one.name}: {one.dropped}" for one in people if one.dropped],
                "waited": [round(seconds, 4) for one in people for seconds in one.waited],
                "written": sum(one.written for one in people),
                "read": sum(one.wire.bodies for one in people),
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
