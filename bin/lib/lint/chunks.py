# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lua inside of Python: every text in a Python file that is a chunk of Lua."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

# Stands where the text has something that is known at run time only: a value, and inside of quotes a word
UNKNOWN = "UNKNOWN"
_SIGNS = re.compile(
    r"""\blocal\s+(?:function\b|[A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)*\s*=)
    | \bfunction\s*[\w.:]*\s*\([\w\s,.]*\).*\bend\b
    | (?<![\w.])require\s*(?:"|'|\(["']|\[\[)
    | \breturn\s+(?:true|nil)\s*(?:,|\Z)
    | \A(?:>\s)?\s*return\s+[A-Za-z_][\w.]*\(
    | \b(?:then|do)\b.*\bend\b
    | \A>\s
    """,
    re.VERBOSE | re.DOTALL,
)
# A command line that has a chunk in it; the chunk is a text of its own. And what bash completes words by
_SHELL = re.compile(r"\bprosodyctl\s+shell\b|\bCOMPREPLY\b")
# The documentation of a plugin speaks of Lua
_OF_ANSIBLE = ("DOCUMENTATION", "EXAMPLES", "RETURN")


@dataclass(frozen=True)
class Chunk:
    """Lua in a Python file: the line it begins in, and its text."""

    line: int
    text: str


def looks_like_lua(text: str) -> bool:
    """Whether there is a sign of Lua in a text, however broken it is: the check shall see what does not compile."""
    return _SIGNS.search(text) is not None and not _SHELL.search(text)


def _text(node: ast.AST, known: Mapping[str, str]) -> str | None:
    """Out: the text that an expression gives, with UNKNOWN where only a run tells; None where it is no text at all."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, known) or UNKNOWN for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _text(node.left, known)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = [_text(side, known) for side in (node.left, node.right)]
        return None if sides == [None, None] else "".join(UNKNOWN if side is None else side for side in sides)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "replace":
        parts = [_text(part, known) for part in (node.func.value, *node.args[:2])]
        if len(parts) != 3 or parts[0] is None:
            return None
        return parts[0].replace(UNKNOWN if parts[1] is None else parts[1], UNKNOWN if parts[2] is None else parts[2])
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, known)
    return known.get(node.id) if isinstance(node, ast.Name) else None


def constants(tree: ast.Module, imported: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """Out: the names of a file, also those inside of functions, that are given a text, and no other one elsewhere.

    imported: those that it has from other files.
    """
    known = dict(imported)
    for node in ast.walk(tree):  # what is outside comes first
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if (
            isinstance(node, (ast.Assign, ast.AnnAssign))
            and node.value is not None
            and isinstance(targets[0], ast.Name)
        ):
            text, name = _text(node.value, known), targets[0].id
            known[name] = UNKNOWN if text is None or known.get(name, text) != text else text
    return {name: text for name, text in known.items() if text != UNKNOWN}


def _texts(node: ast.AST, known: Mapping[str, str]) -> Iterator[Chunk]:
    """Yields every text below a node once: the longest expression that gives it. Docstrings are none."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Assign) and any(getattr(target, "id", "") in _OF_ANSIBLE for target in node.targets):
        return
    if isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp, ast.Call)):
        text = _text(node, known)
        if text is not None:
            yield Chunk(node.lineno, text)
            if isinstance(node, ast.Constant):
                return
            for inner in ast.walk(node):
                if isinstance(inner, ast.FormattedValue):
                    yield from _texts(inner.value, known)
            return
    for child in ast.iter_child_nodes(node):
        yield from _texts(child, known)


def _fitting(text: str, compiles: Callable[[str], bool]) -> str:
    """Out: the text as Prosody gets it. The mark of the shell is not Lua, and what is unknown may be statements."""
    text = re.sub(r"\A>\s", "", text).replace("%s", UNKNOWN)
    variants = [text, text.replace(UNKNOWN, ""), text.replace(UNKNOWN, f" return {UNKNOWN} ")]
    return next((variant for variant in variants if compiles(variant)), text)


def chunks(
    source: str, compiles: Callable[[str], bool], imported: Mapping[str, str] = MappingProxyType({})
) -> list[Chunk]:
    """In: a Python file, and whether a text compiles as Lua. Out: what in it is Lua, also where it does not compile.

    imported: texts that the file has from others, by name. A text that is a part of another one is seen with that one.
    """
    tree = ast.parse(source)
    found: dict[str, int] = {}
    for chunk in _texts(tree, constants(tree, imported)):
        if looks_like_lua(chunk.text):
            found.setdefault(chunk.text.rstrip(), chunk.line)
    whole = [text for text in found if not any(text.strip() in other for other in found if other != text)]
    return [Chunk(found[text], _fitting(text, compiles)) for text in whole]
