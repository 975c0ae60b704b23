# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Prosody that the modules are for: what it has already, which modules it has loaded, which ones it is told to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules import sources
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.code import ModuleSetError

CORE = Path("/usr/lib/prosody")
_DPKG = Path("/var/lib/dpkg/info")


@dataclass(frozen=True)
class Host:
    """The modules of a host, or of all (`*`). loaded: name → file it was loaded from. enabled: by the configuration."""

    loaded: Mapping[str, str] = field(default_factory=dict)
    enabled: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Environment:
    """core: modules of Prosody itself. distribution: of the package prosody-modules. available: directory → modules.

    plugin_paths and hosts are empty while Prosody does not run; features and lua are those of the installed one.
    """

    running: bool = False
    version: str = ""
    lua: str = ""
    features: frozenset[str] = frozenset()
    core: frozenset[str] = frozenset()
    distribution: frozenset[str] = frozenset()
    plugin_paths: tuple[str, ...] = ()
    available: Mapping[str, frozenset[str]] = field(default_factory=dict)
    hosts: Mapping[str, Host] = field(default_factory=dict)

    def loaded_on(self, name: str) -> list[str]:
        """The hosts on which a module is loaded, `*` first."""
        return sorted(host for host, modules in self.hosts.items() if name in modules.loaded)

    def enabled_on(self, name: str) -> list[str]:
        """The hosts whose configuration enables a module."""
        return sorted(host for host, modules in self.hosts.items() if name in modules.enabled)

    def elsewhere(self, name: str, path: str) -> bool:
        """Whether Prosody finds a module without the directory `path`."""
        return any(name in names for directory, names in self.available.items() if directory != path)


def read(answer: Any) -> Environment:
    """Return what a running server has answered to MODULES.state. Raises ModuleSetError for anything else."""
    try:
        available = {
            directory.rstrip("/"): frozenset(names or ())
            for directory, names in dict(answer["available"] or {}).items()
        }
        distribution = frozenset(answer["distribution"] or ())
        core = (
            frozenset(answer["core"] or ()) or available.get(f"{answer['source']}/modules", frozenset()) - distribution
        )
        return Environment(
            running=True,
            version=str(answer["version"]),
            lua=str(answer["lua"]),
            features=frozenset(answer["features"] or ()),
            core=core,
            distribution=distribution,
            plugin_paths=tuple(path.rstrip("/") for path in answer["plugins"].split(";") if path),
            available=available,
            hosts={
                name: Host(dict(entry["loaded"] or {}), frozenset(entry["enabled"] or ()))
                for name, entry in dict(answer["hosts"]).items()
            },
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        what = f"{type(error).__name__}: {error}"
        raise ModuleSetError(f"Prosody's answer about its modules cannot be read ({what}).") from error


def installed(root: Path = CORE, dpkg: Path = _DPKG) -> Environment:
    """Return what the files say of a Prosody that does not run.

    root: where its own source lies (`modules` and `core` below it).
    """
    distribution = sources.names_in(dpkg / "prosody-modules.list")
    found = frozenset(
        entry.stem[4:]
        for pattern in ("mod_*", "*/mod_*.lua")
        for entry in (root / "modules").glob(pattern)
        if entry.is_dir() or entry.suffix == ".lua"
    )
    features = root / "core" / "features.lua"
    text = features.read_text("utf-8") if features.is_file() else ""
    return Environment(
        features=frozenset(re.findall(r'^\s*"([\w+-]+)"', text, re.MULTILINE)),
        core=sources.names_in(dpkg / "prosody.list") or found - distribution,
        distribution=distribution,
        available={str(root / "modules"): found},
    )
