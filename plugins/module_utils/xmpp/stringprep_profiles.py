# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stringprep profiles that XMPP uses, with the same results as Prosody's ``util.encodings.stringprep``.

Sources: RFC 3454 (stringprep), RFC 3491 (nameprep), RFC 6122 appendices A and B (nodeprep, resourceprep), RFC 4013
(saslprep). Prosody leaves the work to ICU, which normalises with Unicode 3.2 and lets unassigned code points pass
unless it is asked to be strict.
"""

from __future__ import annotations

import itertools
import re
import stringprep
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

#: RFC 6122, section 2.1: each part is at most this many bytes of UTF-8; Prosody has the same limit for passwords.
MAX_BYTES = 1023


class StringprepError(XmppError):
    """The text is not allowed by the profile; the message says which character, and why, without the text itself."""


@dataclass(frozen=True)
class Profile:
    """One profile of stringprep. Call it with a text to get the prepared text.

    fold: map to lower case (table B.2)
    prohibited: tests of single characters, with the reason to give
    """

    name: str
    fold: bool
    map_spaces: bool
    prohibited: tuple[tuple[Callable[[str], bool], str], ...]
    #: ASCII characters that are prohibited, as a regular expression: for the short way
    ascii_prohibited: re.Pattern[str]

    def __call__(self, text: str, strict: bool = False) -> str:
        """Return the prepared text.

        strict: refuse code points that Unicode 3.2 does not know, as Prosody does for registrations.
        Raises StringprepError: with the reason, which does not repeat the text.
        """
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            raise StringprepError("it holds half of a surrogate pair, so it is not Unicode text") from None
        if size > MAX_BYTES:
            raise StringprepError(f"it is {size} bytes long; at most {MAX_BYTES} are allowed")
        if text.isascii():
            bad = self.ascii_prohibited.search(text)
            if bad:
                raise StringprepError(f"it holds {_describe(bad.group())}")
            return text.lower() if self.fold else text
        return self._prepare(text, strict)

    def _prepare(self, text: str, strict: bool) -> str:
        if strict:
            for character in text:
                if stringprep.in_table_a1(character):
                    raise StringprepError(
                        f"it holds {_describe(character)}, which is newer than Unicode 3.2 and so not allowed in names"
                    )
        prepared = _normalised("".join(map(self._mapped, text)))
        for character in prepared:
            for test, reason in self.prohibited:
                if test(character):
                    raise StringprepError(f"it holds {_describe(character)}{reason}")
        _check_directions(prepared)
        size = len(prepared.encode())
        if size > MAX_BYTES:
            raise StringprepError(f"it is {size} bytes long when normalised; at most {MAX_BYTES} are allowed")
        return prepared

    def _mapped(self, character: str) -> str:
        # in this order: U+200B is in both tables
        if self.map_spaces and stringprep.in_table_c12(character):
            return " "
        if stringprep.in_table_b1(character):
            return ""
        return _folded(character) if self.fold else character


def _normalised(text: str) -> str:
    """NFKC of Unicode 3.2, which leaves newer code points alone and does not look across them."""
    return "".join(
        "".join(run) if unassigned else unicodedata.ucd_3_2_0.normalize("NFKC", "".join(run))
        for unassigned, run in itertools.groupby(text, stringprep.in_table_a1)
    )


def _lowered(character: str) -> str:
    """Table B.3. Letters whose small form is newer than Unicode 3.2 keep their form, whatever this Python knows."""
    mapped = stringprep.map_table_b3(character)
    return character if any(map(stringprep.in_table_a1, character + mapped)) else mapped


def _folded(character: str) -> str:
    """Table B.2, as RFC 3454 derives it from B.3 (section B.2: case folding that is stable under NFKC)."""
    lowered = _lowered(character)
    once = _normalised(lowered)
    twice = _normalised("".join(map(_lowered, once)))
    return lowered if once == twice else twice


def _direction(character: str) -> str:
    """Bidirectional class; that of a code point nobody has assigned yet is the default of its block."""
    known = unicodedata.bidirectional(character)
    if known:
        return known
    point = ord(character)
    return next((kind for first, last, kind in _RIGHT_TO_LEFT_BLOCKS if first <= point <= last), "L")


# from the head of Unicode's DerivedBidiClass.txt
_RIGHT_TO_LEFT_BLOCKS = (
    (0x0590, 0x05FF, "R"),
    (0x0600, 0x07BF, "AL"),
    (0x07C0, 0x085F, "R"),
    (0x0860, 0x08FF, "AL"),
    (0xFB1D, 0xFB4F, "R"),
    (0xFB50, 0xFDCF, "AL"),
    (0xFDF0, 0xFDFF, "AL"),
    (0xFE70, 0xFEFF, "AL"),
    (0x10800, 0x10CFF, "R"),
    (0x10D00, 0x10D3F, "AL"),
    (0x10D40, 0x10EBF, "R"),
    (0x10EC0, 0x10EFF, "AL"),
    (0x10F00, 0x10F2F, "R"),
    (0x10F30, 0x10F6F, "AL"),
    (0x10F70, 0x10FFF, "R"),
    (0x1E800, 0x1EC6F, "R"),
    (0x1EC70, 0x1ECBF, "AL"),
    (0x1ECC0, 0x1ECFF, "R"),
    (0x1ED00, 0x1ED4F, "AL"),
    (0x1ED50, 0x1EDFF, "R"),
    (0x1EE00, 0x1EEFF, "AL"),
    (0x1EF00, 0x1EFFF, "R"),
)


def _check_directions(text: str) -> None:
    """RFC 3454, section 6: text with right-to-left letters has no left-to-right ones, and starts and ends with them."""
    directions = [_direction(character) for character in text]
    if not any(direction in ("R", "AL") for direction in directions):
        return
    if "L" in directions:
        raise StringprepError("it mixes letters written from right to left with letters written from left to right")
    if directions[0] not in ("R", "AL") or directions[-1] not in ("R", "AL"):
        raise StringprepError("it has letters written from right to left, but does not start and end with one")


def _describe(character: str) -> str:
    if character == " ":
        return "a space"
    name = unicodedata.name(character, "")
    shown = f" {character!r}" if character.isprintable() else ""
    return f"the character U+{ord(character):04X}{shown}{f' ({name})' if name else ''}"


_COMMON: tuple[tuple[Callable[[str], bool], str], ...] = (
    (stringprep.in_table_c12, ", a kind of space"),
    (stringprep.in_table_c22, ", a control character"),
    (stringprep.in_table_c3, ", which is for private use"),
    (stringprep.in_table_c4, ", which is not a character"),
    (stringprep.in_table_c5, ", half of a surrogate pair"),
    (stringprep.in_table_c6, ", which is inappropriate for plain text"),
    (stringprep.in_table_c7, ", which is inappropriate for canonical text"),
    (stringprep.in_table_c8, ", which changes display or is deprecated"),
    (stringprep.in_table_c9, ", a tagging character"),
)
_ASCII_CONTROL = (stringprep.in_table_c21, ", a control character")
_NODE_EXTRA = frozenset(" \"&'/:<>@")

nameprep = Profile("nameprep", True, False, _COMMON, re.compile("(?!)"))
nodeprep = Profile(
    "nodeprep",
    True,
    False,
    (*_COMMON, _ASCII_CONTROL, (_NODE_EXTRA.__contains__, ", which a local part must not hold")),
    re.compile("[\x00-\x20\x7f\"&'/:<>@]"),
)
resourceprep = Profile("resourceprep", False, False, (*_COMMON, _ASCII_CONTROL), re.compile("[\x00-\x1f\x7f]"))
saslprep = Profile("saslprep", False, True, (*_COMMON, _ASCII_CONTROL), re.compile("[\x00-\x1f\x7f]"))
