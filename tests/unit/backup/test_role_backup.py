# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role backup makes of its variables: where the repository is, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.allthingslinux.xmpp.plugins.filter.ssh_keys import FilterModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import settings
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import secret_files, ssh_keys

KEY = ssh_keys.private()
SFTP = {
    "backup_repository": "sftp://keeper@vault.example.org/srv/xmpp/",
    "backup_sftp_host_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1 root@vault", "ecdsa-sha2-nistp256 AAAAE2VjZHNh"],
    "backup_sftp_key": KEY,
}
S3 = {"backup_repository": "s3://s3.example.org/keep", "backup_s3_access_key": "a", "backup_s3_secret_key": "b"}
PREFLIGHT = "allthingslinux.xmpp.preflight"
ROLE = Path(__file__).parents[3] / "roles" / "backup"


def role(**given: Any) -> Templar:
    loader = DataLoader()
    variables: dict[str, Any] = {}
    for file in ("defaults", "vars"):
        variables |= loader.load_from_file(str(ROLE / file / "main.yml"), trusted_as_template=True)
    return Templar(
        loader=loader,
        variables={
            **variables,
            "role_path": str(ROLE),
            "inventory_hostname": "one",
            "groups": {"prosody": ["one"], "postgresql": ["one"]},
            "backup_secrets_dir": "/nowhere",
            "backup_key": "a key of the tests",
            "hostvars": {"one": {}},
            **given,
        },
    )


def value(text: str, **given: Any) -> Any:
    templar = role(**given)
    return templar.template(templar.available_variables[text])


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({}, "/var/backups/xmpp/one"),
        ({"backup_repository": "/srv/x/", "backup_host": "old"}, "/srv/x/old"),
    ],
)
def test_where_backups_go(given: dict[str, Any], place: str) -> None:
    assert value("__backup_settings", **given)["repository"] == place


@pytest.mark.parametrize(
    ("given", "repository", "restic", "place"),
    [
        (SFTP, "sftp://keeper@vault.example.org/srv/xmpp/one", "sftp://keeper@vault.example.org:22//srv/xmpp/one/restic",
         "/srv/xmpp/one"),
        ({**SFTP, "backup_repository": "sftp://k@v:2222/x"}, "sftp://k@v:2222/x/one", "sftp://k@v:2222//x/one/restic",
         "/x/one"),
        (S3, "s3://s3.example.org/keep/one", "s3:https://s3.example.org:443/keep/one/restic", "/one"),
        ({**S3, "backup_repository": "s3://h:9000/keep/a/b/"}, "s3://h:9000/keep/a/b/one",
         "s3:https://h:9000/keep/a/b/one/restic", "/a/b/one"),
    ],
)  # fmt: skip
def test_a_repository_elsewhere(given: dict[str, Any], repository: str, restic: str, place: str) -> None:
    told = value("__backup_settings", **given)
    assert (told["repository"], told["restic"]) == (repository, restic)
    assert value("__backup_place", **given) == place
    # what the host is told can be read by postgres, too
    assert not any(secret in str(told) for secret in (KEY, "backup_s3"))


def configuration(**given: Any) -> list[str]:
    templar = role(**given)
    text = (ROLE / "templates/pgbackrest.conf.j2").read_text(encoding="utf-8")
    return str(templar.template(trust_as_template(text))).splitlines()


def test_pgbackrest_reaches_the_same_place() -> None:
    there = configuration(**{**SFTP, "backup_repository": "sftp://k@v:2222/x"})
    for line in ("repo1-path=/x/one/pgbackrest", "repo1-type=sftp", "repo1-sftp-host=v", "repo1-sftp-host-port=2222",
                 "repo1-sftp-host-user=k", "repo1-sftp-host-key-check-type=strict", "repo1-block=n"):  # fmt: skip
        assert line in there
    there = configuration(**{**S3, "backup_repository": "s3://h:9000/keep/a", "backup_s3_region": "eu-1"})
    for line in ("repo1-path=/a/one/pgbackrest", "repo1-s3-bucket=keep", "repo1-s3-endpoint=h",
                 "repo1-storage-port=9000", "repo1-s3-region=eu-1", "repo1-block=y"):  # fmt: skip
        assert line in there
    assert "repo1-path=/var/backups/xmpp/one/pgbackrest" in configuration()
    assert not any("type=s" in line for line in configuration())


def test_a_key_is_made_once_and_the_line_for_the_other_host_is_of_it(tmp_path: Path) -> None:
    made = secret_files.obtain(tmp_path, "backup_sftp_key", True)
    assert secret_files.obtain(tmp_path, "backup_sftp_key", True) == made
    assert (tmp_path / "backup_sftp_key").stat().st_mode & 0o777 == 0o600
    assert made.startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    line = value("__backup_sftp_line", **{**SFTP, "backup_sftp_key": made})
    assert line == f'restrict,command="internal-sftp" {ssh_keys.public(made)} xmpp-backup'


@pytest.mark.parametrize(
    "text", ["", "x", KEY[:90], "-----BEGIN RSA PRIVATE KEY-----\nAA\n-----END RSA PRIVATE KEY-----"]
)
def test_what_is_no_key_is_not_shown(text: str) -> None:
    with pytest.raises(ssh_keys.KeyUnreadable) as seen:
        ssh_keys.public(text)
    assert "AA" not in str(seen.value)
    assert FilterModule().filters()["ssh_public_key"](text, "") == ""
    with pytest.raises(AnsibleFilterError, match="without"):
        FilterModule().filters()["ssh_public_key"](text)


