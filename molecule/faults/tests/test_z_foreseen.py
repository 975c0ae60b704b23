# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check predicts and what the run then does, for several kinds of change: the same tasks and configuration.

The changes pile up, so that one run at the end tells for all of them that nothing is left to do. Comes last: they stay.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT, results
from conftest import Site

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
    done = results(ROOT / "site.yml", "--tags", "prosody", "--diff", "-e", json.dumps(variables), *options)
    changed = {(name, str(one.get("item", ""))): one.get("diff") for name, one in done.tasks if one.get("changed")}
    return Ran(done.code == 0, done.output, changed, [str(one.get("msg", "")) for _name, one in done.tasks])


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
