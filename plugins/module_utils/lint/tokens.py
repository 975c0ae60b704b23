# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A small tokeniser for Lua 5.1 to 5.4: enough to read calls, tables and names out of sources; nothing is executed."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Union

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import KEYWORDS

NAME = "name"
KEYWORD = "keyword"
NUMBER = "number"
STRING = "string"
OPERATOR = "operator"


# Comments and white space first, so that they cost one match each; the order of the rest matters:
# long strings before "[", numbers before ".", ".." before ".".
_TOKEN = re.compile(
    r"""
      (?P<skip> \s+ | --\[(?P<level>=*)\[ .*? (?: \](?P=level)\] | \Z ) | --[^\n]* )
    | (?P<name> [A-Za-z_][A-Za-z0-9_]* )
    | (?P<quoted> "(?:\\z\s*|\\.|[^"\\\n])*" | '(?:\\z\s*|\\.|[^'\\\n])*' )
    | \[(?P<depth>=*)\[ (?P<long> .*? ) \](?P=depth)\]
    | (?P<number> 0[xX][0-9A-Fa-f]*(?:\.[0-9A-Fa-f]*)?(?:[pP][+-]?\d+)? | (?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)? )
    | (?P<operator> \.\.\. | \.\. | == | ~= | <= | >= | // | :: | << | >> | . )
    """,
    re.VERBOSE | re.DOTALL,
)

_ESCAPE = re.compile(r"\\(?:z\s*|x[0-9A-Fa-f]{2}|u\{[0-9A-Fa-f]+\}|\d{1,3}|\r\n|.)", re.DOTALL)
_SIMPLE_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


# One token: kind, value (strings without quotes and escapes, numbers as int or float) and offset in the text.
# A bare tuple, because a run makes half a million of them.
Token = tuple[str, Union[str, int, float], int]


def _unescape(match: re.Match[str]) -> str:
    text = match.group()[1:]
    first = text[0]
    if first in _SIMPLE_ESCAPES:
        return _SIMPLE_ESCAPES[first]
    if first == "z":
        return ""
    if first == "x" and len(text) == 3:
        return chr(int(text[1:], 16))
    if first == "u" and len(text) > 1:
        code = int(text[2:-1], 16)
        return chr(code) if code < 0x110000 else "\ufffd"
    if first.isdigit() and text.isascii():
        return chr(int(text))
    return "\n" if first in "\r\n" else text


def _number(text: str) -> int | float:
    try:
        return int(text, 0) if text[:2] in ("0x", "0X") else int(text)
    except ValueError:
        pass
    try:
        return float.fromhex(text) if text[:2] in ("0x", "0X") else float(text)
    except ValueError:
        return 0


def tokens(text: str) -> Iterator[Token]:
    """Tokens of a Lua text, comments and white space left out.

    Never raises: a character that begins no token comes out as an operator.
    """
    position = 0
    if text.startswith("#"):  # the line that names the interpreter
        position = text.find("\n")
        if position < 0:
            return
    for match in _TOKEN.finditer(text, position):
        kind = match.lastgroup
        if kind in ("skip", "level"):
            continue
        if kind == "name":
            value = match.group()
            yield (KEYWORD if value in KEYWORDS else NAME, value, match.start())
        elif kind == "operator":
            yield (OPERATOR, match.group(), match.start())
        elif kind == "quoted":
            body = match.group()[1:-1]
            yield (STRING, _ESCAPE.sub(_unescape, body) if "\\" in body else body, match.start())
        elif kind == "number":
            yield (NUMBER, _number(match.group()), match.start())
        else:
            body = match.group("long")
            yield (STRING, body[1:] if body.startswith("\n") else body, match.start())


class Lines:
    """Offsets to line numbers (from 1)."""

    def __init__(self, text: str) -> None:
        self._ends = [match.start() for match in re.finditer("\n", text)]

    def of(self, offset: int) -> int:
        return bisect_right(self._ends, offset - 1) + 1
