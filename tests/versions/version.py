# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpacked packages of several versions of Prosody (bin/lib/rungs/versions fetches them), read without running any."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint import (
    Config,
    Finding,
    Installation,
    Registry,
    check,
    extract,
    read_config,
)
from ansible_collections.allthingslinux.xmpp.tests.unit.lint import lint_support

TREES = Path(os.environ.get("XMPP_VERSIONS", ".cache/versions"))
OWN_MODULES = Path(__file__).parents[2] / "roles" / "prosody" / "files"
# Lua in this process loads no library of another machine. What Prosody's reader of configurations needs of this one is
# to leave ASCII as it is.
_STAND_IN = """
local same = function (text) return text end
local encodings = { stringprep = { nameprep = same, nodeprep = same, resourceprep = same, saslprep = same },
    idna = { to_ascii = same, to_unicode = same }, utf8 = { valid = function () return true end },
    base64 = { encode = same, decode = same } }
for _, name in ipairs { "util.encodings", "prosody.util.encodings" } do
    package.preload[name] = function () return encodings end
end
"""


@dataclass(frozen=True)
class Version:
    """The packages of one suite. tree: what would be / on a host."""

    suite: str
    tree: Path

    @property
    def core(self) -> Path:
        return self.tree / "usr" / "lib" / "prosody"

    @property
    def number(self) -> tuple[int, ...]:
        return tuple(int(part) for part in (self.core / "prosody.version").read_text().strip().split("."))

    @property
    def installation(self) -> Installation:
        programs = tuple(self.tree / "usr" / "bin" / name for name in ("prosody", "prosodyctl"))
        assert all(program.is_file() for program in programs)
        etc, data = Path("/etc/prosody"), Path("/var/lib/prosody")
        return Installation(self.core, (self.core / "modules",), etc, data, "lua5.4", programs)

    @property
    def libraries(self) -> str:
        """Where Lua finds libraries on such a host: package.path and package.cpath."""
        share = self.tree / "usr" / "share" / "lua" / "5.4"
        compiled = sorted((self.tree / "usr" / "lib").glob("*/lua/5.4"))
        assert share.is_dir()
        assert compiled
        return f"{share}/?.lua;{share}/?/init.lua;{self.core}/?.lua;{compiled[0]}/?.so;{self.core}/?.so"

    @cached_property
    def registry(self) -> Registry:
        return extract(
            [OWN_MODULES, self.core / "modules"],
            self.core,
            programs=self.installation.programs,
            lua_path=self.libraries,
        )

    def config(self, directory: Path, text: str, pending: Iterable[str] = ()) -> Config:
        """A configuration as the reader of this version understands it."""
        path = directory / "prosody.cfg.lua"
        path.write_text(text, encoding="utf-8")
        config = read_config(
            str(path), run_command=run_lua, installation=self.installation, pending_files=pending, wrap=[]
        )
        config.lua_path, config.lua_cpath = self.libraries, ""
        return config

    def lint(self, directory: Path, text: str, pending: Iterable[str] = ()) -> list[Finding]:
        return check(self.config(directory, text, pending), self.registry)


def run_lua(argv: list[str], data: str = "", **_how: object) -> tuple[int, str, str]:
    """As AnsibleModule.run_command, by the Lua in this process."""
    return lint_support.run_command(argv, data=data, prelude=_STAND_IN)


VERSIONS = [
    pytest.param(Version(tree.name, tree), id=tree.name)
    for tree in sorted(TREES.glob("[a-z]*"))
    if (tree / "packages").is_file()
]
