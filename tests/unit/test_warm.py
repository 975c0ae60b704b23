# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tasks use is loaded before they are forked."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.action import preflight
from ansible_collections.allthingslinux.xmpp.plugins.callback import warm as callback
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import warm
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import catalogue

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import sys
from ansible.plugins.loader import filter_loader, init_plugin_loader
init_plugin_loader([sys.argv[1]])
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.warm import names, warm
ours = lambda: {name for name in sys.modules if ".xmpp.plugins." in name and ".filter" not in name}
before = ours()
if sys.argv[2] == "warm":
    warm()
    assert set(names()) <= set(sys.modules)
loaded = ours()
for name in ("prosody_problems", "monitoring_probe_targets", "xmpp_zone", "proxy_snippets"):
    assert filter_loader.get(f"allthingslinux.xmpp.{name}")
print(len(loaded - before), len(ours() - loaded))
"""


def loads(how: str) -> tuple[int, int]:
    """How many modules of ours are there at first, and how many the filters then bring."""
    path = next(parent for parent in Path(warm.__file__).absolute().parents if parent.name == "ansible_collections")
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path.parent), how], capture_output=True, text=True, check=True, cwd=ROOT
    )
    first, later = run.stdout.split()
    return int(first), int(later)


def test_a_filter_brings_nothing_that_is_not_there() -> None:
    assert loads("warm")[1] == 0


def test_without_it_each_task_would_load_them() -> None:
    """The fault: the assertion above is not true by itself."""
    assert loads("cold")[1] > 20


def test_what_cannot_be_imported_is_left_to_its_task(monkeypatch) -> None:
    monkeypatch.setattr(warm, "names", lambda: iter(["no.such.plugin"]))
    warm.warm()


def test_a_run_that_prints_as_ansible_does_has_it_too(monkeypatch) -> None:
    called = []
    monkeypatch.setattr(callback, "warm", lambda: called.append(1))
    callback.CallbackModule()
    assert called


def test_what_is_read_is_read_before() -> None:
    warm.warm()
    for name, function in warm.READ:
        held = getattr(importlib.import_module(f"{warm._PACKAGE}.{name}"), function)
        assert held is not None
    before = catalogue.catalogue.cache_info().misses, preflight._read.cache_info().misses
    assert before[0] >= 1
    assert before[1] > 5
    warm.warm()
    assert (catalogue.catalogue.cache_info().misses, preflight._read.cache_info().misses) == before
