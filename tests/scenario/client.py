# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real client for the verify steps of the Molecule scenarios, from the machine on which they run."""

from __future__ import annotations

import asyncio
import ssl
import threading
from typing import Any

import slixmpp


class Client:
    """A slixmpp client in a thread of its own; notes every message, who said it, and whether its stream ever ended."""

    def __init__(self, jid: str, password: str, address: str, *, direct: bool = False) -> None:
        self.jid, self.password, self.address, self.direct = jid, password, address, direct
        self._xmpp: Any = None
        self.heard: list[str] = []
        self.from_whom: list[str] = []
        self.refused: list[str] = []
        self.ended = 0
        self.leaving = False
        self.stream = ""
        self._new = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._failure = ""
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._xmpp = xmpp = slixmpp.ClientXMPP(self.jid, self.password)
        xmpp.ssl_context.check_hostname = False
        xmpp.ssl_context.verify_mode = ssl.CERT_NONE
        xmpp.enable_starttls = not self.direct
        xmpp.enable_direct_tls = self.direct
        xmpp.enable_plaintext = False
        xmpp.add_event_handler("session_start", self._started)
        xmpp.add_event_handler("message", self._message)
        xmpp.add_event_handler("message_error", self._error)
        xmpp.add_event_handler("failed_all_auth", self._refused)
        xmpp.add_event_handler("disconnected", self._disconnected)
        xmpp.register_plugin("xep_0045")
        xmpp.connect(self.address, 5223 if self.direct else 5222)
        self._loop.run_forever()

    async def _started(self, _event: Any) -> None:
        self._xmpp.send_presence()
        await self._xmpp.get_roster()
        self.stream = str(self._xmpp.boundjid.full)
        self._ready.set()

    def _message(self, message: Any) -> None:
        with self._new:
            self.heard.append(str(message["body"]))
            self.from_whom.append(str(message["from"]))
            self._new.notify_all()

    def _error(self, message: Any) -> None:
        with self._new:
            self.refused.append(str(message["error"]["condition"]))
            self._new.notify_all()

    def _refused(self, _event: Any) -> None:
        self._failure = "the server refused the password"
        self._ready.set()

    def _disconnected(self, _event: Any) -> None:
        self.ended += not self.leaving

    def __enter__(self) -> Client:
        self._thread.start()
        assert self._ready.wait(20), f"{self.jid} could not sign in within 20 s (direct TLS: {self.direct})"
        assert not self._failure, self._failure
        return self

    def __exit__(self, *_exception: object) -> None:
        async def leave() -> None:
            self.leaving = True
            await self._xmpp.disconnect(wait=1.0)
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            self._loop.call_soon(self._loop.stop)

        asyncio.run_coroutine_threadsafe(leave(), self._loop)
        self._thread.join(5)

    def say(self, to: str, text: str, kind: str = "chat") -> None:
        """Send a message; in: an address, with its resource where it must be one session."""
        self._loop.call_soon_threadsafe(lambda: self._xmpp.send_message(mto=to, mbody=text, mtype=kind))

    def join(self, room: str, nick: str) -> None:
        """Enter a room, or make it with what the server has for new ones."""
        muc = self._xmpp.plugin["xep_0045"]

        async def enter() -> None:
            await muc.join_muc_wait(room, nick, timeout=10)
            if muc.get_jid_property(room, nick, "affiliation") == "owner":
                await muc.set_room_config(room, self._xmpp.plugin["xep_0004"].make_form(ftype="submit"))

        asyncio.run_coroutine_threadsafe(enter(), self._loop).result(20)

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

    def give(self, room: str, jid: str, affiliation: str) -> None:
        """Make somebody a member of a room, or an outcast, or nothing (none)."""
        given = self._xmpp.plugin["xep_0045"].set_affiliation(room, affiliation, jid=jid)
        asyncio.run_coroutine_threadsafe(given, self._loop).result(20)
