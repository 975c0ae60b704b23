# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Prosody that is installed: where its sources are, which Lua runs it, which module reads which option."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import (
    Model,
    parse_reader,
    reader_script,
)

RunCommand = Callable[..., tuple[int, str, str]]

_SETTING = re.compile(r"^CFG_(\w+)\s*=\s*'([^']*)'", re.MULTILINE)
_READS = re.compile(
    r"""get_option\w*\s*\(\s*["'](\w+)["']|config(?:manager)?\.(?:raw)?get\s*\([^,()]+,\s*["'](\w+)["']""",
)


@dataclass(frozen=True)
class Installation:
    """lua: the interpreter; source: CFG_SOURCEDIR; plugins: directories of modules; data: CFG_DATADIR."""

    lua: str
    source: str
    plugins: tuple[str, ...]
    data: str

    def read(self, path: str, run_command: RunCommand) -> Model:
        """The model of a configuration file, by Prosody's own configuration manager; raises ConfigUnreadable."""
        # the program comes by standard input: no file to leave behind, nothing secret on the command line
        _rc, out, err = run_command([self.lua, "-", self.source, path], data=reader_script(), binary_data=True)
        return parse_reader(out + err if "\0model\0" not in out else out, path)

    def readers(self, extra: Iterable[str] = ()) -> Mapping[str, frozenset[str]]:
        """Option → the modules whose source reads it. extra: further directories of modules (plugin_paths)."""
        found: dict[str, set[str]] = {}
        for root in [*extra, *self.plugins]:
            for module, text in _sources(Path(root)):
                for option in options_read(text):
                    found.setdefault(option, set()).add(module)
        return {option: frozenset(modules) for option, modules in found.items()}


def options_read(text: str) -> frozenset[str]:
    """The names of options that a Lua source asks for."""
    return frozenset(first or second for first, second in _READS.findall(text))


def module_of(relative: Path) -> str:
    """The module that a file below a plugin directory belongs to: mod_x.lua, mod_x/…, and libraries in x/…"""
    first = relative.parts[0]
    name = first[:-4] if first.endswith(".lua") else first
    return name[4:] if name.startswith("mod_") else name


def _sources(root: Path) -> Iterable[tuple[str, str]]:
    if not root.is_dir():
        return
    for path in sorted(root.rglob("*.lua")):
        try:
            yield module_of(path.relative_to(root)), path.read_text("utf-8", "replace")
        except OSError:
            continue


def find(program: str = "/usr/bin/prosody") -> Installation | None:
    """The installation behind the program, None when there is none."""
    try:
        text = Path(program).read_text("utf-8", "replace")
    except OSError:
        return None
    return parse_program(text, program)


def parse_program(text: str, program: str) -> Installation:
    """The main program's text → where everything is; raises XmppError when it is not Prosody's."""
    settings = dict(_SETTING.findall(text))
    if "SOURCEDIR" not in settings:
        raise XmppError(f"{program} is not Prosody's main program: it sets no CFG_SOURCEDIR")
    first = text.partition("\n")[0]
    lua = first[2:].split()[-1] if first.startswith("#!") else "lua"
    source = settings["SOURCEDIR"]
    plugins = tuple(part for part in settings.get("PLUGINDIR", f"{source}/modules").split(";") if part)
    return Installation(lua, source, plugins, settings.get("DATADIR", "/var/lib/prosody"))


def plugin_paths(model: Model) -> tuple[str, ...]:
    """The operator's own directories of modules."""
    paths: Any = model.get("*", "plugin_paths", [])
    installer = model.get("*", "installer_plugin_path", "custom_plugins")
    extra = [os.path.join("/var/lib/prosody", str(installer))]  # noqa: PTH118 - an absolute second part wins
    return (*(str(path) for path in paths if isinstance(paths, list)), *extra)
