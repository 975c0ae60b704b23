# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that a run built are there for the next one, as long as they are made of the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import built_modules, kept
from ansible_collections.allthingslinux.xmpp.tests.unit import warm_play

BUILT = "ansible_collections.allthingslinux.xmpp.plugins.modules.packages_info-ZIP_DEFLATED-none"


@pytest.fixture
def store(tmp_path: Path) -> built_modules.Store:
    found = built_modules.Store(kept.Place(tmp_path / "home" / "kept", "abc"), tmp_path / "run")
    found.lend()
    return found


def next_run(store: built_modules.Store, made_of: str = "abc") -> set[str]:
    """Out: what a later run finds."""
    later = built_modules.Store(kept.Place(store.place.root, made_of), store.run.with_name("later"))
    later.lend()
    return {path.name for path in later.run.iterdir()} if later.run.is_dir() else set()


def test_what_was_built_is_there_for_the_next_run(store) -> None:
    (store.run / BUILT).write_text("packed")
    store.keep()
    assert next_run(store) == {BUILT}
    assert (store.run.with_name("later") / BUILT).read_text() == "packed"


def test_what_is_made_of_something_else_is_built_anew(store) -> None:
    (store.run / BUILT).write_text("packed")
    store.keep()
    assert next_run(store, made_of="def") == set()


@pytest.mark.parametrize(
    "name",
    [
        "ansible.modules.stat-ZIP_DEFLATED-none",
        "ansible_collections.somebody.else.plugins.modules.x-ZIP_DEFLATED-none",
        BUILT + ".lock",
        BUILT + "-part",
    ],
)
def test_what_may_be_another_one_next_time_is_not_kept(store, name: str) -> None:
    (store.run / name).write_text("packed")
    (store.run / BUILT).write_text("packed")
    store.keep()
    assert next_run(store) == {BUILT}


def test_a_store_that_others_can_write_into_is_not_believed(store) -> None:
    (store.run / BUILT).write_text("packed")
    store.keep()
    store.place.path.chmod(0o777)
    assert next_run(store) == set()


def test_a_run_takes_what_an_earlier_one_built(tmp_path: Path) -> None:
    """With the installed Ansible: where it looks for built modules is nothing that it promises."""
    (tmp_path / "play.yml").write_text(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
        "    - allthingslinux.xmpp.listeners_info: {ports: []}\n      check_mode: true\n"
    )

    def run() -> str:
        return warm_play.run(tmp_path, warm_play.collections_of(built_modules.__file__).parent, ANSIBLE_DEBUG="1")

    assert "ANSIBALLZ: Creating module" in run()
    second = run()
    assert "ANSIBALLZ: using cached module" in second
    assert "ANSIBALLZ: Creating module" not in second
