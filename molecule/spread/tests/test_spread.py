# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several hosts, one service: what crosses the network is encrypted and closed to others; real clients are served."""

from __future__ import annotations

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import module, playbook


def test_real_clients_are_served():
    playbook("check").assert_ok()


def test_each_host_runs_just_its_own_service(machine):
    names = {"db": "postgresql@17-main", "turn": "coturn", "chat": "prosody", "watch": "prometheus"}
    for name, own in names.items():
        for service in names.values():
            assert machine(name).service(service).is_running == (service == own), (name, service)


def test_the_database_connection_is_encrypted(machine):
    query = "select ssl from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'prosody'"
    sessions = machine("db").check_output("su postgres -c %s", f'psql -AtXc "{query}"').split()
    assert sessions
    assert set(sessions) == {"t"}


@pytest.mark.parametrize(
    ("host", "authority", "message"),
    [
        # what comes after the certificate is the password
        ("xmpp-spread-db", "/etc/xmpp/ca.pem", "password authentication failed"),
        ("address", "/etc/xmpp/ca.pem", "password authentication failed"),
        ("xmpp-spread-db", "/root/other.pem", "certificate verify failed"),
        ("somebody-else", "/etc/xmpp/ca.pem", "does not match host name"),
    ],
)
def test_the_database_is_verified(machine, address, host, authority, message):
    chat = machine("chat")
    chat.check_output(f"grep -q somebody-else /etc/hosts || echo '{address('db')} somebody-else' >>/etc/hosts")
    chat.check_output("cp /etc/ssl/certs/ca-certificates.crt /root/other.pem && chmod 755 /root")
    environment = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": authority}
    place = address("db") if host == "address" else host
    options = {
        "database": "prosody",
        "username": "prosody",
        "password": "wrong-one-of-the-scenario",
        "host": place,
        "environment": environment,
    }
    said = module("xmpp-spread-chat", "database_check", options)
    assert message in said, said


def test_prosody_itself_verifies_it(machine):
    environment = (
        machine("chat").check_output("tr '\\0' '\\n' </proc/$(systemctl show -P MainPID prosody)/environ").split()
    )
    assert {"PGSSLMODE=verify-full", "PGSSLROOTCERT=/etc/xmpp/ca.pem"} <= set(environment)


def test_the_database_is_closed_to_other_hosts(machine):
    address = machine("db").interface("eth0").addresses[0]
    connect = (
        "import socket, struct; parameters = b'user\\0prosody\\0database\\0prosody\\0\\0';"
        f" server = socket.create_connection(('{address}', 5432), 5);"
        " server.sendall(struct.pack('>ii', len(parameters) + 8, 196608) + parameters); print(server.recv(400))"
    )
    answer = machine("turn").check_output("python3 -c %s", connect)
    assert "pg_hba.conf" in answer


def test_a_check_for_some_hosts_changes_nothing():
    """The one that is left out is the one whose address all others know."""
    playbook("site", "--check", "--limit", "!xmpp-spread-watch").assert_unchanged()
