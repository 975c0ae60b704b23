# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where Prosody is installed: read off its own start program, nothing assumed that it says."""

from __future__ import annotations

import os
import pwd
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

RunCommand = Callable[..., tuple[int, str, str]]
"""As AnsibleModule.run_command: (argv, data=...) → (return code, output, errors)."""

PROGRAMS = ("/usr/bin/prosody", "/usr/local/bin/prosody")


class NotInstalled(XmppError):
    """There is no Prosody on this machine whose sources could be read."""


@dataclass(frozen=True)
class Installation:
    """Directories and interpreter of an installed Prosody (CFG_* at the head of its start program)."""

    source: Path
    plugins: tuple[Path, ...]
    config: Path
    data: Path
    lua: str
    programs: tuple[Path, ...] = ()
    user: str = "prosody"

    def unprivileged(self) -> list[str]:
        """Command prefix that gives up root for the user Prosody runs as.

        Empty where we are not root or there is no such user.
        """
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            return []
        try:
            pwd.getpwnam(self.user)
        except KeyError:
            return []
        return ["setpriv", "--reuid", self.user, "--regid", self.user, "--init-groups", "--no-new-privs"]


def _setting(text: str, name: str) -> str:
    match = re.search(rf"^CFG_{name}\s*=\s*(['\"])(.*?)\1", text, re.MULTILINE)
    return match[2] if match else ""


def find(programs: Iterable[str] = PROGRAMS, core: Path | None = None) -> Installation:
    """The Prosody installed here. Raises NotInstalled.

    core: directory of its sources, where it is known better (a tree without a start program, for instance)
    """
    for name in programs:
        program = Path(name)
        if not program.is_file():
            continue
        text = program.read_text(encoding="utf-8", errors="replace")
        source = core or Path(_setting(text, "SOURCEDIR") or "/usr/lib/prosody")
        first = text.split("\n", 1)[0]
        wanted = re.search(r"(lua[0-9.]*|luajit)\s*$", first)
        lua = wanted[1] if wanted and shutil.which(wanted[1]) else ""
        if (source / "core" / "configmanager.lua").is_file():
            return Installation(
                source,
                tuple(Path(part) for part in _setting(text, "PLUGINDIR").split(";") if part) or (source / "modules",),
                Path(_setting(text, "CONFIGDIR") or "/etc/prosody"),
                Path(_setting(text, "DATADIR") or "/var/lib/prosody"),
                lua or _interpreter(),
                (program, *(path for path in [program.with_name("prosodyctl")] if path.is_file())),
            )
    if core and (core / "core").is_dir():
        return Installation(core, (core / "modules",), Path("/etc/prosody"), Path("/var/lib/prosody"), _interpreter())
    raise NotInstalled(
        "No Prosody was found on this machine ("
        + ", ".join(programs)
        + "), and its sources are what a configuration is"
        " checked against: install it first, or skip the lint"
    )


def find_or_none() -> Installation | None:
    """The Prosody installed here, None when there is none."""
    try:
        return find()
    except NotInstalled:
        return None


def plugin_roots(installation: Installation, installer: str | None, paths: Iterable[str]) -> list[Path]:
    """Plugin directories in the order in which Prosody searches them.

    installer, paths: values of installer_plugin_path and plugin_paths. Source: util/startup.lua, setup_plugindir and
    setup_plugin_install_path.
    """
    roots = [installation.data / (installer or "custom_plugins")]
    return [*roots, *(installation.data / path for path in paths), *installation.plugins]


def _interpreter() -> str:
    for name in ("lua5.4", "lua5.3", "lua5.2", "lua"):
        if shutil.which(name):
            return name
    return "lua5.4"
