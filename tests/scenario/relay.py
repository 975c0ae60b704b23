# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A relay allocation of somebody to whom Prosody handed out credentials (RFC 8656)."""

from __future__ import annotations

import asyncio
import base64
import hmac
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aioice import turn


class Inbox(asyncio.DatagramProtocol):
    """What a relay hears."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Keep it, with where it came from."""
        self.heard.put_nowait((data, addr))


@asynccontextmanager
async def relay(address: str) -> AsyncIterator[turn.TurnClientUdpProtocol]:
    """In: where the TURN server of this scenario is. What the relay hears is in its receiver."""
    user = f"{int(time.time()) + 600}:somebody"
    secrets = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent / ".secrets"
    secret = (secrets / "turn_secret").read_text(encoding="utf-8").strip()
    password = base64.b64encode(hmac.digest(secret.encode(), user.encode(), "sha1")).decode()
    place = (address, 3478)
    _transport, client = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: turn.TurnClientUdpProtocol(place, user, password, lifetime=60, channel_refresh_time=60),
        remote_addr=place,
    )
    await client.connect()
    client.receiver = Inbox()
    try:
        yield client
    finally:
        await client.delete()
