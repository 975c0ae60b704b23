# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/files/managed_files.py and its module: plans as data, then check, real, again, again in check."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files import managed_files as files
from ansible_collections.allthingslinux.xmpp.plugins.modules import managed_files as module
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner

ME, MINE = str(os.getuid()), str(os.getgid())
FILE = files.Wanted(Path("/x"), "file", b"new", 0o640, 1, 2)
DIRECTORY = files.Wanted(Path("/x"), "directory", None, 0o750, 1, 2)
ABSENT = files.Wanted(Path("/x"), "absent")


@pytest.mark.parametrize(
    ("current", "wanted", "actions"),
    [
        (files.Current("absent"), FILE, ("write",)),
        (files.Current("other"), FILE, ("write",)),
        (files.Current("file", b"old", 0o640, 1, 2), FILE, ("write",)),
        (files.Current("file", b"new", 0o640, 1, 2), FILE, ()),
        (files.Current("file", b"new", 0o600, 1, 2), FILE, ("mode",)),
        (files.Current("file", b"new", 0o640, 0, 2), FILE, ("own", "mode")),
        (files.Current("file", b"new", 0o640, 1, 0), FILE, ("own", "mode")),
        (files.Current("absent"), DIRECTORY, ("create", "own", "mode")),
        (files.Current("directory", b"", 0o750, 1, 2), DIRECTORY, ()),
        (files.Current("directory", b"", 0o755, 1, 2), DIRECTORY, ("mode",)),
        (files.Current("absent"), ABSENT, ()),
        (files.Current("directory"), ABSENT, ("remove",)),
        (files.Current("file", b"new"), ABSENT, ("remove",)),
        (files.Current("other"), ABSENT, ("remove",)),
    ],
)
def test_plan(current, wanted, actions):
    assert files.plan(current, wanted) == actions


@pytest.mark.parametrize(
    ("kind", "wanted", "message"),
    [
        ("directory", FILE, "/x is a directory, and a file shall be there: move the directory away."),
        ("file", DIRECTORY, "/x is not a directory, and a directory shall be there: move it away."),
        ("other", DIRECTORY, "/x is not a directory, and a directory shall be there: move it away."),
    ],
)
def test_plan_destroys_nothing(kind, wanted, message):
    with pytest.raises(XmppError) as error:
        files.plan(files.Current(kind), wanted)
    assert str(error.value) == message


def test_ids():
    assert files.user_id("root") == 0
    assert files.user_id("123") == 123
    assert files.user_id("no-such-user") is None
    assert files.group_id("root") == 0
    assert files.group_id("no-such-group") is None


def entry(place, **changes):
    return {"path": str(place), "owner": ME, "group": MINE, **changes}


def four_ways(**options):
    """Return the results of check, real, again, again in check."""
    return [module_runner.run(module, check=check, **options) for check in (True, False, False, True)]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_four_ways(tmp_path):
    source = tmp_path / "source"
    source.write_text("copied\n")
    directory, plain, copied, secret, old = (tmp_path / name for name in ("d", "d/plain", "d/copied", "secret", "old"))
    (old / "deep").mkdir(parents=True)
    options = {
        "files": [
            entry(directory, state="directory", mode="0750"),
            entry(plain, content="text\n"),
            entry(copied, src=str(source), mode="0640"),
            entry(old, state="absent"),
        ],
        "secrets": [entry(secret, content="hush-hush\n")],
    }
    check, real, again, again_check = four_ways(**options)
    everything = [str(path) for path in (directory, plain, copied, old, secret)]
    assert check["changed_paths"] == real["changed_paths"] == real["written_paths"] == everything
    assert check["changed"]
    assert real["changed"]
    assert (again["changed"], again_check["changed"]) == (False, False)
    assert plain.read_text() == "text\n"
    assert copied.read_text() == "copied\n"
    assert secret.read_text() == "hush-hush\n"
    assert [mode(path) for path in (directory, plain, copied, secret)] == [0o750, 0o644, 0o640, 0o600]
    assert not old.exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_check_mode_changes_nothing(tmp_path):
    module_runner.run(module, check=True, files=[entry(tmp_path / "x", content="y"), entry(tmp_path, mode="0777")])
    assert list(tmp_path.iterdir()) == []
    assert mode(tmp_path) != 0o777


