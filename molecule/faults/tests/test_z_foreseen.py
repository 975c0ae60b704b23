# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check predicts and what the run then does, for several kinds of change: the same tasks and configuration.

The changes pile up, so that one run at the end tells for all of them that nothing is left to do. Comes last: they stay.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import Site

ROOT = Path(__file__).resolve().parents[3]
(MITOGEN,) = map(str, Path(sys.prefix).glob("lib/python3*/site-packages/ansible_mitogen/plugins/strategy"))
ROLE = "allthingslinux.xmpp.prosody : "
CONFIGURED = f"{ROLE}Give Prosody its configuration"


@dataclass(frozen=True)
class Change:
    """Kinds of changes that are made in one run: variables, and whether Prosody is restarted, where that is known."""

    variables: dict[str, Any]
    restart: bool | None = None


CHANGES = {
    "an option that is read anew": Change({"prosody_options": {"smacks_hibernation_time": 1234}}, restart=False),
    "one more admin and a module": Change(
        {"prosody_admins": ["alice@faults.localhost"], "prosody_motd": "Tomorrow at ten"}, restart=True
    ),
    "an account, a room and an invitation": Change(
        {
            "prosody_accounts": [
                {"jid": "alice@faults.localhost", "password": "first-of-the-scenario"},
                {"jid": "bob@faults.localhost", "password": "second-of-the-scenario"},
                {"jid": "carol@faults.localhost"},
            ],
            "prosody_rooms": [{"jid": "tea@muc.faults.localhost", "name": "Tea", "public": False}],
            "prosody_invitations": [{"name": "help-desk"}],
        },
        restart=False,
    ),
    "the first community module and a second domain": Change(
        {
            "prosody_community_modules": [{"name": "lastlog2"}],
            "prosody_modules": ["lastlog2"],
            "prosody_hosts": [{"name": "faults.localhost"}, {"name": "second.localhost"}],
        }
    ),
}


@dataclass(frozen=True)
class Ran:
    """A run: whether it went well, everything it printed, and (task, item) → difference of what changed, in order."""

    ok: bool
    output: str
    changed: dict[tuple[str, str], Any]
    said: list[str]


def run(variables: dict[str, Any], *options: str) -> Ran:
    """Run the site for Prosody, with variables before those of the inventory."""
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        # as bin/deploy --fast
        "ANSIBLE_STRATEGY": "mitogen_linear",
        "ANSIBLE_STRATEGY_PLUGINS": MITOGEN,
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
    }
    command = [
        "ansible-playbook",
        "-i",
        os.environ["MOLECULE_INVENTORY_FILE"],
        "site.yml",
        "--tags",
        "prosody",
        "--diff",
    ]
    done = subprocess.run(
        [*command, "-e", json.dumps(variables), *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    start = done.stdout.find("\n{") + 1 if not done.stdout.startswith("{") else 0
    plays = json.loads(done.stdout[start:])["plays"]
    changed, said = {}, []
    for task in (task for play in plays for task in play["tasks"]):
        for result in task["hosts"].values():
            for one in result.get("results") or [result]:
                said.append(str(one.get("msg", "")))
                if one.get("changed"):
                    changed[task["task"]["name"], str(one.get("item", ""))] = one.get("diff")
    return Ran(done.returncode == 0, done.stdout + done.stderr, changed, said)


@pytest.fixture(scope="module", autouse=True)
def bare(site: Site) -> Iterator[None]:
    """A host without python3-apt, as a small installation of Debian 13 is: neither a check nor a run needs it."""
    packages = "/usr/lib/python3/dist-packages"
    site.host.check_output(f"mkdir -p /root/apt && mv {packages}/apt {packages}/apt_pkg*.so /root/apt/")
    yield
    site.host.check_output(f"mv /root/apt/* {packages}/ && rmdir /root/apt")


@pytest.fixture(scope="module")
def piled() -> dict[str, Any]:
    """The variables of the kinds so far."""
    return {}


def agree(site: Site, variables: dict[str, Any]) -> tuple[Ran, Ran]:
    """Check, then run: the check changes nothing, the run what was said, task by task, to the same configuration."""
    before = site.state()
    foreseen = run(variables, "--check")
    assert foreseen.ok, foreseen.output[-6000:]
    assert site.state() == before
    done = run(variables)
    assert done.ok, done.output[-6000:]
    assert foreseen.changed.keys() == done.changed.keys()
    assert foreseen.changed.get((CONFIGURED, "")) == done.changed.get((CONFIGURED, ""))
    return foreseen, done


@pytest.mark.parametrize("kind", CHANGES)
def test_a_check_says_what_the_run_does(site: Site, piled: dict[str, Any], kind: str) -> None:
    change = CHANGES[kind]
    piled.update(change.variables)
    process = site.process()
    foreseen, done = agree(site, piled)
    restarted = site.process() != process
    for each in (foreseen, done):
        assert any("Prosody is going to be restarted" in said for said in each.said) == restarted
    assert change.restart in (None, restarted)


def test_after_all_of_them_nothing_is_left_to_do(piled: dict[str, Any]) -> None:
    again = run(piled)
    assert again.ok, again.output[-6000:]
    assert not again.changed
