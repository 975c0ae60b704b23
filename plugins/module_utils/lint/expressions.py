# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Constant expressions in Lua sources: literals, tables, concatenations of known parts. Nothing is executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.tokens import (
    KEYWORD,
    NAME,
    NUMBER,
    STRING,
    Token,
)


class Unknown:
    """The value of an expression that cannot be told without running it."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Joined:
    """A text of which only parts are known; None stands for any text."""

    parts: tuple[str | None, ...]


@dataclass(frozen=True)
class TableLiteral:
    """A table constructor: pairs of key (a text, a number, UNKNOWN) and value."""

    pairs: tuple[tuple[Any, Any], ...]

    @property
    def items(self) -> list[Any]:
        return [value for key, value in self.pairs if isinstance(key, int)]

    @property
    def named(self) -> dict[str, Any]:
        return {key: value for key, value in self.pairs if isinstance(key, str)}


_OPENERS = {"(": ")", "{": "}", "[": "]"}
_BLOCK_BEGIN = {"function", "if", "do", "repeat"}
_BLOCK_END = {"end", "until"}


def skip_group(stream: list[Token], index: int) -> int:
    """Index after the bracket that closes the one at `index` (after the last token when none does)."""
    depth = 0
    while index < len(stream):
        kind, value, _offset = stream[index]
        if kind == "operator":
            if value in _OPENERS:
                depth += 1
            elif value in (")", "}", "]"):
                depth -= 1
                if depth <= 0:
                    return index + 1
        index += 1
    return index


def arguments(stream: list[Token], index: int) -> tuple[list[tuple[int, int]], int]:
    """Arguments of the call whose bracket, text or table is at `index`: (begin, end) of each; where the call ends."""
    if index >= len(stream):
        return [], index
    kind, value, _offset = stream[index]
    if kind == STRING:
        return [(index, index + 1)], index + 1
    if value == "{" and kind == "operator":
        end = skip_group(stream, index)
        return [(index, end)], end
    if value != "(" or kind != "operator":
        return [], index
    found: list[tuple[int, int]] = []
    begin = position = index + 1
    brackets = blocks = 0
    while position < len(stream):
        kind, value, _offset = stream[position]
        if kind == "operator":
            if value in _OPENERS:
                brackets += 1
            elif value in (")", "}", "]"):
                if value == ")" and brackets == 0:
                    break
                brackets -= 1
            elif value == "," and brackets == 0 and blocks == 0:
                found.append((begin, position))
                begin = position + 1
        elif kind == KEYWORD:
            if value in _BLOCK_BEGIN:
                blocks += 1
            elif value in _BLOCK_END:
                blocks -= 1
        position += 1
    if position > begin:
        found.append((begin, position))
    return found, position + 1


class _Parser:
    def __init__(self, stream: list[Token], begin: int, end: int, names: Mapping[str, Any]) -> None:
        self.stream, self.position, self.end, self.names = stream, begin, end, names

    def _peek(self) -> tuple[str, Any]:
        if self.position >= self.end:
            return "", ""
        token = self.stream[self.position]
        return token[0], token[1]

    def _next(self) -> tuple[str, Any]:
        token = self._peek()
        self.position += 1
        return token

    def expression(self) -> Any:
        """One expression up to the end of the range; UNKNOWN when it holds anything else."""
        value = self.alternatives()
        return value if self.position >= self.end else UNKNOWN

    def alternatives(self) -> Any:
        value = self.concatenation()
        while self._peek() in ((KEYWORD, "or"), (KEYWORD, "and")):
            self._next()
            self.concatenation()
            value = UNKNOWN
        return value

    def concatenation(self) -> Any:
        parts = [self.sum()]
        while self._peek() == ("operator", ".."):
            self._next()
            parts.append(self.sum())
        if len(parts) == 1:
            return parts[0]
        flat: list[str | None] = []
        for part in parts:
            if isinstance(part, Joined):
                flat.extend(part.parts)
            elif isinstance(part, str):
                flat.append(part)
            elif isinstance(part, (int, float)) and not isinstance(part, bool):
                flat.append(str(part))
            else:
                flat.append(None)
        return "".join(part or "" for part in flat) if None not in flat else Joined(tuple(flat))

    def sum(self) -> Any:
        value = self.product()
        while self._peek() in (("operator", "+"), ("operator", "-")):
            _kind, sign = self._next()
            other = self.product()
            value = _arithmetic(sign, value, other)
        return value

    def product(self) -> Any:
        value = self.unary()
        while self._peek() in (
            ("operator", "*"),
            ("operator", "/"),
            ("operator", "^"),
            ("operator", "%"),
            ("operator", "//"),
        ):
            _kind, sign = self._next()
            value = _arithmetic(sign, value, self.unary())
        return value

    def unary(self) -> Any:
        kind, value = self._peek()
        if (kind, value) == ("operator", "-"):
            self._next()
            operand = self.unary()
            return -operand if isinstance(operand, (int, float)) and not isinstance(operand, bool) else UNKNOWN
        if (kind, value) in ((KEYWORD, "not"), ("operator", "#")):
            self._next()
            self.unary()
            return UNKNOWN
        return self.primary()

    def primary(self) -> Any:
        kind, value = self._next()
        if kind in (STRING, NUMBER):
            return value
        if kind == KEYWORD:
            if value in ("true", "false", "nil"):
                return {"true": True, "false": False, "nil": None}[value]
            self.position = self.end
            return UNKNOWN
        if (kind, value) == ("operator", "{"):
            return self.table()
        if (kind, value) == ("operator", "("):
            inner = self.alternatives()
            if self._next() != ("operator", ")"):
                self.position = self.end
                return UNKNOWN
            return UNKNOWN if self.suffixes() else inner
        if kind == NAME:
            path = [value]
            while self._peek() == ("operator", "."):
                self._next()
                path.append(self._next()[1])
            if self.suffixes():
                return UNKNOWN
            return self.names.get(".".join(str(part) for part in path), UNKNOWN)
        self.position = self.end
        return UNKNOWN

    def suffixes(self) -> bool:
        """Skip calls, indexes and methods; whether there were any."""
        any_found = False
        while True:
            kind, value = self._peek()
            if kind == STRING or (kind == "operator" and value in ("(", "{", "[")):
                if value in ("(", "{", "[") and kind == "operator":
                    self.position = min(skip_group(self.stream, self.position), self.end)
                else:
                    self._next()
            elif kind == "operator" and value in (".", ":"):
                self.position += 2
            else:
                return any_found
            any_found = True

    def table(self) -> Any:
        pairs: list[tuple[Any, Any]] = []
        index = 1
        while True:
            kind, value = self._peek()
            if not kind or (kind, value) == ("operator", "}"):
                self._next()
                return TableLiteral(tuple(pairs))
            begin = self.position
            key: Any = None
            following = self.stream[self.position + 1][:2] if self.position + 1 < self.end else ("", "")
            if kind == NAME and following == ("operator", "="):
                key = value
                self.position += 2
            elif (kind, value) == ("operator", "["):
                self._next()
                key = self.alternatives()
                if self._next() != ("operator", "]") or self._next() != ("operator", "="):
                    key = UNKNOWN
            if key is None:
                key, index = index, index + 1
            stop = self._item_end()
            pairs.append((key, _Parser(self.stream, self.position, stop, self.names).expression()))
            self.position = stop
            if self._peek() in (("operator", ","), ("operator", ";")):
                self._next()
            elif self.position == begin:
                return UNKNOWN

    def _item_end(self) -> int:
        brackets = blocks = 0
        position = self.position
        while position < self.end:
            kind, value, _offset = self.stream[position]
            if kind == "operator":
                if value in _OPENERS:
                    brackets += 1
                elif value in (")", "}", "]"):
                    if brackets == 0:
                        return position
                    brackets -= 1
                elif value in (",", ";") and brackets == 0 and blocks == 0:
                    return position
            elif kind == KEYWORD:
                blocks += (value in _BLOCK_BEGIN) - (value in _BLOCK_END)
            position += 1
        return position


def _arithmetic(sign: Any, left: Any, right: Any) -> Any:
    for operand in (left, right):
        if isinstance(operand, bool) or not isinstance(operand, (int, float)):
            return UNKNOWN
    try:
        if sign == "+":
            return left + right
        if sign == "-":
            return left - right
        if sign == "*":
            return left * right
        if sign == "/":
            return left / right
        if sign == "^" and abs(left) < 1e6 and abs(right) < 64:
            return float(left) ** float(right)
    except (ArithmeticError, ValueError):
        pass
    return UNKNOWN


def evaluate(stream: list[Token], begin: int, end: int, names: Mapping[str, Any] | None = None) -> Any:
    """Value of the expression in stream[begin:end].

    Out: str, int, float, bool, None (nil), TableLiteral, Joined (a text known in part), or UNKNOWN.
    names: values of names that are known, such as {"module.name": "muc"}
    """
    return _Parser(stream, begin, end, names or {}).expression() if begin < end else None
