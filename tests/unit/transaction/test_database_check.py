# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module database_check: a running Prosody is spared a database that would refuse it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import installation
from ansible_collections.allthingslinux.xmpp.plugins.modules import database_check
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner

OPTIONS: dict[str, Any] = {
    "database": "prosody",
    "username": "prosody",
    "password": "hunter2 hunter2",
    "host": "db.example",
    "environment": {"PGSSLMODE": "verify-full"},
}


@pytest.fixture
def world(monkeypatch):
    """A host with a state of the unit and an answer of libpq; out: what was asked."""
    asked: list[tuple[Any, ...]] = []

    def build(state: str, refusal: str):
        def run_command(_module, command, data=None, **_options):
            if "show" in command:
                return 0, f"ActiveState={state}\nMainPID=7\n", ""
            asked.append((command, data))
            return 0, f"\0refused\0{refusal}\n" if refusal else "", ""

        monkeypatch.setattr(database_check.AnsibleModule, "run_command", run_command)
        installed = type("Installed", (), {"unprivileged": lambda _self: ["setpriv"]})()
        monkeypatch.setattr(installation, "find", lambda: installed)
        return asked

    return build


@pytest.mark.parametrize("check", [True, False])
def test_what_libpq_says_is_told_before_anything_is_touched(world, check):
    asked = world("active", "SSL error: certificate verify failed")
    result = module_runner.run(database_check, check=check, **OPTIONS)
    assert result["failed"]
    assert "database prosody on db.example:5432 as prosody (PGSSLMODE=verify-full): SSL error" in result["msg"]
    assert "was not touched" in result["msg"]
    [(command, data)] = asked
    assert command[0] == "setpriv"
    assert "hunter2" in data
    assert "hunter2" not in json.dumps(result) + " ".join(command)


def test_a_database_that_lets_it_in(world):
    world("active", "")
    assert module_runner.run(database_check, **OPTIONS)["asked"] is True


def test_one_that_does_not_run_has_nothing_to_lose(world):
    asked = world("inactive", "no")
    result = module_runner.run(database_check, **OPTIONS)
    assert (result["changed"], result["asked"], asked) == (False, False, [])
