# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines of keys inside a table: Lua tells the line of a statement, the text tells the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.expressions import skip_group
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.tokens import NAME, STRING, Lines, Token, tokens

_OPEN = {"{", "(", "["}
_CLOSE = {"}", ")", "]"}


class Locator:
    """Finds the line of an option or of a key in it, near a line that is known."""

    def __init__(self, texts: Mapping[str, str] | None = None) -> None:
        self._texts = dict(texts or {})
        self._parsed: dict[str, tuple[list[Token], Lines]] = {}

    def _tokens(self, file: str) -> tuple[list[Token], Lines]:
        if file not in self._parsed:
            text = self._texts.get(file)
            if text is None:
                try:
                    text = Path(file).read_text(encoding="utf-8", errors="replace")
                except OSError:
                    text = ""
            self._parsed[file] = (list(tokens(text)), Lines(text))
        return self._parsed[file]

    def line(self, file: str, line: int, keys: Sequence[Any]) -> int:
        """Line of keys[0] near `line`, then of keys[1] inside its table, and so on, as deep as they are found; else 0.

        Lua tells the line where a statement ends, and for `VirtualHost "x" { … }` the line where it begins.
        """
        if not line:
            return 0
        stream, lines = self._tokens(file)
        position = self._statement(stream, lines, line, keys[0])
        found = 0
        for depth, key in enumerate(keys):
            position = self._find(stream, position, key, inside=depth > 0)
            if position < 0:
                break
            found = lines.of(stream[position][2])
            position += 1
        return found

    @staticmethod
    def _statement(stream: list[Token], lines: Lines, line: int, key: Any) -> int:
        """Index of the `key =` whose value ends on `line`; else of the first token on or after it."""
        first = len(stream)
        for index, (kind, value, offset) in enumerate(stream):
            begins = lines.of(offset)
            if begins >= line and index < first:
                first = index
            if begins > line:
                break
            if kind == NAME and value == key and index + 2 < len(stream) and stream[index + 1][1] == "=":
                end = skip_group(stream, index + 2) - 1 if stream[index + 2][1] in _OPEN else index + 2
                if begins == line or lines.of(stream[min(end, len(stream) - 1)][2]) == line:
                    return index
        return first

    @staticmethod
    def _find(stream: list[Token], start: int, key: Any, *, inside: bool) -> int:
        """Index of `key =`, `["key"] =` or, inside a table, of the plain text; else -1. `inside`: in the next table."""
        position, depth = start, 0
        while position < len(stream):
            kind, value, _offset = stream[position]
            if value in _OPEN and kind == "operator":
                depth += 1
            elif value in _CLOSE and kind == "operator":
                depth -= 1
                if inside and depth <= 0 and value == "}":
                    return -1
            elif (kind in (NAME, STRING)) and value == key and (not inside or depth >= 1):
                following = stream[position + 1][1] if position + 1 < len(stream) else ""
                if following == "]" and position + 2 < len(stream):
                    following = stream[position + 2][1]
                if following == "=" or (inside and kind == STRING):
                    return position
            position += 1
        return -1
