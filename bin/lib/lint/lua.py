# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""luacheck over every Lua file and every chunk of Lua inside of Python. Its settings are those in .luacheckrc.

Tests of the reader of Lua (tests/unit) have chunks that are wrong on purpose, and are left out.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from lupa.lua54 import LuaRuntime, LuaSyntaxError

from .chunks import Chunk, chunks, constants

ROOT = Path(__file__).resolve().parents[3]
COLLECTION = "ansible_collections.allthingslinux.xmpp."
# How chunks begin that are no programs, and what they are
EXEMPT = {
    "local function (": "a module of a test that shall not compile",
    "return xa.function({},)": "measured only: what stands around arguments",
    "^local function UNKNOWN": "a pattern that finds Lua",
    "\n            data_path = ": "a configuration",
}
_LUA = LuaRuntime()
_WARNING = re.compile(r"^(?P<file>.+?)@(?P<start>\d+)[.]lua:(?P<line>\d+):\d+: [(](?P<code>[EW]\d+)[)] (?P<text>.*)$")


def tracked(pattern: str) -> list[str]:
    """Out: the files that git knows, and those it does not know yet, by a pattern."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", pattern]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


@cache
def compiles(text: str) -> bool:
    """Whether Lua 5.4, which Prosody runs on in Debian, compiles a text."""
    try:
        _LUA.compile(text)
    except LuaSyntaxError:
        return False
    return True


def exemption(chunk: Chunk) -> str | None:
    """Out: how an exemption begins that the chunk has, None where it has none."""
    return next((begin for begin in EXEMPT if chunk.text.startswith(begin)), None)


def imported(name: str) -> dict[str, str]:
    """Out: the texts that a file has from other files of the collection, by the names it has for them."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8"))):
        path = ROOT / f"{(getattr(node, 'module', None) or '').removeprefix(COLLECTION).replace('.', '/')}.py"
        if isinstance(node, ast.ImportFrom) and path.is_file():
            offered = constants(ast.parse(path.read_text(encoding="utf-8")))
            found.update({one.asname or one.name: offered[one.name] for one in node.names if one.name in offered})
    return found


def of_python() -> dict[str, list[Chunk]]:
    """Out: file → the chunks in it that are programs. Raises ValueError where an exemption is of no use any more."""
    names = [name for name in tracked("*.py") if not name.startswith("tests/unit/") and (ROOT / name).exists()]
    found = {name: chunks((ROOT / name).read_text(encoding="utf-8"), compiles, imported(name)) for name in names}
    everything = [chunk for all_of_it in found.values() for chunk in all_of_it]
    if unused := set(EXEMPT) - {exemption(chunk) for chunk in everything}:
        raise ValueError(f"exemptions of chunks that are not there: {unused}")

    def is_program(chunk: Chunk) -> bool:
        part = any(chunk.text.strip() in other.text and chunk.text != other.text for other in everything)
        return exemption(chunk) is None and not (part and "function" in chunk.text)

    programs = {name: [chunk for chunk in all_of_it if is_program(chunk)] for name, all_of_it in found.items()}
    return {name: all_of_it for name, all_of_it in programs.items() if all_of_it}


def check_python(found: Mapping[str, list[Chunk]], folder: Path) -> list[str]:
    """Write the chunks into a folder, and have luacheck look at them. Out: what it says, by places in Python files."""
    for name, all_of_it in found.items():
        for chunk in all_of_it:
            place = folder / f"{name}@{chunk.line}.lua"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(chunk.text, encoding="utf-8")
    config = ["--config", str(ROOT / ".luacheckrc"), "--no-max-line-length", "--ignore", "6"]
    command = ["luacheck", *config, "--formatter", "plain", "--codes", "--no-color", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    said = []
    for line in (done.stdout + done.stderr).splitlines():
        if match := _WARNING.match(line):
            name = match["file"].removeprefix("./")
            said.append(f"{name}:{int(match['start']) + int(match['line']) - 1}: {match['code']} {match['text']}")
        else:
            said.append(line)
    return said


def main() -> int:
    """Out: 0 when there is nothing to say; 1 when there is, or when there was nothing to look at."""
    files, found = tracked("*.lua"), of_python()
    count = sum(map(len, found.values()))
    if not files or not count:
        print(f"{len(files)} Lua files and {count} chunks were found: this check does not see what there is")
        return 1
    status = subprocess.run(["luacheck", "--quiet", "--codes", "--no-color", *files], cwd=ROOT, check=False).returncode
    with tempfile.TemporaryDirectory() as folder:
        said = check_python(found, Path(folder))
    print("\n".join([*said, f"{len(files)} Lua files; {count} chunks in {len(found)} Python files"]))
    return 1 if status or said else 0


if __name__ == "__main__":
    sys.exit(main())
