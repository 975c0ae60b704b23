# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A prosody.cfg.lua as data (sections, options, hosts) and its text.

Source: core/configmanager.lua of Prosody 13: the file runs with setters for globals, so an option is an assignment, and
the table form of a host ends its scope.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import quote
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.lua import (
    LuaError,
    columns,
    is_identifier,
    to_lua,
)

_RULE = 100
_COMMENT_COLUMN = 40

# Names that mean something to the reader of the file: assigning to them would break it instead of setting an option.
_TAKEN = frozenset(
    [
        "VirtualHost",
        "Host",
        "host",
        "Component",
        "component",
        "Include",
        "include",
        "RunScript",
        "FileContents",
        "FileLine",
        "FileLines",
        "Credential",
        "Lua",
    ]
)


@dataclass(frozen=True)
class Option:
    """One option. `comment` says why it has this value, `path` is where the value comes from."""

    name: str
    value: Any
    comment: str = ""
    path: str = ""


@dataclass(frozen=True)
class Modules:
    """A list of modules (`name`: modules_enabled or modules_disabled): groups of (title, [(module, comment)])."""

    name: str
    groups: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    comment: str = ""


@dataclass(frozen=True)
class Section:
    """Options under one title, with an introduction for whoever reads the file."""

    title: str
    entries: Sequence[Option | Modules]
    intro: str = ""


@dataclass(frozen=True)
class Host:
    """A VirtualHost or a Component with everything that holds for it alone."""

    name: str
    module: str | None = None  # None: VirtualHost, "": external component
    entries: Sequence[Option | Modules] = field(default=())
    comment: str = ""
    path: str = ""


@dataclass(frozen=True)
class Document:
    """The whole file, in reading order."""

    header: str
    sections: Sequence[Section]
    hosts: Sequence[Host]
    include: str = ""
    include_comment: str = ""


def option_name(name: str, path: str) -> str:
    """Return `name` if an option can have it. Raises LuaError naming `path`."""
    if not is_identifier(name):
        raise LuaError(f"{path}: {name!r} is no name for an option; those are ASCII letters, digits and _")
    if name in _TAKEN or name.startswith("__"):
        raise LuaError(f"{path}: {name!r} is a word of the configuration file itself, not an option")
    return name


def render(document: Document) -> str:
    """Return the text of `document`. Raises LuaError naming the path of a value that has no form in Lua."""
    parts = [_comment(document.header)]
    parts += [_section(section) for section in document.sections]
    parts += [_host(host) for host in document.hosts]
    if document.include:
        parts.append(
            _rule("The operator's own settings")
            + _comment(document.include_comment)
            + f"Include {quote(document.include)}\n"
        )
    return "\n".join(parts)


def _section(section: Section) -> str:
    intro = _comment(section.intro) if section.intro else ""
    return _rule(section.title) + intro + "".join(_entry(entry, 0) for entry in section.entries)


def _host(host: Host) -> str:
    kind = "VirtualHost" if host.module is None else "Component"
    module = f" {quote(host.module)}" if host.module else ""
    head = _rule(f"{host.name}") if host.module is None else ""
    comment = _comment(host.comment) if host.comment else ""
    body = "".join(_entry(entry, 1) for entry in host.entries)
    # An external component takes its table directly, a host without options still needs one to end its scope.
    table = "{\n" + body + "}" if body else "{}"
    return f"{head}{comment}{kind} {quote(host.name)}{module} {table}\n"


def _entry(entry: Option | Modules, indent: int) -> str:
    margin = "\t" * indent
    end = ";" if indent else ""
    name = option_name(entry.name, getattr(entry, "path", "") or entry.name)
    if isinstance(entry, Modules):
        comment = _comment(entry.comment, indent) if entry.comment else ""
        return f"{comment}{margin}{name} = {_module_list(entry.groups, indent)}{end}\n"
    value = to_lua(entry.value, indent, entry.path or entry.name)
    line = f"{margin}{name} = {value}{end}"
    if not entry.comment:
        return line + "\n"
    if "\n" not in line and columns(line + entry.comment, indent) < _RULE + 10:
        return f"{line} -- {_plain(entry.comment)}\n"
    return _comment(entry.comment, indent) + line + "\n"


def _module_list(groups: Iterable[tuple[str, Sequence[tuple[str, str]]]], indent: int) -> str:
    margin = "\t" * (indent + 1)
    lines: list[str] = []
    for title, modules in groups:
        if title:
            lines.append(("\n" if lines else "") + f"{margin}-- {_plain(title)}\n")
        for name, comment in modules:
            item = f"{quote(name)};"
            note = f" -- {_plain(comment)}" if comment else ""
            lines.append(f"{margin}{item.ljust(28) if note else item}{note}\n")
    return "{\n" + "".join(lines) + "\t" * indent + "}"


def _rule(title: str) -> str:
    head = f"---- {_plain(title)} "
    return head + "-" * max(4, _RULE - len(head)) + "\n"


def _comment(text: str, indent: int = 0) -> str:
    """Comment lines, wrapped by whoever wrote them."""
    margin = "\t" * indent
    return "".join(f"{margin}-- {_plain(line)}".rstrip() + "\n" for line in re.split(r"\n", text))


def _plain(text: str) -> str:
    """Text that stays on its comment line: whatever is not visible, line ends first of all, becomes a space."""
    # "--[[" would open a long comment; a line comment that starts with a bracket cannot, once a space is in between.
    return "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
