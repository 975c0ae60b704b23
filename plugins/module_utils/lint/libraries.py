# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lua libraries on the machine: package.searchpath without a Lua."""

from __future__ import annotations

from pathlib import Path

BUILT_IN = frozenset(
    {"string", "table", "math", "os", "io", "debug", "coroutine", "package", "utf8", "_G", "bit32", "prosody"}
)


def search(name: str, templates: str) -> Path | None:
    """File of a library as package.searchpath finds it in package.path or package.cpath, or both joined by ";"."""
    path = name.replace(".", "/")
    for template in templates.split(";"):
        if "?" in template:
            candidate = Path(template.replace("?", path))
            if candidate.is_file():
                return candidate
    return None


def exists(name: str, templates: str) -> bool:
    """Whether require() finds a library; Prosody's own have two names (loader.lua)."""
    if name in BUILT_IN:
        return True
    names = [name, name[len("prosody.") :]] if name.startswith("prosody.") else [name]
    return any(search(candidate, templates) for candidate in names)
