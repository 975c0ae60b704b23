# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Prosody's modules are for: the reader of modules.yml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

_DATA = Path(__file__).with_name("modules.yml")


@dataclass(frozen=True)
class Module:
    """One module: `name` without mod_, `summary` in one line, `standards` such as XEP-0280, `since` the first Prosody
    version, `package` the Debian package, `scope` out of global, host, component, `depends` what it loads by itself."""

    name: str
    summary: str
    standards: tuple[str, ...]
    since: str
    package: str
    scope: tuple[str, ...]
    depends: tuple[str, ...]

    @property
    def comment(self) -> str:
        """The summary with the standards behind it, for the line that enables the module."""
        return f"{self.summary} ({', '.join(self.standards)})" if self.standards else self.summary


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Module]:
    """Return all known modules by name. The file is part of the collection, so its form is not in doubt."""
    entries = yaml.safe_load(_DATA.read_text(encoding="utf-8"))
    return {
        name: Module(
            name=name,
            summary=entry["summary"],
            standards=tuple(entry["standards"]),
            since=entry["since"],
            package=entry["package"],
            scope=tuple(entry["scope"]),
            depends=tuple(entry["depends"]),
        )
        for name, entry in entries.items()
    }


def comment_of(name: str) -> str:
    """Return the comment for the line that enables module `name`, "" for a module we know nothing about."""
    module = catalogue().get(name)
    return module.comment if module else ""
