# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules on a host whose pgBackRest and restic answer from a script, and the filters."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.filter.backup import FilterModule, backup_lines, backup_moment
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import prepare, programs, restore, settings
from ansible_collections.allthingslinux.xmpp.plugins.modules import (
    backup_info,
    backup_key_info,
    backup_repository,
    backup_restore,
)
from ansible_collections.allthingslinux.xmpp.tests.unit.backup.test_readers import (
    GONE,
    INFO,
    LISTED,
    OTHER_KEY,
    SNAPSHOTS,
)
from ansible_collections.allthingslinux.xmpp.tests.unit.module_runner import run

TOLD = {
    "host": "h",
    "database": "prosody",
    "cluster": "17",
    "paths": ["/tmp/src"],
    "maybe": [],
    "excludes": [],
    "retention_days": 14,
    "metrics": "/nowhere",
    "collection": "0.1.0",
    "restic": "/nowhere/restic",
    "environment": {},
    "options": [],
}
NO_MORE = "ERROR: [041]: unable to open file '/x' for read: libssh2 error [-31]: sftp error [4] failure"
SYSTEM = "7712332819757198081"


class Host:
    """What each program answers, by a word of its command; what was called."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, str]] = {
            "info": (0, INFO),
            "repo-ls": (0, LISTED),
            "snapshots": (0, SNAPSHOTS),
            "dump": (0, json.dumps({"format": 1, "owners": {"users": {}, "groups": {}}})),
            "psql": (0, SYSTEM),
            "cat": (0, "{}"),
        }
        self.calls: list[str] = []

    def run(self, *words: str, **_more: Any) -> programs.Done:
        self.calls.append(" ".join(words))
        for word, (code, out) in self.answers.items():
            if word in words:
                return programs.Done(code, out, "ERROR: no" if code else "")
        return programs.Done(0, "", "")

    def did(self, word: str) -> bool:
        return any(word in call.split() for call in self.calls)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Host:
    there = Host()
    for part in ("pgbackrest", "restic"):
        (tmp_path / "repository" / part).mkdir(parents=True)
    (tmp_path / "backup.json").write_text(json.dumps({**TOLD, "repository": str(tmp_path / "repository")}))
    monkeypatch.setattr(settings, "CONFIG", tmp_path / "backup.json")
    monkeypatch.setattr(settings.load, "__defaults__", (tmp_path / "backup.json",))
    monkeypatch.setattr(settings, "STATE", tmp_path / "state.json")
    monkeypatch.setattr(settings, "LOCK", tmp_path / "lock")
    monkeypatch.setattr(restore.Record.__init__, "__defaults__", (tmp_path / "restore.json",))
    monkeypatch.setattr(prepare.shutil, "chown", lambda *_who: None)
    for module in (programs, restore):
        monkeypatch.setattr(module, "run", there.run)
    return there


def test_what_can_be_brought_back(host: Host) -> None:
    # what the newest backup of the recording needs
    host.answers["repo-ls"] = (0, LISTED.replace("000000010000000000000001-", "000000010000000000000006-"))
    found = run(backup_info)
    assert not found["changed"]
    assert found["objections"] == []
    assert "database" in found["lines"][0]
    assert "files" in found["lines"][1]
    assert found["unfinished"] is False


def test_a_hole_keeps_the_newest_from_being_brought_back(host: Host) -> None:
    found = run(backup_info)
    assert "lacks" in found["objections"][0]
    assert run(backup_info, only="uploads")["objections"] == []


def test_a_host_that_was_told_nothing(host: Host) -> None:
    settings.CONFIG.unlink()
    assert "Deploy it first" in run(backup_info)["msg"]
    assert run(backup_repository, part="files", check=True)["changed"]


@pytest.mark.parametrize(("code", "changed"), [(0, False), (10, True)])
def test_a_repository_of_files_is_made_once(host: Host, code: int, changed: bool) -> None:
    host.answers["cat"] = (code, "")
    assert run(backup_repository, part="files", check=False)["changed"] is changed
    assert host.did("init") is changed


def test_no_other_repository_is_made_where_the_disk_is_not_mounted(host: Host) -> None:
    """An empty directory of the host would take what was meant for the disk, and nobody would know."""
    place = settings.load().repository
    shutil.rmtree(place)
    settings.STATE.write_text(json.dumps({"repository": place}))
    host.answers["cat"] = (10, "")
    assert "mount what belongs there" in run(backup_repository, part="files")["msg"]
    assert not host.did("init")
    assert not Path(place).exists()
    for part in ("pgbackrest", "restic"):
        (Path(place) / part).mkdir(parents=True)
    (Path(place) / "restic" / "config").touch()
    host.answers["cat"] = (0, "")
    assert "msg" not in run(backup_repository, part="files")
    # another one is another one
    settings.STATE.write_text(json.dumps({"repository": "/srv/before"}))
    assert "msg" not in run(backup_repository, part="files")


@pytest.fixture
def elsewhere(host: Host) -> Host:
    address = {
        "repository": "sftp://k@v/srv/h",
        "restic": "sftp://k@v:22//srv/h/restic",
        "options": ["--option", "x=y"],
    }
    settings.CONFIG.write_text(json.dumps({**TOLD, **address}))
    return host


def test_a_repository_elsewhere_is_made_by_the_programs(elsewhere: Host) -> None:
    elsewhere.answers["cat"] = (10, "")
    assert run(backup_repository, part="files")["changed"]
    assert "restic --option x=y --json init" in elsewhere.calls
    settings.STATE.write_text(json.dumps({"repository": "sftp://k@v/srv/h"}))
    elsewhere.calls.clear()
    assert "there is nothing of them: see who took them away" in run(backup_repository, part="files")["msg"]
    assert not elsewhere.did("init")


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("ERROR: [101]: known hosts failure: 'v' mismatch in known hosts files", "give all of these"),
        ("Fatal: subprocess ssh: Host key verification failed.", "give all of these"),
        ("ERROR: [101]: public key authentication failed: libssh2 error [-18]", "authorized_keys"),
        ("subprocess ssh: k@v: Permission denied (publickey).", "authorized_keys"),
        ("no space left", ""),
    ],
)
def test_what_mends_a_way_that_is_closed(why: str, said: str) -> None:
    assert said in prepare.advice(why)
    assert bool(said) == bool(prepare.advice(why))


@pytest.mark.parametrize(
    ("codes", "why", "tries"),
    [
        # the other host opens no more files: it goes on where it stopped
        ([41, 41, 0], NO_MORE, 3),
        # nothing came any more
        ([41, 41, 41], NO_MORE, 3),
        # somebody killed it
        ([-9], NO_MORE, 1),
        ([29], "ERROR: [029]: zst error: Data corruption detected", 1),
    ],
)
def test_a_restore_over_sftp_goes_on(
    elsewhere: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, codes: list[int], why: str, tries: int
) -> None:
    left, asked, place = list(codes), [], tmp_path / "data"
    place.mkdir()

    def answer(*words: str, **_more: Any) -> programs.Done:
        asked.append(words)
        if len(asked) < 3:
            (place / f"file-{len(asked)}").touch()
        return programs.Done(left.pop(0), "", why)

    monkeypatch.setattr(programs, "run", answer)
    assert programs.Programs(settings.load()).restore(place, "--type=default").code == codes[-1]
    assert len(asked) == tries
    assert ["--delta" in words for words in asked] == [False, *([True] * (tries - 1))]


def test_a_database_that_another_key_closed_is_told_in_words_and_stays_as_it_is(host: Host) -> None:
    host.answers["info"] = (0, OTHER_KEY)
    said = run(backup_repository, part="database")["msg"]
    assert "pgBackRest says: [FormatError] unable to load info file" in said
    assert "bring back the secrets" in said
    assert "\n" not in said
    assert not host.did("stanza-create")


class Keys:
    """A repository that one key opens, the key on the host, and which keys were tried."""

    def __init__(self, opens: str) -> None:
        self.opens = opens
        self.tried: list[str] = []

    def run(self, *words: str, environment: Any = None, **_more: Any) -> programs.Done:
        assert words[-2:] == ("cat", "config")
        self.tried.append(environment["RESTIC_PASSWORD"])
        assert "RESTIC_PASSWORD_FILE" not in environment
        return programs.Done(0 if self.tried[-1] == self.opens else 12, "", "")


@pytest.mark.parametrize(
    ("opens", "on_host", "given", "said"),
    [
        ("old", "old", "old", []),
        ("old", None, "old", []),
        # an earlier run wrote a wrong one there
        ("old", "wrong", "old", []),
        ("old", "old", "K2-unlike", ["does not open them", "/held. Bring", "host still has the key", "or backup_host"]),
        ("old", None, "K2-unlike", ["does not open them", "docs/backup.md). To begin anew"]),
        ("old", "wrong", "K2-unlike", ["does not open them", "docs/backup.md). To begin anew"]),
    ],
)  # fmt: skip
def test_a_key_that_does_not_open_what_is_there_is_found_before_it_takes_the_place_of_the_one_that_does(
    host: Host,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    opens: str,
    on_host: str | None,
    given: str,
    said: list[str],
) -> None:
    keys, told = Keys(opens), json.loads(settings.CONFIG.read_text())
    monkeypatch.setattr(programs, "run", keys.run)
    monkeypatch.setattr(prepare, "KEY", str(tmp_path / "restic.key"))
    monkeypatch.setattr(AnsibleModule, "get_bin_path", lambda *_words: "/usr/bin/restic")
    if on_host:
        (tmp_path / "restic.key").write_text(f"{on_host}\n")
    # nothing is there yet
    assert run(backup_key_info, key=given, told=told, held="/held")["problems"] == []
    assert keys.tried == []
    (Path(told["repository"]) / "restic" / "config").touch()
    problems = run(backup_key_info, key=given, told=told, held="/held")["problems"]
    assert len(problems) == bool(said)
    assert all(words in problems[0] for words in said)
    # at another host's only where the host knows the way
    away = {**told, "repository": "sftp://k@v/srv/h", "restic": "sftp://k@v:22//srv/h/restic"}
    keys.tried.clear()
    assert run(backup_key_info, key=given, told=away, held="/held")["problems"] == []
    assert keys.tried == []
    settings.CONFIG.write_text(json.dumps(away))
    assert len(run(backup_key_info, key=given, told=away, held="/held")["problems"]) == bool(said)


def test_a_wrong_key_makes_no_other_repository(host: Host) -> None:
    host.answers["cat"] = (12, "")
    assert "cannot be opened" in run(backup_repository, part="files")["msg"]
    assert not host.did("init")


@pytest.mark.parametrize(
    ("answers", "changed", "said"),
    [
        ({}, False, ""),
        ({"info": (0, GONE)}, True, ""),
        ({"psql": (0, "1")}, False, "another database"),
        ({"info": (1, "")}, False, "cannot be read"),
        ({"info": (0, GONE), "stanza-create": (50, "")}, False, "could not be made"),
    ],
)
def test_a_repository_of_a_database(host: Host, answers: dict[str, Any], changed: bool, said: str) -> None:
    host.answers = {**answers, **{name: one for name, one in host.answers.items() if name not in answers}}
    found = run(backup_repository, part="database")
    assert found.get("changed", False) is changed
    assert said in found.get("msg", "")
    assert host.did("stanza-create") is (changed or "stanza-create" in answers)


def test_uploads_come_back_in_place(host: Host) -> None:
    found = run(backup_restore, part="uploads", stamp="now")
    assert found["changed"]
    assert found["kept"] == {}
    assert any("--include=/var/lib/prosody/*/http_file_share" in call for call in host.calls)


def test_a_look_restores_nothing(host: Host) -> None:
    run(backup_restore, part="uploads", stamp="now", check=True)
    assert not host.did("restore")


def test_what_cannot_be_restored_stops_nothing(host: Host) -> None:
    host.answers["snapshots"] = (0, "[]")
    assert "no files" in run(backup_restore, part="files", stamp="now")["msg"]
    assert not host.did("stop")


def test_an_original_is_moved_aside_once(tmp_path: Path) -> None:
    """However often a restore is killed and repeated, the first content is what is kept."""
    place, record = tmp_path / "data", tmp_path / "restore.json"
    place.mkdir()
    (place / "original").touch()
    kept = restore.set_aside(restore.Record(record), place, "one")
    assert kept == f"{place}.before-one"
    place.mkdir()
    (place / "half").touch()
    assert restore.set_aside(restore.Record(record), place, "two") == kept
    assert not place.exists()
    assert [path.name for path in Path(kept).iterdir()] == ["original"]
    again = restore.Record(record)
    again.done("database", {str(place): kept})
    assert restore.Record(record).pending == {}


def test_an_original_is_moved_though_the_restore_was_killed_before(tmp_path: Path) -> None:
    place, record = tmp_path / "data", restore.Record(tmp_path / "restore.json")
    place.mkdir()
    record.pending[str(place)] = f"{place}.before-one"
    record.save()
    restore.set_aside(restore.Record(tmp_path / "restore.json"), place, "two")
    assert Path(f"{place}.before-one").is_dir()


def test_only_what_was_restored_is_given_to_its_owners_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not in the backup has the numbers of this host, of which one may be somebody else's there."""
    for name in ("of this host", "restored over it"):
        (tmp_path / name).write_text("x")
    before = restore.looked_at(tmp_path)
    (tmp_path / "restored over it").chmod(0o640)
    (tmp_path / "restored").write_text("x")
    (tmp_path / "a link").symlink_to("nowhere")
    given: dict[str, tuple[int, int]] = {}
    monkeypatch.setattr(
        restore.os, "chown", lambda path, user, group, follow_symlinks: given.update({path.name: (user, group)})
    )
    mine = tmp_path.stat()
    restore.give_to_their_owners(tmp_path, {mine.st_uid: 1234}, {}, before)
    assert given == dict.fromkeys((tmp_path.name, "restored over it", "restored", "a link"), (1234, mine.st_gid))
    assert restore.looked_at(tmp_path / "nothing") == {}


