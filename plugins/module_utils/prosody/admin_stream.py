# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The language of Prosody's admin socket: text to bytes and bytes to stanzas, without any I/O.

Source: Prosody's util/adminstream.lua and modules/mod_admin_shell.lua. One XML stream in the namespace
``xmpp:prosody.im/admin``; only elements directly below the stream header mean anything, and an answer's text can
never be mistaken for an element because it is a real parser, fed byte by byte, that reads it.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

NAMESPACE = "xmpp:prosody.im/admin"
STREAMS = "http://etherx.jabber.org/streams"
#: Prosody's default stanza size limit (util/xmppstream.lua); a longer command ends the stream.
MAX_COMMAND_BYTES = 10_000

OPENING = (
    f"<?xml version='1.0'?><stream:stream xmlns='{NAMESPACE}' xmlns:stream='{STREAMS}' xml:lang='en' id=''>"
).encode()
CLOSING = b"</stream:stream>"

# what XML 1.0 cannot carry, not even as a character reference
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class StreamError(XmppError):
    """The other side broke the protocol, or closed the stream with an error."""


@dataclass(frozen=True)
class Stanza:
    """One element directly below the stream header: local name, attributes, its text."""

    name: str
    attributes: dict[str, str]
    text: str


def _escaped(text: str) -> str:
    bad = _NOT_XML.search(text)
    if bad:
        raise XmppError(
            f"Cannot send a command to Prosody: its character {bad.start() + 1} is U+{ord(bad.group()):04X}, "
            "which XML cannot carry. Write it as an escape of a Lua string."
        )
    # a bare carriage return would arrive as a line feed
    return escape(text, {"\r": "&#13;"})


def repl_input(line: str, width: int = 200) -> bytes:
    """Return the bytes that ask Prosody to run one line of its shell.

    Raises XmppError when the line holds a character XML cannot carry, or would exceed Prosody's stanza size limit.
    """
    data = f"<repl-input width='{width}' repl='0'>{_escaped(line)}</repl-input>".encode()
    if len(data) >= MAX_COMMAND_BYTES:
        raise XmppError(
            f"Cannot send a command of {len(data)} bytes to Prosody: its admin socket takes fewer than "
            f"{MAX_COMMAND_BYTES}. Split it into several commands."
        )
    return data


def command_size(line: str) -> int:
    """Return how many bytes :func:`repl_input` makes of the line (to fill batches up to the limit)."""
    return len(_escaped(line).encode()) + len("<repl-input width='200' repl='0'></repl-input>")


def requested_input(kind: str, identity: str, secret: str | None) -> bytes:
    """Return the bytes that answer a prompt: with the secret, or (None) with a refusal."""
    head = f"<repl-requested-input type={quoteattr(kind)} id={quoteattr(identity)} "
    if secret is None:
        return (head + "status='cancel'/>").encode()
    return (head + f"status='submit'>{_escaped(secret)}</repl-requested-input>").encode()


class StreamReader:
    """Incremental reader of the server's half of the stream: feed it bytes as they come, take stanzas out.

    Only well-formed XML with the right stream header is believed. Document types, entities and processing
    instructions, which no XMPP stream may hold (RFC 6120, section 11.1), end it.
    """

    def __init__(self) -> None:
        parser = expat.ParserCreate("UTF-8", " ")
        parser.buffer_text = True
        parser.buffer_size = 65536
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._forbidden
        parser.ProcessingInstructionHandler = self._forbidden
        parser.CommentHandler = self._forbidden
        self._parser = parser
        self._depth = 0
        self._current: tuple[str, dict[str, str]] | None = None
        self._pieces: list[str] = []
        self._detail: list[str] = []
        self._ready: deque[Stanza] = deque()
        self.closed = False

    def feed(self, data: bytes) -> None:
        """Take bytes from the server. Raises StreamError when they are not such a stream."""
        try:
            self._parser.Parse(data, False)
        except expat.ExpatError as error:
            raise StreamError(f"what it sent is not XML: {error}") from None

    def next(self) -> Stanza | None:
        """Return the oldest complete stanza not yet taken, or None."""
        return self._ready.popleft() if self._ready else None

    @staticmethod
    def _forbidden(*_args: object) -> None:
        raise StreamError("it sent XML that no XMPP stream may hold")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1:
            if name != f"{STREAMS} stream":
                local = name.rpartition(" ")[2]
                raise StreamError(f"this is not Prosody's admin socket: it opened the conversation with <{local}>")
        elif self._depth == 2:
            self._current = (name, attributes)
            self._pieces = []
            self._detail = []
        elif self._depth == 3:
            self._detail.append(name.rpartition(" ")[2])

    def _characters(self, text: str) -> None:
        # the text of the stanza itself; below <stream:error> also that of its children, for the message
        if self._depth == 2 or (self._depth == 3 and self._current and self._current[0] == f"{STREAMS} error"):
            self._pieces.append(text)

    def _end(self, _name: str) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.closed = True
        elif self._depth == 1 and self._current:
            name, attributes = self._current
            self._current = None
            text = "".join(self._pieces)
            if name == f"{STREAMS} error":
                condition = next((word for word in self._detail if word != "text"), "undefined-condition")
                raise StreamError(f"Prosody ended the stream with {condition}{': ' if text else ''}{text}")
            space, _blank, local = name.rpartition(" ")
            if space == NAMESPACE:
                self._ready.append(Stanza(local, attributes, text))
