# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the doctor says of the service from outside, and of what is done to it. Its records are those of test_dns."""

from __future__ import annotations

import json
import ssl
import urllib.request
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT, results

DOMAIN = "acme.example"
# a test zone is not signed and has no IPv6, and an hour is a short life
USUAL = {
    *("dnssec_absent", "no_ipv6", "caa_absent", "nobody_watches", "backup_absent", "contact_abuse_absent"),
    # of the machine that runs this
    *("package_update", "security_update", "packages_unknown", "disk_full"),
}


@pytest.fixture(scope="module")
def doctor(authority, service, tmp_path_factory):
    """A function that runs playbook doctor: its report, and whether it found anything."""
    place = str(authority.interface("eth0").addresses[0])
    # the authority was started anew by the tests before, and all that is served shall be of its root of today
    service.check_output("/usr/local/sbin/xmpp-acme --force")
    root = tmp_path_factory.mktemp("trust") / "root.pem"
    anybody = ssl._create_unverified_context()

    def run(**more):
        # the authority has a new root at every start
        with urllib.request.urlopen(f"https://{place}:15000/roots/0", context=anybody, timeout=10) as answer:
            root.write_bytes(answer.read())
        trusted = {"xmpp_doctor_ca": str(root), "xmpp_check_ca": str(root)}
        given = {"xmpp_dns_resolvers": [place], "xmpp_doctor_json": True, **trusted, **more}
        done = results(ROOT / "playbooks" / "doctor.yml", "-e", json.dumps(given))
        assert done.code == 0, done.output
        (told,) = [one for name, one in done.tasks if name == "Show it"]
        return json.loads(told["msg"]), told["changed"]

    return run


def names(report) -> set[str]:
    return {one["name"] for one in report["findings"]} - USUAL


def test_a_domain_from_outside_as_anybody_sees_it(doctor, service, authority, tmp_path):
    since = tmp_path / "last.json"
    told, _found = doctor(xmpp_doctor_domain=DOMAIN, xmpp_doctor_since=str(since))
    assert names(told) <= {"certificate_ends_soon"}, told["findings"]
    seen = told["domains"][DOMAIN]
    assert {one["service"] for one in seen["ports"] if one["works"]} == {"c2s", "c2s_tls", "s2s", "s2s_tls"}
    # whatever OpenSSL this machine has
    assert {one["key_exchange"] for one in seen["ports"]} == {"X25519MLKEM768"}
    assert all(one["protocols"] == ["TLSv1.2", "TLSv1.3"] for one in seen["ports"])
    assert seen["compliance"]["web"]["missing"] == []
    # the next look tells what changed: a port is closed, the relay is away, and the proxy serves something else
    service.check_output(
        "systemctl stop coturn; systemctl stop prosody; "
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=other.example "
        "-addext subjectAltName=DNS:other.example -keyout /root/k.pem -out /root/c.pem 2>/dev/null && "
        "cp /root/c.pem /etc/xmpp/proxy/fullchain.pem && cp /root/k.pem /etc/xmpp/proxy/privkey.pem && "
        "systemctl reload nginx"
    )
    try:
        told, found = doctor(xmpp_doctor_domain=DOMAIN, xmpp_doctor_since=str(since))
        new = {(one["name"], one["where"].split()[0]) for one in told["changes"]["new"]}
        assert found
        assert ("port_unreached", "c2s") in new
        assert ("relay_unreached", "turn/udp") in new
        assert ("host_meta_unreached", f"https://{DOMAIN}/.well-known/host-meta") in new
    finally:
        service.check_output("systemctl start prosody coturn; systemctl start xmpp-acme.service")
    told, _found = doctor(xmpp_doctor_domain=DOMAIN, xmpp_doctor_since=str(since))
    assert ("port_unreached", "c2s") in {(one["name"], one["where"].split()[0]) for one in told["changes"]["gone"]}
    assert json.loads(Path(since).read_text())["findings"] == told["findings"]


def test_the_inventory_with_its_hosts(doctor, address):
    """With an account of the probes, what only accounts see is looked at too."""
    advanced = dict.fromkeys(("core", "web", "im", "mobile", "calls"), "advanced")
    # what does not answer in time on a busy machine is a finding, and is asked once more
    for _attempt in range(3):
        told, _found = doctor(xmpp_dns_addresses=[address])
        seen = told["domains"][DOMAIN]
        if {name: one["level"] for name, one in seen["compliance"].items()} == advanced:
            break
    assert seen["account"] == "signed in", told["findings"]
    levels = {name: one["level"] for name, one in seen["compliance"].items()}
    # whole: pytest shortens what is long
    assert levels == advanced, json.dumps([levels, seen["compliance"]["web"], told["findings"]], indent=1)
    assert not names(told) - {"certificate_ends_soon", "contact_absent"}, told["findings"]
