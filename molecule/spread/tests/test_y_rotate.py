# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""New secrets everywhere while somebody stays connected; old ones are refused; a failure half-way goes back.

Comes before the service is moved (test_z_moves.py).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import module, playbook

ADMIN = "admin@spread.localhost"
NAMES = ("postgresql_prosody", "turn_secret", "probe_xmpp-probe-1@spread.localhost")


def secrets() -> dict[str, str]:
    """The secrets that were made, by their names."""
    place = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent / ".secrets"
    kept = [*place.glob("postgresql_*"), *place.glob("turn_*"), *place.glob("probe_*")]
    kept += [path for path in (place / "rotation").glob("*") if path.is_file()]
    return {path.name: path.read_text().strip() for path in kept}


def database(address, password: str) -> str:
    """What PostgreSQL says to somebody who comes from Prosody's host with this password."""
    options = {
        "database": "prosody",
        "username": "prosody",
        "password": password,
        "host": address("db"),
        "environment": {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/etc/xmpp/ca.pem"},
    }
    return module("xmpp-spread-chat", "database_check", options)


def relayed(machine, address, secret: str) -> bool:
    """Whether TURN relays for somebody with credentials of this secret."""
    place = address("turn")
    command = f"timeout 20 turnutils_uclient -y -n 1 -c -W '{secret}' -u somebody -e {place} -X {place}"
    said = machine("turn").run(command).stdout
    assert ("tot_recv_msgs" in said) != ("Cannot complete Allocation" in said), said
    return "tot_recv_msgs" in said


@pytest.fixture(scope="module")
def before():
    return secrets()


@pytest.fixture(scope="module")
def processes(machine, before):
    """A function that gives the processes of all that serves."""

    def read():
        units = {"db": "postgresql@17-main", "turn": "coturn", "chat": "prosody"}
        show = "systemctl show -P MainPID -P ActiveEnterTimestampMonotonic {}"
        return {name: machine(name).check_output(show.format(unit)) for name, unit in units.items()}

    read.first = read()
    return read


@pytest.fixture(scope="module")
def client(address, processes):
    """Somebody who is connected all the time."""
    place = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent / ".secrets" / f"account_{ADMIN}"
    with Client(ADMIN, place.read_text().strip(), address("chat")) as somebody:
        yield somebody


def test_a_database_that_prosody_cannot_reach_gets_the_old_password_back(client, processes, machine, address, before):
    # who is connected stays so, and nobody else gets in
    limit = 'psql -Xqc "alter database prosody connection limit {}"'
    machine("db").check_output("su postgres -c %s", limit.format(0))
    try:
        done = playbook("rotate")
    finally:
        machine("db").check_output("su postgres -c %s", limit.format(-1))
    assert done.code != 0
    assert "did not get to xmpp-spread-chat" in done.output, done.output[-3000:]
    assert "The old one is in use again" in done.output
    assert secrets() == before, "nothing else was replaced, and nothing is left over"
    assert "FAILED" not in database(address, before["postgresql_prosody"])
    assert processes() == processes.first
    assert not client.ended


def test_all_secrets_are_new_and_nobody_was_disconnected(client, processes, before):
    kinds = "database,turn,metrics,probe,authority"
    done = playbook("rotate", "-e", "xmpp_rotate_now=true", "-e", f"xmpp_rotate_only={kinds}").assert_ok()
    now = secrets()
    assert set(now) == set(before)
    assert set(NAMES) <= set(now)
    assert not [name for name in now if now[name] == before[name]]
    assert not [secret for secret in (*now.values(), *before.values()) if secret in done.output]
    assert processes() == processes.first
    client.say(ADMIN, "still here")
    assert client.hears("still here")
    assert not client.ended


def test_the_old_secrets_are_refused_and_the_new_ones_work(machine, address, before):
    now = secrets()
    assert "password authentication failed" in database(address, before["postgresql_prosody"])
    assert "FAILED" not in database(address, now["postgresql_prosody"])
    assert not relayed(machine, address, before["turn_secret"])
    assert relayed(machine, address, now["turn_secret"])


def test_another_authority_is_trusted_where_the_old_one_is_before_it_issues(machine):
    """Whichever host has a certificate of it first then, the others believe it. Its other steps: scenario default."""
    place = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent / ".secrets/ca"
    both, new = (place / "ca.pem").read_text().strip(), (place / "next.pem").read_text().strip()
    assert both.endswith(new)
    assert both.count("BEGIN CERTIFICATE") == 2
    assert machine("chat").file("/etc/xmpp/ca.pem").content_string.strip() == both
    assert machine("watch").file("/etc/xmpp/monitoring/ca.pem").content_string.strip() == both


def test_prosody_connects_anew_with_the_new_password(client, machine, processes):
    """It was not restarted, so what it connects with is what it was handed while it ran."""
    machine("db").check_output(
        "su postgres -c %s",
        "psql -AtXc \"select pg_terminate_backend(pid) from pg_stat_activity where usename = 'prosody'\"",
    )
    client.say(ADMIN, "after the cut")
    assert client.hears("after the cut")
    assert client.archived()
    assert processes() == processes.first


def test_an_ordinary_run_of_who_has_them_changes_nothing():
    playbook("site", "--tags", "postgresql,coturn").assert_unchanged()
