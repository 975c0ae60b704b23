# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Modules as rocks: fetched by `prosodyctl install` into a throw-away tree, and taken from there.

prosodyctl exits 0 when nothing was installed, so only what lies in the tree counts. LuaRocks is told the one server
that was given; left alone it would ask public ones, too.

Source: Prosody 13's prosodyctl and util/prosodyctl.lua (call_luarocks), util/pluginloader.lua (share/lua/<version>).
"""

from __future__ import annotations

import contextlib
import pwd
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules import code
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.code import Files, ModuleSetError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.sources import Source
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import quote

#: (arguments, environment) → exit code, output, errors
Run = Callable[[Sequence[str], Mapping[str, str]], tuple[int, str, str]]


class Rocks:
    """A rocks server. What was installed from it before, and is unchanged, is not fetched again."""

    def __init__(
        self,
        name: str,
        server: str,
        prosodyctl: Sequence[str],
        run: Run,
        installed: Mapping[str, Files],
        record: Mapping[str, Any],
        versions: Mapping[str, str],
    ) -> None:
        self.name, self.server = name, server
        self._prosodyctl, self._run = prosodyctl, run
        self._installed, self._record, self._versions = installed, record, versions
        self._had: dict[str, tuple[str, Files]] = {}

    def source(self) -> Source:
        """Return it as a source, of which only asking tells what it has."""
        return Source(self.name, None, lambda name: self._get(name)[1], version_of=lambda name: self._get(name)[0])

    def _get(self, name: str) -> tuple[str, Files]:
        if name not in self._had:
            self._had[name] = self._kept(name) or self._fetch(name)
        return self._had[name]

    def _kept(self, name: str) -> tuple[str, Files] | None:
        entry = self._record.get(name) or {}
        files = self._installed.get(name)
        same = files and entry.get("source") == self.name and entry.get("sha256") == code.digest(files)
        if files and same and self._versions.get(name, "") in ("", entry.get("revision")):
            return str(entry.get("revision", "")), files
        return None

    def _fetch(self, name: str) -> tuple[str, Files]:
        scratch = Path(tempfile.mkdtemp(prefix="xmpp-rocks-"))
        try:
            config, rocks, tree = scratch / "prosody.cfg.lua", scratch / "luarocks.lua", scratch / "tree"
            config.write_text(
                f"installer_plugin_path = {quote(str(tree))}\n"
                'log = { error = "/dev/null" }\nVirtualHost "localhost"\n',
                "utf-8",
            )
            rocks.write_text(f"rocks_servers = {{ {quote(self.server)} }}\n", "utf-8")
            for path in (config, rocks):
                path.chmod(0o644)
            # prosodyctl becomes this user before it installs
            with contextlib.suppress(KeyError):
                shutil.chown(scratch, pwd.getpwnam("prosody").pw_uid)
            arguments = [
                *self._prosodyctl,
                "--config",
                str(config),
                "install",
                f"--server={self.server}",
                f"mod_{name}",
            ]
            code_, output, errors = self._run(arguments, {"LUAROCKS_CONFIG": str(rocks)})
            version, files = collect(tree, name)
            if not files:
                raise ModuleSetError(
                    f"mod_{name} could not be had from the rocks server {self.server}: prosodyctl install ended with "
                    f"{code_} and installed nothing. It said: {_brief(errors, output)}"
                )
            return version, files
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _brief(*texts: str) -> str:
    lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "rror" in line or "not found" in line] or lines
    return " ".join(telling[:3]) or "nothing. Is luarocks installed?"


def collect(tree: Path, name: str) -> tuple[str, dict[str, bytes]]:
    """Return version and files of a module in a tree of LuaRocks; no files when it is not there.

    Raises ModuleSetError: the rock has brought Lua libraries along, which would not be found.
    """
    files: dict[str, bytes] = {}
    version = ""
    for share in sorted(tree.glob("share/lua/*")):
        libraries = sorted(entry.name for entry in share.iterdir() if not entry.name.startswith("mod_"))
        if libraries:
            raise ModuleSetError(
                f"mod_{name} needs the Lua libraries {', '.join(libraries)}, which Prosody would not find there: "
                "install them as packages of the distribution, and the module from a tree or an archive."
            )
        _add(files, share / f"mod_{name}")
        single = share / f"mod_{name}.lua"
        if single.is_file():
            files[single.name] = single.read_bytes()
    for rock in sorted(tree.glob(f"lib/luarocks/rocks-*/mod_{name}/*")):
        version = rock.name
        for extra in sorted(rock.iterdir()):
            if extra.is_dir():  # what the rock copies besides its code: web pages and the like
                _add(files, extra, prefix=f"{extra.name}/")
    return (version, files) if code.main_file(name, files) else ("", {})


def _add(files: dict[str, bytes], directory: Path, prefix: str = "") -> None:
    for entry in sorted(directory.glob("**/*")):
        if entry.is_file() and not entry.is_symlink():
            files[prefix + entry.relative_to(directory).as_posix()] = entry.read_bytes()
