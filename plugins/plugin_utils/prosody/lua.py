# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Python values as Lua source.

Every value that a variable can hold becomes Lua, or an error names its path.
Source: Lua 5.4 manual, sections 3.1 and 3.4.9.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import KEYWORDS, LuaTextError, quote

WIDTH = 100
"""Column up to which a table is written on one line; a tab counts as four columns."""

MAX_DEPTH = 50
"""Tables within tables: far above any sensible option, far below what stops Lua's parser (200 levels)."""

_TAB = 4
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_MAX_INTEGER = 2**63 - 1


class LuaError(XmppError):
    """A value that has no form in Lua. The message starts with the path of the value."""


@dataclass(frozen=True)
class Call:
    """A call such as FileLine("/etc/prosody/secrets/x"): the name of a function and its arguments."""

    name: str
    args: tuple[Any, ...] = field(default=())

    def __init__(self, name: str, *args: Any) -> None:
        if not is_identifier(name):
            raise LuaError(f"{name!r} is no name of a Lua function")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "args", args)


def is_identifier(name: str) -> bool:
    """Whether Lua reads `name` as a name: ASCII letters, digits and _, no leading digit, no reserved word."""
    return bool(_IDENTIFIER.match(name)) and name not in KEYWORDS


def to_lua(value: Any, indent: int = 0, path: str = "") -> str:
    """Return `value` as a Lua expression.

    In: None only inside a mapping, where it means "not set"; bool, int, float, str, list, tuple, mapping, Call, nested
    at will. `indent`: tabs before the line the expression starts on. `path`: where the value comes from, for errors.
    Out: Lua source; tables that fit stay on one line, others get one entry per line.
    Raises LuaError, naming the path, for anything else: None, NaN, infinity, integers over 64 bits, lone surrogates,
    unordered or unknown types, nesting beyond MAX_DEPTH.
    """
    return _expression(value, indent, path or "value", 0)


def _expression(value: Any, indent: int, path: str, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise LuaError(f"{path}: nested more than {MAX_DEPTH} levels deep; does the value contain itself?")
    if isinstance(value, Call):
        arguments = ", ".join(_expression(item, indent, path, depth + 1) for item in value.args)
        return f"{value.name}({arguments})"
    if isinstance(value, Mapping):
        return _table(_pairs(value, indent + 1, path, depth), indent)
    if isinstance(value, (list, tuple)):
        return _table(_items(value, indent + 1, path, depth), indent)
    return _scalar(value, indent, path)


def _scalar(value: Any, indent: int, path: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if abs(value) > _MAX_INTEGER:
            raise LuaError(f"{path}: {int.__repr__(value)} does not fit the 64 bits of a Lua integer")
        return int.__repr__(value)
    if isinstance(value, float):
        if math.isnan(value) or math.isinf(value):
            raise LuaError(
                f"{path}: {float.__repr__(value)} cannot be written to a configuration; give a finite number"
            )
        return float.__repr__(value)
    if isinstance(value, str):
        return _string(value, indent, path)
    if value is None:
        raise LuaError(f"{path}: has no value (null); give one, or leave the entry out")
    raise LuaError(f"{path}: a value of type {type(value).__name__} has no form in Lua; a date or version needs quotes")


def _string(value: str, indent: int, path: str) -> str:
    """A string; a text of several lines is broken after its line ends with \\z, which skips the space that follows."""
    try:
        literal = quote(value)
        if "\n" not in value.rstrip("\n") or columns(literal, indent) <= WIDTH:
            return literal
        parts = [quote(line)[1:-1] for line in value.splitlines(keepends=True)]
    except LuaTextError as error:
        raise LuaError(f"{path}: {error}") from error
    margin = "\t" * (indent + 1)
    lines = [parts[0], *(_shield(part) for part in parts[1:])]
    return '"' + f"\\z\n{margin}".join(lines) + '"'


def _shield(part: str) -> str:
    """A leading space would be skipped after \\z: write it as a byte."""
    return "\\032" + part[1:] if part.startswith(" ") else part


def _pairs(value: Mapping[Any, Any], indent: int, path: str, depth: int) -> Iterable[str]:
    for key, item in value.items():
        if item is None:
            continue
        if isinstance(key, str):
            place = f"{path}.{key}" if is_identifier(key) else f"{path}[{key!r}]"
            name = str.__str__(key) if is_identifier(key) else f"[{_scalar(key, indent, place)}]"
        elif isinstance(key, int) and not isinstance(key, bool):
            place = f"{path}[{key}]"
            name = f"[{_scalar(key, indent, place)}]"
        else:
            raise LuaError(f"{path}: a key is neither text nor an integer")
        yield f"{name} = {_expression(item, indent, place, depth + 1)}"


def _items(value: Iterable[Any], indent: int, path: str, depth: int) -> Iterable[str]:
    for index, item in enumerate(value):
        yield _expression(item, indent, f"{path}[{index}]", depth + 1)


def _table(entries: Iterable[str], indent: int) -> str:
    lines = list(entries)
    if not lines:
        return "{}"
    short = "{ " + ", ".join(lines) + " }"
    if "\n" not in short and columns(short, indent) <= WIDTH:
        return short
    margin = "\t" * (indent + 1)
    return "{\n" + "".join(f"{margin}{line};\n" for line in lines) + "\t" * indent + "}"


def columns(text: str, indent: int) -> int:
    """Columns that a line of `text` behind `indent` tabs takes."""
    return indent * _TAB + len(text)
