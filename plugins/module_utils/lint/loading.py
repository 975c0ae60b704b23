# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which modules Prosody loads by itself, read off its core/modulemanager.lua and the headers of modules."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.expressions import TableLiteral
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.source import METADATA, constant_table


@dataclass(frozen=True)
class Loading:
    """automatic: modules that every host gets; inheritable: those that a Component takes from the global list."""

    automatic: frozenset[str] = frozenset()
    inheritable: frozenset[str] = frozenset()


def strings(table: TableLiteral) -> tuple[str, ...]:
    """The texts in the list part of a table."""
    return tuple(value for value in table.items if isinstance(value, str))


def text_of(path: Path) -> str:
    """A source file, "" when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def read(core: Path) -> Loading:
    """The lists of an installed Prosody. The second one has another name since 13.0.6."""
    manager = text_of(core / "core" / "modulemanager.lua")
    inheritable = strings(constant_table(manager, "component_inheritable_modules")) or strings(
        constant_table(manager, "default_component_inheritable_modules")
    )
    return Loading(frozenset(strings(constant_table(manager, "autoload_modules"))), frozenset(inheritable))


def words(metadata: Mapping[str, str], key: str) -> list[str]:
    """A list in the header of a module."""
    return [word for word in re.split(r"[, ]+", metadata.get(key, "")) if word]


def entries(directory: Path) -> list[os.DirEntry[str]]:
    """What lies in a directory, by name; nothing when it cannot be read."""
    try:
        with os.scandir(directory) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []


def candidates(root: Path, lua: str = "5.4") -> dict[str, list[Path]]:
    """Module name → files below one plugin directory, in the order in which util/pluginloader.lua tries them."""
    found: dict[str, dict[int, Path]] = {}
    for entry in entries(root):
        if entry.name.startswith("mod_") and entry.name.endswith(".lua") and not entry.name.endswith(".lib.lua"):
            found.setdefault(entry.name[4:-4], {})[3] = root / entry.name
        elif entry.is_dir():
            directory = root / entry.name
            if entry.name.startswith("mod_"):
                name = entry.name[4:]
                for rank, path in ((0, directory / name / f"mod_{name}.lua"), (1, directory / f"mod_{name}.lua")):
                    if path.is_file():
                        found.setdefault(name, {})[rank] = path
            elif (directory / f"mod_{entry.name}.lua").is_file():
                found.setdefault(entry.name, {})[2] = directory / f"mod_{entry.name}.lua"
    shared = root / "share" / "lua" / lua
    for entry in entries(shared):
        if entry.name.startswith("mod_") and entry.name.endswith(".lua"):
            found.setdefault(entry.name[4:-4], {})[4] = shared / entry.name
        elif entry.name.startswith("mod_") and (shared / entry.name / f"{entry.name}.lua").is_file():
            found.setdefault(entry.name[4:], {})[5] = shared / entry.name / f"{entry.name}.lua"
    return {name: [paths[rank] for rank in sorted(paths)] for name, paths in found.items()}


def wished(component: str, roots: Iterable[Path]) -> frozenset[str]:
    """Global modules that the module of a Component asks for in its header (inherit_modules, since 13.0.6)."""
    for root in roots:
        for path in candidates(root).get(component, ()):
            return frozenset(words(dict(METADATA.findall(text_of(path))), "inherit_modules"))
    return frozenset()
