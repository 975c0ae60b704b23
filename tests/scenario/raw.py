# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who says what no client would say: a stream byte by byte (RFC 6120)."""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import ssl
import time
from collections.abc import Iterator

STREAMS = "http://etherx.jabber.org/streams"


class Raw:
    """A connection; everything that was heard stays in `heard`, and `closed` says whether the server ended it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.heard, self.closed = "", False

    def say(self, text: str | bytes, seconds: float = 10) -> None:
        """Send it, or as much of it as the server takes in this time, or before it ends the connection."""
        self._connection.settimeout(seconds)
        with contextlib.suppress(OSError):
            self._connection.sendall(text.encode() if isinstance(text, str) else text)

    def hears(self, pattern: str, seconds: float = 10) -> str:
        """Out: what was said up to the pattern from here on; "" where the connection ended, or nothing came in time."""
        self._connection.settimeout(seconds)
        said = ""
        while not re.search(pattern, said):
            try:
                more = self._connection.recv(65536).decode("utf-8", "replace")
            except TimeoutError:
                return ""
            except OSError:
                more = ""
            said += more
            self.heard += more
            if not more:
                self.closed = True
                return ""
        return said

    def is_ended(self, seconds: float = 15) -> bool:
        """Whether the server ends the connection in time."""
        return self.hears("(?!)", seconds) == "" and self.closed

    def open(self, to: str, namespace: str = "jabber:client", more: str = "") -> str:
        """Open a stream; out: what was said up to the features, or up to an error of the stream."""
        self.say(
            f"<?xml version='1.0'?><stream:stream xmlns='{namespace}' xmlns:stream='{STREAMS}' to='{to}' version='1.0'"
            f"{more}>"
        )
        return self.hears("</stream:features>|</stream:error>")

    def is_let_in(self, to: str, user: str, password: str) -> bool:
        """Say a password on a new stream (RFC 4616). Out: whether it is the right one."""
        self.open(to)
        initial = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self.say(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{initial}</auth>")
        answer = self.hears("<success[^>]*>|</failure>", 60)
        assert answer, f"neither one nor the other was said: {self.heard}"
        return "<success" in answer

    def sign_in(self, to: str, user: str, password: str) -> str:
        """Sign in and bind; out: the JID with its resource."""
        assert self.is_let_in(to, user, password), self.heard
        self.open(to)
        self.say("<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        bound = re.search("<jid>(.*?)</jid>", self.hears("</iq>"))
        assert bound, self.heard
        return bound[1]

    def is_through(self) -> None:
        """Wait until the server has done all that it was told."""
        self.say("<iq xmlns='jabber:client' type='get' id='through'><ping xmlns='urn:xmpp:ping'/></iq>")
        assert self.hears("id=.through.", 60)

    def longest_wait(self, other: Raw, pattern: str, seconds: float = 60) -> tuple[float, float]:
        """Ask the server small things until the other one has heard this. Out: seconds of the longest wait, of all."""
        began, since, longest = time.monotonic(), len(other.heard), 0.0
        while not re.search(pattern, other.heard[since:]):
            asked = time.monotonic()
            assert asked < began + seconds, "it was never heard"
            self.is_through()
            longest = max(longest, time.monotonic() - asked)
            other.hears(pattern, 0.001)
        return longest, time.monotonic() - began


@contextlib.contextmanager
def raw(address: str, port: int = 5222, name: str = "", *, newest: ssl.TLSVersion | None = None) -> Iterator[Raw]:
    """Connect; in: for direct TLS the name to ask for, and the newest version of TLS that is offered."""
    with socket.create_connection((address, port), 10) as plain:
        if not name:
            yield Raw(plain)
            return
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if newest:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, newest
        with context.wrap_socket(plain, server_hostname=name) as connection:
            yield Raw(connection)
