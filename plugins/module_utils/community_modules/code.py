# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names, files and source text of modules. Pure.

Source: Prosody 13's core/modulemanager.lua (load_filter_cb: the `--% key: value` headers), util/pluginloader.lua (where
the main file of a module may lie), core/moduleapi.lua (depends).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

#: path below the directory of a module → content
Files = Mapping[str, bytes]

_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")
_HEADER = re.compile(r"^--% *(\w+): *(.+?)\s*$", re.MULTILINE)
_BLOCK_COMMENT = re.compile(r"--\[(=*)\[.*?\]\1\]", re.DOTALL)
# only statements at the start of a line: what is indented may never be reached
_DEPENDS = re.compile(
    r"""^(?:local\s+[\w,\s]+=\s*)?module\s*:\s*depends\s*\(?\s*(["'])(\w+)\1(?P<soft>\s*,\s*true)?""", re.MULTILINE
)


class ModuleSetError(XmppError):
    """A set of modules that cannot be had, or that the server does not take."""


@dataclass(frozen=True)
class Code:
    """What the main file of a module says about itself."""

    depends: frozenset[str] = frozenset()
    conflicts: frozenset[str] = frozenset()
    requires: frozenset[str] = frozenset()
    lua: frozenset[str] = frozenset()


def normal_name(text: str) -> str:
    """Return the name of a module without `mod_`. Raises ModuleSetError when it is none."""
    name = text[len("mod_") :] if text.startswith("mod_") else text
    if not _NAME.fullmatch(name):
        raise ModuleSetError(f"{text!r} is not the name of a module; write it as firewall or mod_firewall.")
    return name


def main_file(name: str, files: Files) -> str | None:
    """Return the path of the file that Prosody loads for the module `name`, as its plugin loader looks for it."""
    return next((path for path in (f"{name}/mod_{name}.lua", f"mod_{name}.lua") if path in files), None)


def read(name: str, files: Files) -> Code:
    """Return what the source of a module says. Raises ModuleSetError when its main file is missing or not UTF-8."""
    path = main_file(name, files)
    if path is None:
        raise ModuleSetError(f"mod_{name} has no file mod_{name}.lua, so Prosody could not load it.")
    return parse(files[path].decode("utf-8", "replace"))


def parse(text: str) -> Code:
    """Return what the text of a main file says: its headers, and the modules that it needs in any case."""
    headers = {key: frozenset(re.findall(r"[^, ]+", value)) for key, value in _HEADER.findall(text)}
    bare = _BLOCK_COMMENT.sub("", text)
    return Code(
        depends=frozenset(match[2] for match in _DEPENDS.finditer(bare) if not match["soft"]),
        conflicts=headers.get("conflicts", frozenset()),
        requires=headers.get("requires", frozenset()),
        lua=headers.get("lua", frozenset()),
    )


def digest(files: Files) -> str:
    """Return the SHA-256 (hex) of a module: of the sorted lines `<sha256 of the content>  <path>`."""
    lines = "".join(f"{hashlib.sha256(files[path]).hexdigest()}  {path}\n" for path in sorted(files))
    return hashlib.sha256(lines.encode("utf-8")).hexdigest()


def tree_digest(digests: Mapping[str, str]) -> str:
    """Return the SHA-256 (hex) of a tree: of the sorted lines `<digest of the module>  <name>`."""
    lines = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))
    return hashlib.sha256(lines.encode("utf-8")).hexdigest()
