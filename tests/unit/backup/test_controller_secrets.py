# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's own secrets: into a backup, which a host cannot read, and out of it again."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.filter.backup import FilterModule, backup_sealed, backup_unsealed
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import repository, restic, settings
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Done
from ansible_collections.allthingslinux.xmpp.plugins.modules import backup_secrets
from ansible_collections.allthingslinux.xmpp.tests.unit.module_runner import run

KEY = "the key of the printed page"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    place = tmp_path / ".secrets"
    (place / "ca").mkdir(parents=True)
    (place / "turn_secret").write_text("between Prosody and coturn\n")
    (place / "ca/ca.key").write_bytes(b"\xff\x00 no text")
    (place / "backup-escrow.txt").write_text(KEY)
    (place / ".new-x").write_text("half")
    return place


def test_the_same_secrets_are_the_same_text_and_nothing_of_them_is_in_it(kept: Path) -> None:
    sealed = backup_sealed(str(kept), KEY)
    os.utime(kept / "turn_secret", (1, 1))
    assert backup_sealed(str(kept), KEY) == sealed
    assert backup_sealed(str(kept), KEY + "x") != sealed
    assert sealed.startswith("$ANSIBLE_VAULT;1.1;AES256\n")
    assert b"coturn" not in base64.b16decode("".join(sealed.split("\n")[1:]).upper())
    (kept / "turn_secret").write_text("another\n")
    # nor are two states told apart by anything but all of it
    assert backup_sealed(str(kept), KEY).split("\n")[1][:8] != sealed.split("\n")[1][:8]


def test_ansible_vault_alone_opens_it(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "sealed").write_text(backup_sealed(str(kept), KEY))
    vault = Path(sys.executable).with_name("ansible-vault")
    said = subprocess.run(
        [vault, "view", "--vault-password-file", tmp_path / "key", tmp_path / "sealed"], capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(said))) as archive:
        assert archive.getnames() == ["ca/ca.key", "turn_secret"]


def test_another_key_opens_nothing(kept: Path) -> None:
    unseal = FilterModule().filters()["backup_unsealed"]
    with pytest.raises(AnsibleFilterError, match="another key"):
        unseal(backup_sealed(str(kept), KEY), "x")
    with pytest.raises(AnsibleFilterError, match="another key"):
        unseal("no vault", KEY)


def test_what_cannot_be_read_is_named(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", "turn_secret")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(AnsibleFilterError, match="turn_secret cannot be read"):
        backup_sealed(str(kept), KEY)


def test_what_is_missing_comes_back_and_what_is_there_stays(kept: Path, tmp_path: Path) -> None:
    archive = backup_unsealed(backup_sealed(str(kept), KEY), KEY)
    place = tmp_path / "elsewhere"
    place.mkdir()
    (place / "turn_secret").write_text("made anew\n")
    seen = run(backup_secrets, archive=archive, directory=str(place), check=True)
    assert (seen["changed"], seen["brought"], seen["different"]) == (True, ["ca/ca.key"], ["turn_secret"])
    assert not (place / "ca").exists()
    run(backup_secrets, archive=archive, directory=str(place))
    assert (place / "ca/ca.key").read_bytes() == b"\xff\x00 no text"
    assert (place / "ca/ca.key").stat().st_mode & 0o777 == 0o600
    assert (place / "ca").stat().st_mode & 0o777 == 0o700
    assert (place / "turn_secret").read_text() == "made anew\n"
    assert not run(backup_secrets, archive=archive, directory=str(place))["changed"]
    assert sorted(path.name for path in place.rglob("*")) == ["ca", "ca.key", "turn_secret"]


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "ca/../../outside"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    given = base64.b64encode(target.getvalue()).decode()
    assert "lead elsewhere" in run(backup_secrets, archive=given, directory=str(tmp_path / "x"))["msg"]


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in run(backup_secrets, archive="bm8gdGFy", directory=str(tmp_path))["msg"]


def test_the_newest_backup_has_them() -> None:
    class Answers:
        def restic(self, *words: str) -> Done:
            return Done(0, " ".join(words), "")

    snapshots = [
        restic.Snapshot("old", 1, ("/etc", str(settings.SEALED)), "h", 0),
        restic.Snapshot("new", 2, ("/etc", str(settings.SEALED)), "h", 0),
    ]
    assert repository.sealed(Answers(), snapshots) == f"dump new {settings.SEALED}"  # type: ignore[arg-type]
    assert repository.sealed(Answers(), [restic.Snapshot("old", 1, ("/etc",), "h", 0)]) == ""  # type: ignore[arg-type]
    assert repository.sealed(Answers(), []) == ""  # type: ignore[arg-type]
