# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""New secrets with a way back (plugin_utils/secret_rotation.py): whoever dies wherever, one of the two is in use."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.allthingslinux.xmpp.plugins.action import secret_rotation as action
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import secret_files, secret_rotation

NAME = "turn_secret"


@pytest.fixture
def old(tmp_path):
    """The secret that there is; its directory is tmp_path."""
    return secret_files.obtain(tmp_path, NAME, may_make=True)


def present(directory: Path, name: str = NAME) -> str | None:
    return secret_files.read(directory / name)


def kept(directory: Path) -> list[str]:
    return sorted(path.name for path in (directory / "rotation").iterdir())


def test_a_new_one_is_in_use_and_the_old_one_is_kept(tmp_path, old):
    assert secret_rotation.begin(tmp_path, NAME)
    assert present(tmp_path) not in (None, old)
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "rotation").stat().st_mode) == 0o700
    assert secret_rotation.unproved(tmp_path) == [NAME]
    assert secret_rotation.former(tmp_path, NAME) == [old]
    assert not list(tmp_path.glob(".new-*"))


def test_begun_twice_it_is_replaced_once(tmp_path, old):
    secret_rotation.begin(tmp_path, NAME)
    new = present(tmp_path)
    assert not secret_rotation.begin(tmp_path, NAME)
    assert present(tmp_path) == new
    assert secret_rotation.former(tmp_path, NAME) == [old]


def test_who_died_before_the_new_one_was_there_left_the_old_one(tmp_path, old, monkeypatch):
    def die(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(secret_files, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            secret_rotation.begin(tmp_path, NAME)
    assert present(tmp_path) == old
    assert secret_rotation.former(tmp_path, NAME) == []
    assert secret_rotation.begin(tmp_path, NAME)
    assert present(tmp_path) != old


@pytest.mark.parametrize("replaced", [True, False])
def test_the_old_one_comes_back(tmp_path, old, replaced, monkeypatch):
    if not replaced:
        monkeypatch.setattr(secret_files, "replace", lambda _path, _secret: None)
    secret_rotation.begin(tmp_path, NAME)
    assert secret_rotation.back(tmp_path, NAME)
    assert present(tmp_path) == old
    assert kept(tmp_path) == []
    assert not secret_rotation.back(tmp_path, NAME)


def test_once_it_is_proved_the_old_one_is_gone(tmp_path, old):
    secret_rotation.begin(tmp_path, NAME)
    assert secret_rotation.finish(tmp_path, NAME, keep=False)
    assert kept(tmp_path) == []
    assert secret_rotation.former(tmp_path, NAME) == []
    assert not secret_rotation.finish(tmp_path, NAME, keep=False)
    assert old not in (tmp_path / NAME).read_text()


def age(directory: Path, seconds: float) -> None:
    moment = time.time() - seconds
    os.utime(directory / NAME, (moment, moment))


def test_a_former_one_is_accepted_for_a_day(tmp_path, old):
    secret_rotation.begin(tmp_path, NAME)
    age(tmp_path, 90000)  # proved long after
    secret_rotation.finish(tmp_path, NAME, keep=True)
    assert secret_rotation.unproved(tmp_path) == []
    assert secret_rotation.former(tmp_path, NAME) == [old]
    age(tmp_path, 86300)
    assert secret_rotation.former(tmp_path, NAME) == [old]
    age(tmp_path, 86500)
    assert secret_rotation.former(tmp_path, NAME) == []
    # another rotation does not bring it back
    second = present(tmp_path)
    secret_rotation.begin(tmp_path, NAME)
    assert secret_rotation.former(tmp_path, NAME) == [second]


def test_within_that_day_two_former_ones_are_accepted(tmp_path, old):
    secret_rotation.begin(tmp_path, NAME)
    secret_rotation.finish(tmp_path, NAME, keep=True)
    second = present(tmp_path)
    secret_rotation.begin(tmp_path, NAME)
    assert secret_rotation.former(tmp_path, NAME) == [second, old]
    secret_rotation.finish(tmp_path, NAME, keep=False)
    assert kept(tmp_path) == []


def test_what_is_not_there_or_not_ours_is_refused(tmp_path):
    with pytest.raises(secret_files.SecretError, match="nothing to rotate"):
        secret_rotation.begin(tmp_path, NAME)
    with pytest.raises(secret_files.SecretError, match="There is no secret"):
        secret_rotation.begin(tmp_path, "../etc")


def test_which_secrets_there_are(tmp_path):
    for name in ("turn_secret", "postgresql_prosody", "probe_a@x.org", "component_irc.x.org", "account_a@x.org"):
        secret_files.obtain(tmp_path, name, may_make=True)
    (tmp_path / "deployed.json").write_text("{}")
    usual = secret_rotation.kinds("")
    assert secret_rotation.there(tmp_path, usual) == ["postgresql_prosody", "probe_a@x.org", "turn_secret"]
    assert secret_rotation.there(tmp_path, secret_rotation.kinds("components, turn")) == [
        "component_irc.x.org",
        "turn_secret",
    ]
    assert secret_rotation.there(tmp_path / "away", usual) == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("backup", "encrypted with its keys"),
        ("ca", "authority, with"),
        ("accounts", "--reset"),
        ("tturn", "--only takes"),
    ],
)
def test_what_cannot_be_had_is_refused_with_the_reason(asked, said):
    with pytest.raises(secret_files.SecretError, match=said):
        secret_rotation.kinds(f"turn,{asked}")


