# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small made-up Prosody (tree/) and its Lua inside this process, so that the linter runs whole without a server."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint import Finding, Installation, Registry, lint_file
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.registry import extract
from lupa import lua54

HERE = Path(__file__).parent
TREE = HERE / "tree"
LOCAL = HERE / "local"
INSTALLATION = Installation(TREE, (TREE / "modules",), Path("/etc/prosody"), Path("/var/lib/prosody"), "lua5.4")

_PRELUDE = """
local data, position = ..., 1
io.read = function (what)
    if what == "a" then return data:sub(position) end
    local stop = data:find("\\n", position, true)
    local line = data:sub(position, stop and stop - 1)
    position = stop and stop + 1 or #data + 1
    return line
end
local out = {}
io.write = function (text) out[#out + 1] = text end
return function () return table.concat(out) end
"""


def run_command(argv: list[str], data: str = "", prelude: str = "") -> tuple[int, str, str]:
    """What AnsibleModule.run_command would give for the reader: its script, run by a Lua in this process.

    prelude: Lua that runs before it
    """
    runtime = lua54.LuaRuntime(unpack_returned_tuples=True, encoding="latin-1", register_eval=False)
    printed = runtime.execute(
        _PRELUDE.replace("local data", f"{prelude}\nlocal data", 1), data.encode(errors="surrogateescape")
    )
    try:
        runtime.execute(argv[argv.index("-e") + 1])
    except lua54.LuaError as error:
        return 1, "", str(error)
    return 0, printed(), ""


@cache
def registry() -> Registry:
    """Registry of the made-up Prosody, with a directory of local modules before its own."""
    return extract([LOCAL, TREE / "modules"], TREE)


def lint(directory: Path, text: str, **options: object) -> list[Finding]:
    """Lint a configuration given as text against the made-up Prosody."""
    path = directory / "prosody.cfg.lua"
    path.write_text(text, encoding="utf-8")
    settings = {"as_path": str(path), "installation": INSTALLATION, "roots": [LOCAL, TREE / "modules"], "wrap": []}
    return lint_file(str(path), run_command=run_command, **{**settings, **options})  # type: ignore[arg-type]


def codes(findings: list[Finding]) -> list[tuple[str, str]]:
    """Code and subject of each finding, sorted."""
    return sorted((finding.code, finding.option) for finding in findings)
