# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role backup makes of its variables: where the repository is, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

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


def refused(**given: Any) -> list[str]:
    return [one["problem"] for one in value("__backup_checks", **given) if not one["that"]]


@pytest.mark.parametrize("given", [{}, {"backup_repository": ""}, {"backup_repository": "/srv/x"}])
def test_what_is_good(given: dict[str, Any]) -> None:
    assert refused(**given) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"backup_repository": "relative"}, "no absolute path"),
        ({"backup_repository": "s3://bucket/x"}, "no absolute path"),
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
    }
