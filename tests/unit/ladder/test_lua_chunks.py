# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Lua inside of Python is found, all of it, and what is wrong in it is told."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import pytest
from lint import lua
from lint.chunks import Chunk, chunks
from lint.lua import ROOT, compiles, of_python, tracked

FOUND = of_python()
# words that hardly ever stand in a text that is no Lua, whatever else the text looks like
LUA_ALONE = re.compile(r"prosody\.(?:core|util|hosts)\b|\bpcall\(|\blocal \w+ = |\bend\)|\bpairs\(|\.\.\s*\"|~= nil")


def texts(source: str) -> list[str]:
    """Out: the texts of a file, apart from docstrings."""
    tree = ast.parse(source)
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docs]
    return [node.value for node in constants if isinstance(node.value, str)]


def found_in(source: str) -> list[str]:
    """Out: the chunks of a file."""
    return [chunk.text for chunk in chunks(source, compiles)]


def test_every_text_that_speaks_lua_is_in_a_chunk() -> None:
    """Looked for in another way than the check does."""
    missed = []
    seen = " ".join(chunk.text for all_of_it in FOUND.values() for chunk in all_of_it)
    for name in tracked("plugins/*.py") + tracked("molecule/*.py") + tracked("tests/scenario/*.py"):
        for text in texts((ROOT / name).read_text(encoding="utf-8")):
            if (
                LUA_ALONE.search(text)
                and not text.startswith("\nmodule: ")
                and text.removeprefix("> ").strip()[:20] not in seen
            ):
                missed.append((name, text[:60]))
    assert missed == []


def test_the_files_that_talk_to_prosody_have_some() -> None:
    assert sum(map(len, FOUND.values())) > 30
    assert len([name for name in FOUND if name.startswith("plugins/module_utils/")]) > 8


def test_every_chunk_compiles() -> None:
    assert [f"{name}:{one.line}" for name, all_ in FOUND.items() for one in all_ if not compiles(one.text)] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("'no text of it'", []),
        ("def f():\n    'local a = 1'", []),
        ("A = 'local a = 1'", ["local a = 1"]),
        ("f('> return true')", ["return true"]),
        ("f(f'return xa.do_it({x})')", ["return xa.do_it(UNKNOWN)"]),
        ("f('local a = %s' % b)", ["local a = UNKNOWN"]),
        ("A = 'local a = 1'\nB = A + ' return true, a'", ["local a = 1 return true, a"]),
        ("A = 'local a = WHAT'.replace('WHAT', str(5))", ["local a = UNKNOWN"]),
        ("def f(x):\n    a = 'g(n)'\n    return f'for n = 1, 2 do {a} end'", ["for n = 1, 2 do g(n) end"]),
        ("f('local a = 1 ' + lua + ' return true')", ["local a = 1  return true"]),
        ("A = 'local function ('", ["local function ("]),
        ("a = '> return true'\nb = f\"timeout 3 prosodyctl shell '{a}'\"", ["return true"]),
        ("EXAMPLES = '''local a = 1'''", []),
        ("def f():\n    a = '> return true'\n    g(a + '\\n')", ["return true"]),
    ],
)
def test_what_is_a_chunk(source: str, found: list[str]) -> None:
    assert found_in(source) == found


def test_what_comes_from_another_file_is_put_in() -> None:
    given = {"HEAD": "local function f() end "}
    assert chunks("A = HEAD + 'return true, f()'", compiles, given) == [
        Chunk(1, "local function f() end return true, f()")
    ]
    names = lua.imported("plugins/module_utils/tls/served.py")
    assert "local function listening()" in names["LISTENING"]


def test_a_chunk_knows_its_line() -> None:
    assert chunks("\n\nA = ('local a = 1'\n)", compiles) == [Chunk(3, "local a = 1")]


@pytest.mark.skipif(not shutil.which("luacheck"), reason="rung lint brings luacheck")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("\nlocal a = 1\nreturn true, a", []),
        ("\nlocal a = 1\nreturn true", ["W211 unused variable 'a'"]),
        ("\nreturn true, a", ["W113 accessing undefined variable 'a'"]),
        ("\nlocal function (", ["E011 expected identifier near '('"]),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, says: list[str], tmp_path: Path) -> None:
    said = lua.check_python({"plugins/x.py": [Chunk(7, text)]}, tmp_path)
    assert [line.partition(": ")[2] for line in said] == says
    assert all(re.match(r"plugins/x\.py:[789]: ", line) for line in said)


def test_a_check_that_finds_nothing_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(lua, "of_python", dict)
    assert lua.main() == 1
    assert "0 chunks" in capsys.readouterr().out


def test_an_exemption_that_exempts_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(lua.EXEMPT, "nothing begins so", "for the test")
    with pytest.raises(ValueError, match="nothing begins so"):
        lua.of_python()
