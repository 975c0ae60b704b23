# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An XMPP stream over a socket (RFC 6120), element by element, with a deadline: probes and the monitor talk through it.

Standard library only, blocking, and guarded against what no server should send. Who signs in is not decided here.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from typing import cast
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

STREAMS = "http://etherx.jabber.org/streams"
STARTTLS = "urn:ietf:params:xml:ns:xmpp-tls"
# ALPN protocol and service name (XEP-0368) → content namespace of the stream (RFC 6120 section 4.8.2)
CONTENT = {"xmpp-client": "jabber:client", "xmpp-server": "jabber:server"}
_MOST_BYTES = 262144


class StreamError(XmppError):
    """A port did not do what was asked; the text says host, port, step and what was seen."""

    def __init__(self, host: str, port: int, step: str, seen: str) -> None:
        super().__init__(f"{host} port {port}: {step}: {seen}")
        self.host, self.port, self.step, self.seen = host, port, step, seen


class Stream:
    """One connection with a deadline; every error it raises is a StreamError that names host, port and step.

    In: where to, and how many seconds all of it may take. Used in a with statement, or ended with close().
    """

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self.host, self.port, self.timeout = host, port, timeout
        self.deadline = time.monotonic() + timeout
        self.socket: socket.socket | None = None
        self._parser = _parser()
        self._depth = 0
        self._received = 0
        self._last = b""

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; whatever goes wrong is of no interest."""
        if self.socket is not None:
            self.socket.close()

    def error(self, step: str, seen: str) -> StreamError:
        """Return the error for what was seen."""
        return StreamError(self.host, self.port, step, seen)

    def connect(self) -> None:
        """Connect to host and port."""
        try:
            self.socket = socket.create_connection((self.host, self.port), timeout=self._remaining("connecting"))
        except (OSError, UnicodeError) as error:
            raise self._failed("connecting", error if isinstance(error, OSError) else OSError(str(error))) from error

    def handshake(self, context: ssl.SSLContext, name: str | None) -> ssl.SSLSocket:
        """Begin TLS. name: the server name to send, and to verify if the context does; in A-labels."""
        step = f"TLS handshake for '{name}'" if name else "TLS handshake without a server name"
        plain = self._ready(step)
        try:
            tls = context.wrap_socket(plain, server_hostname=name)
        except OSError as error:
            raise self._failed(step, error) from error
        except ValueError as error:
            raise self.error(step, str(error)) from error
        self.socket = tls
        return tls

    def open(self, service: str, domain: str, step: str) -> ElementTree.Element:
        """Open a stream (RFC 6120 section 4.2) and return the features offered. service: one of CONTENT."""
        self._parser, self._depth = _parser(), 0
        dialback = " xmlns:db='jabber:server:dialback'" if service == "xmpp-server" else ""
        self.send(
            f"<?xml version='1.0'?><stream:stream xmlns='{CONTENT[service]}' xmlns:stream='{STREAMS}'{dialback}"
            f" to={quoteattr(domain)} version='1.0'>",
            step,
        )
        features = self.next(step)
        if features.tag != f"{{{STREAMS}}}features":
            raise self.error(step, f"stream features expected, {as_text(features)} came")
        return features

    def start_tls(self) -> None:
        """Ask for TLS (RFC 6120 section 5.4.2) and wait until the server agrees; the handshake is next."""
        self.send(f"<starttls xmlns='{STARTTLS}'/>", "STARTTLS")
        answer = self.next("STARTTLS")
        if answer.tag != f"{{{STARTTLS}}}proceed":
            raise self.error("STARTTLS", f"proceed expected, {as_text(answer)} came")

    def send(self, text: str, step: str) -> None:
        """Send a piece of the stream as it is."""
        try:
            self._ready(step).sendall(text.encode())
        except OSError as error:
            raise self._failed(step, error) from error

    def exchange(self, data: bytes, most: int, step: str) -> bytes:
        """Send bytes of another protocol, and return the first answer: at most so many bytes, none at its end."""
        connection = self._ready(step)
        try:
            connection.sendall(data)
            return connection.recv(most)
        except OSError as error:
            raise self._failed(step, error) from error

    def next(self, step: str) -> ElementTree.Element:
        """Return the next complete element on the level below the stream's root; a stream error is raised."""
        self._received = 0
        while True:
            element = self._parsed(step)
            if element is None:
                self._receive(step)
            elif element.tag == f"{{{STREAMS}}}error":
                raise self.error(step, "stream error " + ", ".join(_condition(child) for child in element))
            else:
                return element

    def _receive(self, step: str) -> None:
        try:
            data = self._ready(step).recv(16384)
        except OSError as error:
            raise self._failed(step, error) from error
        if not data:
            raise self.error(step, "the connection was closed")
        self._received += len(data)
        self._last = data
        if self._received > _MOST_BYTES:
            raise self.error(step, f"more than {_MOST_BYTES} bytes")
        # RFC 6120 section 11.1 forbids document types, and nothing else could make the parser expand entities
        if b"<!D" in data or b"<!E" in data:
            raise self.error(step, "a document type, which XMPP forbids")
        self._parser.feed(data)

    def _parsed(self, step: str) -> ElementTree.Element | None:
        """The next complete element among what has been fed to the parser."""
        try:
            for event, element in cast(Iterator[tuple[str, ElementTree.Element]], self._parser.read_events()):
                self._depth += 1 if event == "start" else -1
                if self._depth == 0:
                    raise self.error(step, "the stream was closed")
                if event == "end" and self._depth == 1:
                    return element
        except ElementTree.ParseError as error:
            raise self.error(step, f"not XMPP: {self._last[:60]!r}") from error
        return None

    def _failed(self, step: str, error: OSError) -> StreamError:
        if isinstance(error, socket.timeout):
            return self.error(step, f"no answer within {self.timeout:g} s")
        if isinstance(error, ssl.SSLEOFError):
            return self.error(step, "the connection was closed")
        if isinstance(error, ssl.SSLCertVerificationError):
            return self.error(step, f"the certificate is not valid: {error.verify_message}")
        if isinstance(error, ssl.SSLError) and error.reason:
            return self.error(step, error.reason.replace("_", " ").lower())
        return self.error(step, (error.strerror or str(error) or type(error).__name__).lower())

    def _remaining(self, step: str) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise self.error(step, f"no answer within {self.timeout:g} s")
        return left

    def _ready(self, step: str) -> socket.socket:
        if self.socket is None:
            raise self.error(step, "not connected")
        self.socket.settimeout(self._remaining(step))
        return self.socket


@contextlib.contextmanager
def at_tls(host: str, port: int, timeout: float, starttls: str = "", domain: str = "") -> Iterator[Stream]:
    """A connection on which TLS may begin; raises StreamError.

    starttls: "xmpp-client" or "xmpp-server" where `domain` is asked for it first (RFC 6120 section 5), else "".
    """
    with Stream(host, port, timeout) as stream:
        stream.connect()
        if starttls:
            stream.open(starttls, domain, "stream before TLS")
            stream.start_tls()
        yield stream


def as_text(element: ElementTree.Element) -> str:
    """Return an element as well-formed XML."""
    return ElementTree.tostring(element, encoding="unicode")


def _parser() -> ElementTree.XMLPullParser[ElementTree.Element]:
    return ElementTree.XMLPullParser(("start", "end"))


def _condition(element: ElementTree.Element) -> str:
    name = element.tag.rpartition("}")[2]
    return f"'{element.text}'" if name == "text" else name