def test_what_the_operator_gives_is_named():
    made = "{{ lookup('allthingslinux.xmpp.secret', 'turn_secret') }}"
    hosts: dict[str, dict[str, Any]] = {
        "chat": {
            "prosody_turn_secret": "hunter2",
            "prosody_components": [{"name": "irc.x.org", "secret": "hunter2"}],
            "postgresql_databases": [{"name": "a", "users": [{"name": "b"}]}],
        },
        "turn": {"coturn_secret": made},
    }
    assert secret_rotation.given("turn", hosts) == ["prosody_turn_secret of chat"]
    assert secret_rotation.given("components", hosts) == ["prosody_components of chat"]
    assert secret_rotation.given("database", hosts) == []
    assert secret_rotation.given("probe", hosts) == []


class Hosts(dict):
    """hostvars, of which the variables are taken as they are written."""

    def raw_get(self, host):
        return self[host]


def step(directory, hosts=None, check=False, **args):
    """Run module secret_rotation; hosts: host to its variables."""
    task = MagicMock(args={"directory": str(directory), **args}, async_val=0, check_mode=check, diff=False)
    variables = {"hostvars": Hosts(hosts or {})}
    templar = Templar(loader=DataLoader(), variables=variables)
    made = action.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), templar, MagicMock())
    return made.run(task_vars=variables)


def test_the_module_plans_replaces_and_goes_back(tmp_path, old):
    for name in ("probe_a@x.org", "component_irc.x.org"):
        secret_files.obtain(tmp_path, name, may_make=True)
    plan = step(tmp_path, state="planned")
    assert plan["names"] == ["probe_a@x.org", "turn_secret"]
    assert (plan["changed"], plan["given"], plan["left"]) == (False, [], ["component_irc.x.org"])
    assert not step(tmp_path, check=True, state="begun", names=plan["names"])["changed"]
    assert present(tmp_path) == old
    assert step(tmp_path, state="begun", names=plan["names"])["names"] == plan["names"]
    assert not step(tmp_path, state="begun", names=plan["names"])["changed"]
    # who died is gone on with, whatever is asked for
    assert step(tmp_path, state="planned", only="components")["names"] == [
        "component_irc.x.org",
        "probe_a@x.org",
        "turn_secret",
    ]
    assert step(tmp_path, state="back", names=plan["names"])["changed"]
    assert present(tmp_path) == old
    step(tmp_path, state="begun", names=[NAME])
    step(tmp_path, state="finished", names=[NAME], keep=[NAME])
    assert kept(tmp_path) == ["turn_secret.former"]


def test_the_module_names_what_is_given_and_refuses_what_cannot_be_had(tmp_path, old):
    plan = step(tmp_path, {"turn": {"coturn_secret": "hunter2"}}, state="planned")
    assert (plan["names"], plan["given"]) == ([], ["coturn_secret of turn"])
    with pytest.raises(AnsibleActionFail, match="backup is not rotated"):
        step(tmp_path, state="planned", only="backup")
