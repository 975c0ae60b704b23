# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One dialect of docstrings (CONTRIBUTING, Style), and one word for one thing (docs/architecture.md, Words)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# sections by markup: of Sphinx, of Google, of NumPy
MARKUP = re.compile(
    r"^\s*:(?:param|type|returns?|rtype|raises?|arg)\b[^:\n]*:|^\s*(?:Args|Arguments|Parameters|Returns|Raises|Yields):?\s*$",
    re.MULTILINE,
)
OTHER_WORDS = re.compile(r"\bstop(?:s|ped)? to (?:collect|show|alert|ship)\b", re.IGNORECASE)
FOLDERS = ("plugins", "roles", "playbooks", "molecule", "tests", "bin", "docs", "changelogs")


def files(*suffixes: str) -> Iterator[Path]:
    """Every file of ours that ends so."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file() and path != Path(__file__):
                yield path


def docstrings(text: str) -> Iterator[str]:
    """Every docstring of a Python text."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield ast.get_docstring(node) or ""


def test_docstrings_have_no_sections_by_markup() -> None:
    found = {path: [*docstrings(path.read_text(encoding="utf-8"))] for path in files(".py")}
    assert sum(map(len, found.values())) > 1000
    assert [str(path) for path, all_ in found.items() if any(map(MARKUP.search, all_))] == []


def test_one_thing_has_one_word() -> None:
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in files(".py", ".yml", ".md", ".j2")}
    assert len(texts) > 100
    assert [str(path) for path, text in texts.items() if OTHER_WORDS.search(text)] == []


@pytest.mark.parametrize("text", ["x.\n\n:param a: b", ":raises E: when", "x\n\nArgs:\n    a: b", "Returns\n-------"])
def test_markup_is_seen(text: str) -> None:
    assert MARKUP.search(text)


@pytest.mark.parametrize("text", ["a: b\nRaises E: when", "Returns what is there.", "path:line: text"])
def test_plain_text_is_none(text: str) -> None:
    assert not MARKUP.search(text)
