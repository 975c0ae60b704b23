# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the doctor says of servers that are not ours: what is true of them, by name, and nothing else."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import address_of
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT, results
from conftest import PEERS, machine

# of each: no web server, no direct TLS for clients; a test zone is not signed, and names no authorities
ALL = {"host_meta_unreached", "compliance_web", "direct_tls_absent", "dnssec_absent", "no_ipv6", "caa_absent"}
WRONG = {
    # its listener asks for no TLS before a password
    "ejabberd": {"password_in_clear", "compliance_core"},
    # OpenSSL 3.0 knows no other
    "ejabberd-23": {"password_in_clear", "compliance_core", "key_exchange_classic"},
    # and Prosody 0.12 binds no password to TLS 1.3
    "prosody-12": {"key_exchange_classic", "channel_binding_absent", "compliance_core"},
}


@pytest.fixture(scope="module")
def told(federated, tmp_path_factory):
    """The name of a peer → what the doctor says of its domain."""
    trusted = tmp_path_factory.mktemp("trust") / "ca.pem"
    trusted.write_text(machine("new").check_output("cat /srv/peers/ca.pem"))
    place = address_of("xmpp-federation-new")
    given = {
        "xmpp_dns_resolvers": [place],
        "xmpp_dns_servers": [f"{place}#5353"],
        "xmpp_doctor_ca": str(trusted),
        "xmpp_doctor_json": True,
    }

    def look(name):
        domain = {"xmpp_doctor_domain": PEERS[name].domain}
        done = results(ROOT / "playbooks" / "doctor.yml", "-e", json.dumps({**given, **domain}))
        assert done.code == 0, done.output
        (report,) = [one["msg"] for task, one in done.tasks if task == "Show it"]
        return json.loads(report)

    with ThreadPoolExecutor() as pool:
        return dict(zip(WRONG, pool.map(look, WRONG)))


@pytest.mark.parametrize("name", WRONG)
def test_what_is_true_of_a_peer_and_nothing_else(told, name):
    report, peer = told[name], PEERS[name]
    assert {one["name"] for one in report["findings"]} == ALL | WRONG[name], report["findings"]
    assert all(one["seen"] and one["consequence"] for one in report["findings"])
    seen = report["domains"][peer.domain]
    ports = {one["service"]: (one["port"], one["works"]) for one in seen["ports"]}
    server = peer.s2s - 1
    assert ports == {"c2s": (peer.port, True), "s2s": (server, True), "s2s_tls": (peer.s2s, True)}
    assert seen["registration"] == "closed"