def test_the_run_that_made_the_key_goes_no_further(tmp_path: Path) -> None:
    (tmp_path / "backup_sftp_key").write_text(KEY)
    given = {**SFTP, "backup_secrets_dir": str(tmp_path)}
    (problem,) = refused(**given, __backup_sftp_before=False)
    assert f'keeper, and repeat: restrict,command="internal-sftp" {ssh_keys.public(KEY)}' in problem
    assert refused(**given, __backup_sftp_before=True) == []


@pytest.mark.parametrize("given", [{}, S3])
def test_no_key_is_made_where_none_is_wanted(given: dict[str, Any], tmp_path: Path) -> None:
    given = {**given, "backup_secrets_dir": str(tmp_path)}
    assert refused(**given) == []
    assert value("__backup_sftp_private", **given) == ""
    for name in ("tools", "escrow", "look"):
        assert "backup_sftp_key" not in (ROLE / f"tasks/{name}.yml").read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == []


def test_every_task_of_a_look_runs_before_the_look() -> None:
    tasks = yaml.safe_load((ROLE / "tasks/look.yml").read_text(encoding="utf-8"))
    assert [next(iter(task["ansible.builtin.set_fact"])) for task in tasks[:2]] == [
        "__backup_sftp_before",
        "__backup_sftp_has_key",
    ]
    assert "allthingslinux.xmpp.preflight" in tasks[2]


def refused(**given: Any) -> list[str]:
    return [one["problem"] for one in value("__backup_checks", **given) if not one["that"]]


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, True),
        (SFTP, True),
        ({"backup_repository": ""}, False),
        # what cannot be is told for itself
        ({"backup_repository": "relative"}, False),
    ],
)
def test_the_key_is_tried_before_it_takes_the_place_of_another(given: dict[str, Any], asked: bool) -> None:
    found = value("__backup_asks", **given)
    assert [one["module"] for one in found] == ["allthingslinux.xmpp.backup_key_info"] * asked
    if asked:
        told = found[0]["args"]["told"]
        assert settings.of(told).repository == told["repository"]
        assert found[0]["args"]["key"] == "a key of the tests"
    (look,) = [one for one in yaml.safe_load((ROLE / "tasks" / "look.yml").read_text()) if PREFLIGHT in one]
    assert look[PREFLIGHT]["asks"] == ["__backup_asks"]


@pytest.mark.parametrize(
    ("check", "changed", "later"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_a_check_looks_for_no_repository_of_which_the_host_is_only_told_by_the_run(
    check: bool, changed: bool, later: bool
) -> None:
    """In containers it sees what the new one has mounted, and would find that the backups of before are gone."""
    told = {"changed_paths": ["/etc/xmpp/backup/backup.json"] if changed else ["/etc/xmpp/backup/restic.key"]}
    assert value("__backup_told_later", ansible_check_mode=check, __backup_told=told) is later
    for file in ("database.yml", "files.yml"):
        assert "when: not __backup_told_later" in (ROLE / "tasks" / file).read_text()


@pytest.mark.parametrize("given", [{}, {"backup_repository": ""}, {"backup_repository": "/srv/x"}, SFTP, S3])
def test_what_is_good(given: dict[str, Any]) -> None:
    assert refused(**given) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"backup_repository": "relative"}, "no absolute path"),
        ({**S3, "backup_repository": "s3://bucket"}, "no absolute path"),
        ({**S3, "backup_repository": "s3://s3.example.org/Not_a_bucket"}, "no absolute path"),
        ({**SFTP, "backup_repository": "sftp://vault.example.org/srv/xmpp"}, "no absolute path"),
        ({**SFTP, "backup_repository": "sftp://k@vault.example.org"}, "no absolute path"),
        ({**SFTP, "backup_sftp_host_keys": []}, "backup_sftp_host_keys is empty"),
        ({**SFTP, "backup_sftp_host_keys": ["vault.example.org ssh-ed25519 AAAAC3Nz"]}, "without a name"),
        ({**SFTP, "backup_sftp_key": "a-stand-in"}, "without --check"),
        ({**SFTP, "backup_sftp_key": KEY[:90], "__backup_sftp_file": "/etc/hostname"}, "without a passphrase"),
        ({**S3, "backup_s3_secret_key": ""}, "is not given"),
        ({**S3, "backup_s3_authority": "/etc/ssl/ca.pem"}, "no text of certificates"),
        ({"backup_repository": "/home/keeper"}, "must not write"),
        ({"backup_repository": "/etc/backups/"}, "must not write"),
        ({"backup_repository": "/tmp"}, "must not write"),
        ({"backup_host": "../one"}, "backup_host"),
        ({"backup_retention_days": 0}, "1 or more"),
        ({"backup_key": "short"}, "backup_key"),
        ({"backup_paths": ["srv"]}, "absolute path"),
    ],
)
def test_what_cannot_work_is_refused(given: dict[str, Any], said: str) -> None:
    (problem,) = refused(**given)
    assert said in problem
    assert "short" not in problem.split("backup_key")[0]


def test_the_version_is_known_and_every_module_is_shipped() -> None:
    assert value("__backup_version")[0].isdigit()
    top = ROLE.parents[1] / "plugins" / "module_utils"
    shipped = value("__backup_module_files")
    assert [name for name in shipped if not (top / name).is_file()] == []
    # of those only modules of Ansible have a use
    assert {path.name for path in (top / "backup").glob("*.py")} - {Path(name).name for name in shipped} == {
        "account.py",
        "prepare.py",
        "restore.py",
        "secrets.py",
    }
