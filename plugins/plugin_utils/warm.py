# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every task would load anew is loaded once, in the process that all of them are forked from.

Ansible runs each task in a fork of its own, and a filter that is first used there is read, compiled and imported there,
with all that it imports: a fifth of the processor time of a run that changes nothing.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import built_modules, compiled_templates

PLUGINS = Path(__file__).resolve().parents[1]
KINDS = ("action", "filter", "lookup", "test")
#: what these functions return is kept in the process, and read from files of the collection
READ = (("action.preflight", "read_specifications"), ("plugin_utils.prosody.catalogue", "catalogue"))
_PACKAGE = __name__.rpartition(".plugin_utils.")[0]


def names() -> Iterator[str]:
    """Name every plugin file that tasks use on the controller, as Python imports it."""
    for kind in KINDS:
        for path in sorted((PLUGINS / kind).glob("*.py")):
            if path.stem != "__init__":
                yield f"{_PACKAGE}.{kind}.{path.stem}"


def warm() -> None:
    """Import them all, and have them read what they always read.

    One that cannot be imported is left to the task that uses it, which says so.
    """
    for name in names():
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    for name, function in READ:
        with contextlib.suppress(Exception):
            getattr(importlib.import_module(f"{_PACKAGE}.{name}"), function)()
    built_modules.use()
    compiled_templates.use()
    _collect_less()


def _collect_less() -> None:
    """Have the forks look for garbage seldom, and never among what they share with this process.

    Each lives for a task, and what it looks at it has to copy first: a twelfth of the processor time of a run.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
