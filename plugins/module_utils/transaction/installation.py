# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Prosody that is installed: where its sources are, which Lua runs it; its own reader of configurations."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import (
    Model,
    parse_reader,
    reader_script,
)

RunCommand = Callable[..., tuple[int, str, str]]

_SETTING = re.compile(r"^CFG_(\w+)\s*=\s*'([^']*)'", re.MULTILINE)


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
