# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading DER (ITU-T X.690), as much of it as certificates use. Pure: bytes in, values out, DerError otherwise."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

BOOLEAN, INTEGER, OCTET_STRING, OID = 0x01, 0x02, 0x04, 0x06
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31

# X.680 string types by tag, and how their content is encoded; TeletexString is Latin-1 in practice
_STRINGS = {
    0x0C: "utf-8",
    0x12: "ascii",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1A: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}


class DerError(XmppError):
    """The bytes are not the DER that was expected."""


@dataclass(frozen=True)
class Node:
    """One element: its tag byte, its content, and its whole encoding (tag and length included)."""

    tag: int
    content: bytes
    whole: bytes

    def expect(self, tag: int, what: str) -> Node:
        """This node when its tag is `tag`; raises DerError naming `what` otherwise."""
        if self.tag != tag:
            raise DerError(f"{what}: tag 0x{tag:02x} expected, 0x{self.tag:02x} found")
        return self

    def children(self) -> tuple[Node, ...]:
        """The elements inside this one; raises DerError when the content is not a sequence of elements."""
        found = []
        rest = self.content
        while rest:
            node, rest = read_one(rest)
            found.append(node)
        return tuple(found)

    def only_child(self, what: str) -> Node:
        """The one element inside this one; raises DerError when there are none or several."""
        inside = self.children()
        if len(inside) != 1:
            raise DerError(f"{what}: one element expected, {len(inside)} found")
        return inside[0]


def read_one(data: bytes) -> tuple[Node, bytes]:
    """The first element of `data`, and the bytes after it; raises DerError (X.690 section 8.1, 10.1)."""
    if len(data) < 2:
        raise DerError("truncated: no tag and length")
    tag, length, start = data[0], data[1], 2
    if tag & 0x1F == 0x1F:
        raise DerError("tags above 30 do not occur in certificates")
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4:
            raise DerError(f"a length of {count} bytes is not DER")
        if len(data) < 2 + count:
            raise DerError("truncated: length cut off")
        length = int.from_bytes(data[2 : 2 + count], "big")
        start = 2 + count
        if length < 0x80 or data[2] == 0:
            raise DerError("the length is not in its shortest form")
    end = start + length
    if end > len(data):
        raise DerError(f"truncated: {length} bytes announced, {len(data) - start} present")
    return Node(tag, data[start:end], data[:end]), data[end:]


def read_whole(data: bytes) -> Node:
    """The one element that `data` consists of; raises DerError when bytes follow it."""
    node, rest = read_one(data)
    if rest:
        raise DerError(f"{len(rest)} bytes follow the end")
    return node


def integer(node: Node) -> int:
    """The value of an INTEGER."""
    node.expect(INTEGER, "integer")
    if not node.content:
        raise DerError("empty integer")
    return int.from_bytes(node.content, "big", signed=True)


def boolean(node: Node) -> bool:
    """The value of a BOOLEAN."""
    node.expect(BOOLEAN, "boolean")
    if len(node.content) != 1:
        raise DerError("a boolean has one byte")
    return node.content != b"\0"


def object_identifier(node: Node) -> str:
    """The dotted form of an OBJECT IDENTIFIER (X.690 section 8.19)."""
    node.expect(OID, "object identifier")
    if not node.content or node.content[-1] & 0x80:
        raise DerError("truncated object identifier")
    arcs, value = [], 0
    for byte in node.content:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))


def text(node: Node) -> str:
    """The text of any of the string types; raises DerError for other types and for bytes that are not its encoding."""
    encoding = _STRINGS.get(node.tag)
    if encoding is None:
        raise DerError(f"tag 0x{node.tag:02x} is not a string")
    try:
        return node.content.decode(encoding)
    except UnicodeDecodeError as error:
        raise DerError(f"string is not {encoding}: {error.reason}") from error


def time(node: Node) -> datetime.datetime:
    """A UTCTime or GeneralizedTime as certificates may hold it (RFC 5280 section 4.1.2.5), in UTC."""
    try:
        digits = node.content.decode("ascii")
        if node.tag == UTC_TIME:
            year = int(digits[:2])
            digits = f"{1900 + year if year >= 50 else 2000 + year}{digits[2:]}"
        elif node.tag != GENERALIZED_TIME:
            raise DerError(f"tag 0x{node.tag:02x} is not a time")
        if len(digits) != 15:
            raise ValueError
        return datetime.datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    except ValueError as error:
        raise DerError(f"not a time of a certificate: {node.content!r}") from error