def test_where_there_was_nothing_half_a_restore_is_thrown_away(tmp_path: Path) -> None:
    place, record = tmp_path / "data", tmp_path / "restore.json"
    assert restore.set_aside(restore.Record(record), place, "one") == ""
    place.mkdir()
    assert restore.set_aside(restore.Record(record), place, "two") == ""
    assert not place.exists()


@pytest.fixture
def volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is a mount point, as those of containers are: it cannot be renamed."""
    place = tmp_path / "volume"
    place.mkdir()
    monkeypatch.setattr(restore, "is_volume", lambda path: path == place)
    return place


def test_a_volume_is_one_also_where_it_is_of_the_same_disk_as_what_is_around_it(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "612 605 254:0 /docker/volumes/local/_data /usr/local rw,relatime - ext4 /dev/vda rw\n"
        "613 612 254:0 /docker/volumes/modules/_data /usr/local/lib/prosody rw,relatime - ext4 /dev/vda rw\n"
        "614 605 254:0 /x /srv/of\\040blanks rw - ext4 /dev/vda rw\n",
        "utf-8",
    )
    for path, wanted in (("/usr/local/lib/prosody", True), ("/usr/local/lib", False), ("/srv/of blanks", True)):
        assert restore.is_volume(Path(path), mounts) is wanted, path
    assert restore.is_volume(Path("/proc"))
    assert not restore.is_volume(tmp_path, tmp_path / "none")


def names(place: Path) -> set[str]:
    return {path.name for path in place.iterdir()}


def test_what_is_in_a_volume_is_set_aside_in_it(volume: Path, tmp_path: Path) -> None:
    record = tmp_path / "restore.json"
    (volume / "original").touch()
    (volume / "before-20261101_120000").mkdir()  # of a move
    kept = restore.set_aside(restore.Record(record), volume, "one")
    assert kept == f"{volume}/before-one"
    assert names(volume) == {"before-20261101_120000", "before-one"}
    (volume / "half").mkdir()
    assert restore.set_aside(restore.Record(record), volume, "two") == kept
    assert names(volume) == {"before-20261101_120000", "before-one"}
    assert names(Path(kept)) == {"original"}


def test_a_volume_is_set_aside_though_the_restore_was_killed_before(volume: Path, tmp_path: Path) -> None:
    record = restore.Record(tmp_path / "restore.json")
    (volume / "before-one.part").mkdir()
    (volume / "before-one.part" / "first").touch()
    (volume / "second").touch()
    record.pending[str(volume)] = f"{volume}/before-one"
    record.save()
    restore.set_aside(restore.Record(tmp_path / "restore.json"), volume, "two")
    assert names(volume) == {"before-one"}
    assert names(volume / "before-one") == {"first", "second"}


def test_of_an_empty_volume_nothing_is_kept(volume: Path, tmp_path: Path) -> None:
    record = tmp_path / "restore.json"
    assert restore.set_aside(restore.Record(record), volume, "one") == ""
    (volume / "half").touch()
    assert restore.set_aside(restore.Record(record), volume, "two") == ""
    assert names(volume) == set()
    restore.Record(record).done("files", {str(volume): ""})
    assert restore.copy_aside(restore.Record(record), volume, "one") == ""


def test_configuration_in_a_volume_is_copied_into_it(volume: Path, tmp_path: Path) -> None:
    record = tmp_path / "restore.json"
    (volume / "file").write_text("before")
    (volume / "conf.d").mkdir()
    (volume / "conf.d" / "own").write_text("own")
    (volume / "before-20261101-120000").mkdir()
    kept = restore.copy_aside(restore.Record(record), volume, "one")
    (volume / "file").write_text("half")
    assert restore.copy_aside(restore.Record(record), volume, "two") == kept == f"{volume}/before-one"
    assert names(Path(kept)) == {"file", "conf.d"}
    assert (Path(kept) / "file").read_text() == "before"
    assert (Path(kept) / "conf.d" / "own").read_text() == "own"


def test_configuration_is_copied_aside(tmp_path: Path) -> None:
    place, record = tmp_path / "etc", tmp_path / "restore.json"
    place.mkdir()
    (place / "file").write_text("before")
    kept = restore.copy_aside(restore.Record(record), place, "one")
    (place / "file").write_text("half")
    assert restore.copy_aside(restore.Record(record), place, "two") == kept
    assert (Path(kept) / "file").read_text() == "before"


def moment(text: str) -> float | None:
    found: Callable[[str], float | None] = FilterModule().filters()["backup_moment"]
    return found(text)


def test_moments() -> None:
    assert backup_moment("latest") is None
    assert moment("") is None
    assert moment("2026-01-02 03:04:05+00:00") == 1767323045
    assert moment("2026-01-02T03:04:05.5Z") == 1767323045.5


@pytest.mark.parametrize(
    ("text", "said"), [("soon", "no time"), ("2026-01-02", "whole day"), ("2999-01-02 03:04", "not come yet")]
)
def test_what_is_no_moment_is_refused(text: str, said: str) -> None:
    with pytest.raises(AnsibleFilterError, match=said):
        backup_moment(text)


def test_backups_in_lines() -> None:
    state = {
        "backup": {"ended": 1000, "parts": {"database": {"size": 5_000_000}}, "problems": ["It broke."]},
        "last_success": {"database": 900},
        "verified": 500,
        "drill": {"problems": ["A byte differs."]},
    }
    assert backup_lines({"one": state, "two": {}}, now=1100) == [
        "one: 3 min ago (database 5.0 MB); restored and compared 10 min ago",
        "  FAILED: It broke.",
        "  NOT PROVED: A byte differs.",
        "two: none yet",
    ]
