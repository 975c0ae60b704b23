# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files kept, put back, and the journal of a transaction."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.files import (
    certificate_files,
    followed,
    plan_files,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.journal import (
    Busy,
    FileSet,
    Journal,
    owner_ids,
    write_atomically,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import from_json

ME = (os.geteuid(), os.getegid())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


def test_a_file_is_replaced_with_its_mode_and_nothing_is_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("old")
    (tmp_path / ".config.xmpp-new").write_text("of a run that was killed")
    write_atomically(path, b"new", 0o640, *ME)
    assert path.read_bytes() == b"new"
    assert mode(path) == 0o640
    assert names(tmp_path) == ["config"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config"
    path.write_text("old")

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new", 0o640, *ME)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["config"]


def test_a_set_comes_back_as_it_was(tmp_path: Path) -> None:
    """Changed, removed, added and re-owned files, and links that point elsewhere."""
    place = tmp_path / "etc"
    place.mkdir()
    changed, removed, added, link = place / "changed", place / "removed", place / "added", place / "link"
    changed.write_text("before")
    changed.chmod(0o640)
    removed.write_text("was here")
    link.symlink_to("one/two")
    kept = FileSet(tmp_path / "kept")
    kept.keep([(str(path), "config") for path in (changed, removed, added, link)], {"modules": {}}, {})
    assert kept.restore() == []

    changed.write_text("after")
    changed.chmod(0o600)
    removed.unlink()
    added.write_text("new")
    link.unlink()
    link.write_text("a file now")
    assert sorted(kept.restore()) == sorted(map(str, (changed, removed, added, link)))
    assert changed.read_text() == "before"
    assert mode(changed) == 0o640
    assert removed.read_text() == "was here"
    assert not added.exists()
    assert link.readlink() == Path("one/two")
    assert mode(tmp_path / "kept") == 0o700
    assert all(mode(path) == 0o600 for path in (tmp_path / "kept").iterdir())


def test_a_directory_that_is_gone_comes_back_for_those_who_could_read_it(tmp_path: Path) -> None:
    """As that of a pair of certificate and key, which goes when the next pair is proved."""
    place = tmp_path / "pair"
    place.mkdir()
    group = 1 if os.geteuid() == 0 else os.getegid()
    os.chown(place, -1, group)
    place.chmod(0o710)
    (place / "key").write_text("k")
    kept = FileSet(tmp_path / "kept")
    kept.keep([(str(place / "key"), "certificate")], {}, {})
    (place / "key").unlink()
    place.rmdir()
    assert kept.restore() == [str(place / "key")]
    assert mode(place) == 0o710
    assert place.stat().st_gid == group


def test_a_directory_of_a_set_of_a_former_version_has_the_group_of_its_file(tmp_path: Path) -> None:
    place = tmp_path / "pair"
    place.mkdir()
    (place / "key").write_text("k")
    group = 1 if os.geteuid() == 0 else os.getegid()
    os.chown(place / "key", -1, group)
    kept = FileSet(tmp_path / "kept")
    kept.keep([(str(place / "key"), "certificate")], {}, {})
    manifest = json.loads((tmp_path / "kept" / "manifest.json").read_text())
    for entry in manifest["files"]:
        del entry["directory"]
    (tmp_path / "kept" / "manifest.json").write_text(json.dumps(manifest))
    (place / "key").unlink()
    place.rmdir()
    assert kept.restore() == [str(place / "key")]
    assert mode(place) == 0o750
    assert place.stat().st_gid == group


def test_only_the_mode_differs(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("k")
    key.chmod(0o640)
    kept = FileSet(tmp_path / "kept")
    kept.keep([(str(key), "certificate")], {}, {})
    key.chmod(0o600)
    assert kept.restore() == [str(key)]
    assert mode(key) == 0o640


def test_a_set_can_take_files_of_another(tmp_path: Path) -> None:
    """A certificate that was broken on the disk before the run is kept as it was last proved."""
    from dataclasses import replace

    key = tmp_path / "key"
    key.write_text("proved")
    proved = FileSet(tmp_path / "committed")
    proved.keep([(str(key), "certificate")], {}, {})
    key.write_text("broken")
    (item,) = proved.files()
    kept = FileSet(tmp_path / "kept")
    kept.keep([(str(key), "certificate")], {}, {str(key): replace(item, blob=str(proved.directory / item.blob))})
    proved.remove()
    assert kept.restore() == [str(key)]
    assert key.read_text() == "proved"


def test_a_set_that_is_being_replaced_is_never_gone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("1")
    kept = FileSet(tmp_path / "kept")
    kept.keep([(str(path), "config")], {"n": 1}, {})
    path.write_text("2")
    kept.keep([(str(path), "config")], {"n": 2}, {})
    manifest = kept.manifest()
    assert manifest is not None
    assert manifest["n"] == 2
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "kept"]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = Journal(str(tmp_path / "state"))
    journal.lock()
    return journal


def test_a_journal_tells_the_next_run_how_far_it_got(journal: Journal, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("old")
    assert journal.pending() is None
    journal.kept.keep([(str(config), "config")], {}, {})
    assert journal.pending() is None, "a kept set alone is no transaction: nothing was touched yet"
    journal.begin({"digest": "d"}, b"new text")
    journal.phase({"digest": "d"}, "applying")
    journal.unlock()

    again = Journal(str(journal.directory))
    again.lock()
    pending = again.pending()
    assert pending is not None
    assert (pending["phase"], pending["digest"]) == ("applying", "d")
    assert again.attempt.read_bytes() == b"new text"
    again.end()
    assert again.pending() is None
    assert not again.attempt.exists()
    assert again.kept.manifest() is None


def test_a_torn_journal_is_still_a_transaction(journal: Journal, tmp_path: Path) -> None:
    journal.kept.keep([(str(tmp_path / "none"), "config")], {}, {})
    journal.begin({}, b"")
    (journal.directory / "journal.json").write_text('{"phase": "app')
    assert journal.pending() == {"phase": "unknown"}


def test_two_runs_do_not_meet(journal: Journal) -> None:
    other = Journal(str(journal.directory))
    with pytest.raises(Busy, match="under way"):
        other.lock(patience=0)
    journal.unlock()
    other.lock(patience=0)
    other.unlock()


def test_only_root_can_look_into_the_journal(journal: Journal) -> None:
    assert mode(journal.directory) == 0o700


def test_files_are_planned_and_written(tmp_path: Path) -> None:
    config, secrets = tmp_path / "prosody.cfg.lua", tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "old").write_text("x")
    (secrets / "same").write_text("s")
    (secrets / "same").chmod(0o640)
    access = (*ME, 0o640)
    wanted = {"same": b"s", "new": b"n"}
    plan = plan_files(str(config), b"text", wanted, str(secrets), access)
    assert [(action.action, Path(action.target).name, action.why) for action in plan.actions] == [
        ("write", "new", "does not exist"),
        ("remove", "old", "no secret of this name is configured"),
        ("write", "prosody.cfg.lua", "does not exist"),
    ]
    plan.apply()
    assert names(secrets) == ["new", "same"]
    assert mode(secrets / "new") == 0o640
    assert plan_files(str(config), b"text", wanted, str(secrets), access).actions == []
    config.chmod(0o644)
    again = plan_files(str(config), b"text", wanted, str(secrets), access)
    assert [action.why for action in again.actions] == ["owner, group or mode differs"]


def test_without_secrets_their_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "operators").write_text("x")
    plan = plan_files(str(tmp_path / "c"), b"", None, str(tmp_path / "secrets"), (*ME, 0o640))
    assert [action.target for action in plan.actions] == [str(tmp_path / "c")]
    assert plan.secrets_after == {"operators": b"x"}


@pytest.mark.parametrize("name", ["../evil", "", ".hidden", "a/b", "a\nb"])
def test_a_secret_cannot_leave_its_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(XmppError, match="no file name"):
        plan_files(str(tmp_path / "c"), b"", {name: b""}, str(tmp_path / "s"), (*ME, 0o640))


def test_the_certificates_a_configuration_names(tmp_path: Path) -> None:
    """The index of a directory, explicit paths, and what links lead to."""
    certs = tmp_path / "certs"
    (certs / "sub" / "deeper").mkdir(parents=True)
    (certs / ".generations" / "1").mkdir(parents=True)
    for name in ("a.crt", "a.key", "notes.txt", "sub/fullchain.pem", "sub/privkey.pem", ".generations/1/x.crt"):
        (certs / name).write_text(name)
    (certs / "current").symlink_to(".generations/1")
    (certs / "x.crt").symlink_to("current/x.crt")
    other = tmp_path / "other"
    other.mkdir()
    for name in ("b.crt", "b.key"):
        (other / name).write_text(name)
    model = from_json(
        {
            "hosts": {
                "*": {"certificates": "certs", "https_ssl": {"5281": {"key": str(other / "b.key")}}},
                "x": {"ssl": {"certificate": str(other / "b.crt"), "key": "gone.key"}},
            }
        }
    )
    found = [os.path.relpath(path, tmp_path) for path in certificate_files(model, str(tmp_path / "prosody.cfg.lua"))]
    assert found == [
        "certs/.generations/1/x.crt",
        "certs/a.crt",
        "certs/a.key",
        "certs/current",
        "certs/sub/fullchain.pem",
        "certs/sub/privkey.pem",
        "certs/x.crt",
        "other/b.crt",
        "other/b.key",
    ]


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert len(followed(str(tmp_path / "a"))) <= 21


def test_unknown_owners_are_named() -> None:
    assert owner_ids("0", "0") == (0, 0)
    with pytest.raises(XmppError, match="no-such-group"):
        owner_ids("root", "no-such-group")