def test_a_secret_is_nowhere_in_the_result(tmp_path):
    path = tmp_path / "secret"
    path.write_text("old-hush\n")
    result = module_runner.run(module, secrets=[entry(path, content="new-hush\n")])
    assert path.read_text() == "new-hush\n"
    assert "hush" not in json.dumps(result)
    assert "content: another secret" in result["diff"][0]["after"]


def test_the_diff_shows_the_text(tmp_path):
    path = tmp_path / "x"
    path.write_text("one\n")
    (diff,) = module_runner.run(module, check=True, files=[entry(path, content="two\n")])["diff"]
    assert diff["before_header"] == diff["after_header"] == str(path)
    assert diff["before"].endswith("one\n")
    assert diff["after"].endswith("two\n")


def test_only_the_mode_is_no_new_text(tmp_path):
    path = tmp_path / "x"
    path.write_text("one\n")
    result = module_runner.run(module, files=[entry(path, content="one\n", mode="0600")])
    assert (result["changed_paths"], result["written_paths"]) == ([str(path)], [])
    assert mode(path) == 0o600


def test_a_link_is_replaced_and_not_followed(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("keep\n")
    link.symlink_to(target)
    module_runner.run(module, files=[entry(link, content="mine\n")])
    assert not link.is_symlink()
    assert (target.read_text(), link.read_text()) == ("keep\n", "mine\n")


def test_what_a_package_brings_later_is_predicted(tmp_path):
    options: dict[str, Any] = {
        "files": [
            {"path": str(tmp_path / "later" / "x"), "content": "y", "owner": "no-such-user"},
            entry(tmp_path / "z", src=str(tmp_path / "later" / "x")),
        ]
    }
    check = module_runner.run(module, check=True, **options)
    assert len(check["changed_paths"]) == 2
    assert "owner: to come:0" in check["diff"][0]["after"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"content": "x", "owner": "no-such-user"}, "The owner or group of {path} does not exist on this host"),
        ({"content": "x", "group": "no-such-group"}, "The owner or group of {path} does not exist on this host"),
        ({}, "{path}: give one of content, src and template."),
        ({"content": "x", "src": "/y"}, "{path}: give one of content, src and template."),
        ({"content": "x", "mode": "u=rw"}, "{path}: the mode 'u=rw' is not octal digits, such as '0640'."),
        ({"content": "x", "path": "x/y"}, "x/y is not an absolute path"),
        ({"src": "/no/such/file"}, "{path}: cannot read its source /no/such/file (No such file or directory)."),
        ({"content": "x", "path": "/no/such/directory/x"}, "Cannot bring"),
        ({"content": "x", "path": "/"}, "/ is a directory, and a file shall be there"),
    ],
)
def test_refusals(tmp_path, change, message):
    path = tmp_path / "x"
    result = module_runner.run(module, files=[entry(path, **change)])
    assert result["failed"]
    assert message.format(path=path) in result["msg"]
    assert not path.exists()


def test_what_was_changed_before_a_failure_is_told(tmp_path):
    result = module_runner.run(module, files=[entry(tmp_path / "x", content="y"), entry(tmp_path / "z")])
    assert result["failed"]
    assert (result["changed"], result["changed_paths"]) == (True, [str(tmp_path / "x")])


