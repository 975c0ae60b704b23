# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one run made is there for the next one: of the same, for its owner, and not for ever."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import kept

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(tmp_path: Path) -> kept.Place:
    found = kept.Place(tmp_path / "home" / "kept", "abc")
    assert found.open()
    return found


def test_it_is_for_its_owner(place) -> None:
    assert [path.stat().st_mode & 0o777 for path in (place.root, place.path)] == [0o700, 0o700]
    assert place.is_safe()


@pytest.mark.parametrize("directory", ["root", "path"])
@pytest.mark.parametrize("mode", [0o777, 0o720, 0o702])
def test_one_that_others_can_write_into_is_not_believed(place, directory: str, mode: int) -> None:
    getattr(place, directory).chmod(mode)
    assert not place.is_safe()
    assert not place.open()


def test_one_that_is_a_link_is_not_believed(place, tmp_path: Path) -> None:
    place.path.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    place.path.symlink_to(tmp_path / "elsewhere")
    assert not place.open()


def test_one_of_somebody_else_is_not_believed(place, monkeypatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: place.path.stat().st_uid + 1)
    assert not place.open()


def test_what_no_run_used_for_a_week_is_removed(place) -> None:
    old, recent = place.root / "old", place.root / "recent"
    old.mkdir()
    recent.mkdir()
    os.utime(old, (0, time.time() - kept.KEPT_FOR - 60))
    place.tidy()
    assert {path.name for path in place.root.iterdir()} == {"abc", "recent"}


def test_not_more_are_kept_than_are_of_use(place) -> None:
    for number in range(20):
        (place.root / f"{number:02}").mkdir()
        os.utime(place.root / f"{number:02}", (0, time.time() - 60 + number))
    place.tidy()
    assert {path.name for path in place.root.iterdir()} == {"abc", *(f"{number}" for number in range(13, 20))}


def test_one_that_is_used_counts_as_new(place) -> None:
    os.utime(place.path, (0, 0))
    place.open()
    assert place.path.stat().st_mtime > time.time() - 60


def test_a_file_that_changes_is_another_fingerprint(tmp_path: Path) -> None:
    module = tmp_path / "plugins" / "module_utils" / "deep" / "one.py"
    module.parent.mkdir(parents=True)
    module.write_text("a = 1\n")
    kinds, seen = ("modules", "module_utils"), module.stat()
    before = kept.fingerprint([tmp_path], kinds, "2.19")
    assert kept.fingerprint([tmp_path], kinds, "2.19") == before
    assert kept.fingerprint([tmp_path], kinds, "2.20") != before
    assert kept.fingerprint([tmp_path], ("filter",), "2.19") != before
    module.write_text("a = 2\n")
    # as long as before, and with the time of before
    os.utime(module, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert kept.fingerprint([tmp_path], kinds, "2.19") != before


def test_the_collections_are_this_one_and_its_dependencies() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert set(kept.COLLECTIONS) == {f"{galaxy['namespace']}.{galaxy['name']}", *galaxy["dependencies"]}


def test_plugins_of_the_operator_are_seen(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert not kept.has_files([str(tmp_path / "empty"), str(tmp_path / "none")])
    assert not kept.has_files(None)
    (tmp_path / "empty" / "mine.py").touch()
    assert kept.has_files([str(tmp_path / "empty")])
