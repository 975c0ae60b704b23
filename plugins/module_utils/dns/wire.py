# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Questions to DNS and what is read of the answers, as bytes (RFC 1035). Pure.

For targets, where dnspython need not be.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

SOA, SRV, TLSA = 6, 33, 52
_RECURSE, _CHECKED, _CUT = 0x0100, 0x0020, 0x0200
#: RFC 6891: an OPT record for 1232 bytes, which asks for signatures (DO)
_OPT = struct.pack("!BHHIH", 0, 41, 1232, 0x00008000, 0)
_NO_ERROR, _NO_NAME = 0, 3


class BadAnswerError(ValueError):
    """Bytes that are no answer to the question."""


@dataclass(frozen=True)
class Service:
    """What an SRV record leads to (RFC 2782). target: without the final dot, "" where there is no such service."""

    port: int
    target: str


@dataclass(frozen=True)
class Voucher:
    """What a TLSA record says (RFC 6698)."""

    usage: int
    selector: int
    matching: int
    data: bytes


@dataclass(frozen=True)
class Read:
    """An answer. proved: whether by signatures; cut: whether it is to be asked for again by TCP."""

    proved: bool
    cut: bool
    records: tuple[Service | Voucher, ...] = ()


def question(name: str, number: int, kind: int = SOA) -> bytes:
    """Return a query for records of a name, "" for the root. number: of the query, which its answer repeats."""
    labels = [label.encode("idna" if not label.isascii() else "ascii") for label in name.strip(".").split(".") if label]
    owner = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    head = struct.pack("!HHHHHH", number, _RECURSE | _CHECKED, 1, 0, 0, 1)
    return head + owner + struct.pack("!HH", kind, 1) + _OPT


def read(answer: bytes, number: int) -> Read:
    """Read an answer to the query of that number; raises BadAnswerError where it is none, or a refusal to answer."""
    try:
        told, flags, asked, given = struct.unpack_from("!HHHH", answer)
        if told != number or not flags & 0x8000:
            raise BadAnswerError("it belongs to no question of ours")
        if flags & 0x000F not in (_NO_ERROR, _NO_NAME):
            raise BadAnswerError(f"it says that there is an error (code {flags & 0x000F})")
        proved, cut, at = bool(flags & _CHECKED), bool(flags & _CUT), 12
        if cut:
            return Read(proved, cut)
        for _one in range(asked):
            at = _name(answer, at)[1] + 4
        found: list[Service | Voucher] = []
        for _one in range(given):
            at = _name(answer, at)[1]
            kind, _class, _ttl, length = struct.unpack_from("!HHIH", answer, at)
            at += 10
            if kind == SRV:
                found.append(Service(struct.unpack_from("!H", answer, at + 4)[0], _name(answer, at + 6)[0]))
            elif kind == TLSA:
                usage, selector, matching = struct.unpack_from("!BBB", answer, at)
                found.append(Voucher(usage, selector, matching, answer[at + 3 : at + length]))
            at += length
    except (struct.error, IndexError) as error:
        raise BadAnswerError("it ends too early") from error
    return Read(proved, cut, tuple(found))


def _name(answer: bytes, at: int) -> tuple[str, int]:
    """The name at a place, and the place after it; it may go on elsewhere (section 4.1.4), further ahead each time."""
    labels, end, limit = [], 0, at + 1
    while size := answer[at]:
        if size >= 0xC0:
            end = end or at + 2
            place = (size & 0x3F) << 8 | answer[at + 1]
            if place >= limit:
                raise BadAnswerError("a name in it has no end")
            at = limit = place
            continue
        labels.append(answer[at + 1 : at + 1 + size].decode("ascii", "replace"))
        at += size + 1
    return ".".join(labels), end or at + 1
