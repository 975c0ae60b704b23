# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Modules as Ansible sends them to hosts, kept from one run to the next.

For each module a run reads and parses the module and all that it imports, and packs it: a sixth of the processor
time of a run that changes nothing. Core keeps that for one run (ansible/executor/module_common.py), in files that it
looks for before it builds. Where another core looks elsewhere, everything is built as it always was.

Kept are the modules of this collection and of those that it depends on, as long as no file of them changes. Modules of
core are not: one that somebody puts beside a playbook under the same name has the same name there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from ansible import constants
from ansible.errors import AnsibleError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import kept

#: what is sent, by kind of plugin
SENT = ("modules", "module_utils")


def _copies(source: Path, target: Path) -> None:
    """Have every built module of one directory in another one, each whole or not at all."""
    prefixes = tuple(f"ansible_collections.{name}." for name in kept.COLLECTIONS)
    for path in source.iterdir():
        if (
            not path.name.startswith(prefixes)
            or path.name.endswith((".lock", "-part"))
            or (target / path.name).exists()
        ):
            continue
        handle, made = tempfile.mkstemp(prefix=".", dir=target)
        os.close(handle)
        shutil.copyfile(path, made)
        Path(made).replace(target / path.name)


class Store:
    """Built modules of earlier runs. place: where they are kept; run: where core looks for those of this run."""

    def __init__(self, place: kept.Place, run: Path) -> None:
        self.place, self.run = place, run

    def lend(self) -> None:
        """Give this run what earlier ones built. Raises OSError."""
        if self.place.open():
            self.run.mkdir(parents=True, exist_ok=True)
            _copies(self.place.path, self.run)

    def keep(self) -> None:
        """Keep what this run has built, and remove what no run used for long. Raises OSError."""
        if not self.place.is_safe():
            return
        if self.run.is_dir():
            _copies(self.run, self.place.path)
        self.place.tidy()


def store() -> Store | None:
    """Out: the store of the running Ansible, below its home (ANSIBLE_HOME).

    None where files of the operator stand in for those of core in every module. Raises OSError.
    """
    if kept.has_files(constants.DEFAULT_MODULE_UTILS_PATH):
        return None
    place = kept.place("xmpp_built_modules", SENT)
    return Store(place, Path(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache"))


def use() -> None:
    """Lend this run what is kept, and keep what it builds when it ends. Where that cannot be, nothing is kept."""
    with contextlib.suppress(OSError, AttributeError, AnsibleError):
        if found := store():
            found.lend()
            kept.when_the_run_ends(found.keep)
