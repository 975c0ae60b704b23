# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stream of XMPP over TLS (RFC 6120) from one of several addresses, with nothing but what Python has."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl

STREAM = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='{}' version='1.0'>"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
# who attacks trusts everybody, and that the others are served the right certificate is not what is measured
TRUSTING = ssl.create_default_context()
TRUSTING.check_hostname, TRUSTING.verify_mode = False, ssl.CERT_NONE
FAILURES = (OSError, TimeoutError, EOFError)


class Wire:
    """A connection to port 5223 of an address. Raises one of FAILURES where it ends, or nothing comes in time."""

    def __init__(self, domain: str, patience: float) -> None:
        self.domain, self.patience, self.seen = domain, patience, ""
        self.bodies = 0  # of messages, in what was read and forgotten

    async def connect(self, address: str, source: str, accepted: float = 0) -> None:
        """In: where to, from which of the addresses of this machine, and in how many seconds it must be accepted."""
        opening = asyncio.open_connection(address, 5223, local_addr=(source, 0))
        self.reader, self.writer = await asyncio.wait_for(opening, accepted or self.patience)
        await asyncio.wait_for(self.writer.start_tls(TRUSTING, server_hostname=self.domain), self.patience)

    def send(self, text: str) -> None:
        """Without waiting until the server takes it."""
        self.writer.write(text.encode())

    async def until(self, pattern: str) -> re.Match[str]:
        """Read up to the pattern; what came before it is forgotten."""
        async with asyncio.timeout(self.patience):
            while not (found := re.search(pattern, self.seen, re.DOTALL)):
                data = await self.reader.read(65536)
                if not data:
                    raise EOFError("the server ended the stream")
                self.seen += data.decode("utf-8", "replace")
        self.bodies += self.seen.count("<body>", 0, found.end())
        self.seen = self.seen[found.end() :]
        return found

    async def open(self) -> None:
        """Begin a stream, and wait for what it offers."""
        self.send(STREAM.format(self.domain))
        await self.until("</stream:features>")

    async def tries(self, user: str, password: str) -> str:
        """Say a password (RFC 4616). Out: what the server says to it, from the beginning of the answer."""
        initial = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{initial}</auth>")
        return (await self.until(r"<success|<failure(.|\n)*?</failure>"))[0]

    async def sign_in(self, address: str, source: str, user: str, password: str) -> None:
        """Connect, sign in, bind and be there."""
        await self.connect(address, source)
        await self.open()
        if await self.tries(user, password) != "<success":
            raise OSError(f"{user} is not let in")
        await self.open()
        self.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        await self.until("<jid>.*?</jid>")
        self.send("<presence/>")

    def close(self) -> None:
        """Without a word."""
        if hasattr(self, "writer"):
            self.writer.transport.abort()