@pytest.mark.parametrize("check", [False, True])
def test_a_text_that_is_refused_is_not_put_in_place(tmp_path, check):
    path = tmp_path / "x"
    path.write_text("good old\n")
    options = entry(path, validate=["sh", "-c", 'echo "$0: is bad" >&2; grep -q good "$0"', "%s"])
    result = module_runner.run(module, check=check, files=[{**options, "content": "bad\n"}])
    assert result["failed"]
    assert result["msg"] == f"{path} stays as it was: sh refuses its new text: {path}: is bad"
    assert path.read_text() == "good old\n"
    assert list(tmp_path.iterdir()) == [path]
    accepted = module_runner.run(module, check=check, files=[{**options, "content": "good new\n"}])
    assert accepted["changed"]
    assert path.read_text() == ("good old\n" if check else "good new\n")
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_that_is_checked_has_its_mode_already(tmp_path):
    path = tmp_path / "x"
    look = ["sh", "-c", 'test "$(stat -c %a "$0")" = 640', "%s"]
    assert not module_runner.run(module, files=[entry(path, content="x", mode="0640", validate=look)]).get("failed")


def test_a_file_that_does_not_change_is_not_checked(tmp_path):
    path = tmp_path / "x"
    path.write_text("as it is\n")
    path.chmod(0o644)
    assert module_runner.run(module, files=[entry(path, content="as it is\n", validate=["false"])])["changed"] is False


def test_a_command_that_is_not_there(tmp_path):
    options: dict[str, Any] = {"files": [entry(tmp_path / "x", content="y", validate=["/no/such/command", "%s"])]}
    assert module_runner.run(module, check=True, **options)["changed"]
    assert "/no/such/command cannot be run" in module_runner.run(module, **options)["msg"]
    assert list(tmp_path.iterdir()) == []


def test_a_change_can_be_undone(tmp_path):
    kept, old, gone, new, directory = (tmp_path / name for name in ("undo", "old", "gone", "d/new", "d"))
    for path in (old, gone):
        path.write_text("before\n")
        path.chmod(0o600)
    change: dict[str, Any] = {
        "files": [
            entry(old, content="after\n"),
            entry(gone, state="absent"),
            entry(directory, state="directory"),
            entry(new, content="new\n"),
        ],
        "undo_dir": str(kept),
    }
    assert len(module_runner.run(module, **change)["changed_paths"]) == 4
    assert mode(kept) == 0o700
    assert {mode(path) for path in kept.iterdir()} == {0o600}
    # a run that changes nothing does not forget what can be undone
    assert not module_runner.run(module, **change)["changed"]
    undo: dict[str, Any] = {"undo_dir": str(kept), "undo": True}
    check, real, again = (module_runner.run(module, check=check, **undo) for check in (True, False, False))
    # in a check the directory still has something in it
    assert check["changed_paths"] == [str(new), str(gone), str(old)]
    assert real["changed_paths"] == [str(new), str(directory), str(gone), str(old)]
    assert (again["changed"], again["changed_paths"]) == (False, [])
    assert sorted(tmp_path.iterdir()) == [gone, old]
    assert [(path.read_text(), mode(path)) for path in (old, gone)] == [("before\n", 0o600)] * 2


def test_only_the_last_change_is_undone(tmp_path):
    path, kept = tmp_path / "x", str(tmp_path / "undo")
    for text in ("one\n", "two\n", "three\n"):
        module_runner.run(module, files=[entry(path, content=text)], undo_dir=kept)
    module_runner.run(module, undo_dir=kept, undo=True)
    assert path.read_text() == "two\n"


def test_check_mode_keeps_nothing(tmp_path):
    module_runner.run(module, check=True, files=[entry(tmp_path / "x", content="y")], undo_dir=str(tmp_path / "undo"))
    assert list(tmp_path.iterdir()) == []


def test_what_was_kept_and_cannot_be_read(tmp_path):
    (tmp_path / "index.json").write_text("{")
    assert "Cannot read what was kept in" in module_runner.run(module, undo_dir=str(tmp_path), undo=True)["msg"]


def test_undo_needs_its_directory():
    assert "undo_dir" in module_runner.run(module, undo=True)["msg"]
