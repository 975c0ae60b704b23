# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates by ACME as the host has them issued, renewed and served by itself; and what happens when it cannot."""

from __future__ import annotations

import json
import time

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook

DOMAIN = "acme.example"
MAIN = f'{{certificate="{DOMAIN}"}}'


def served(figures, service):
    return figures()[f'xmpp_acme_served{{certificate="{DOMAIN}",service="{service}"}}']


def renew(service, *, code=0):
    """Have everything issued anew. Out: what was said, and after how many seconds it was over."""
    began = time.monotonic()
    done = service.run("/usr/local/sbin/xmpp-acme --force")
    assert done.rc == code, done.stderr
    return done.stderr, time.monotonic() - began


def test_the_first_ones_are_served_on_every_port(serves, newest, service):
    """Where nobody had port 80 yet, certbot listened there itself."""
    for (_port, name, _way), leaf in serves().items():
        assert leaf.sha256 == newest(f"turn.{DOMAIN}" if name.startswith("turn") else DOMAIN)
        assert "Pebble" in leaf.issuer
    assert service.file(f"/etc/xmpp/certificates/{DOMAIN}/privkey.pem").mode == 0o600
    assert service.file("/etc/xmpp/acme/certbot.ini").mode == 0o600


def test_renewals_reach_every_port_and_nobody_is_dropped(alice, serves, newest, service, figures):
    seen = [serves()]
    key = service.file(f"/etc/xmpp/certificates/{DOMAIN}/privkey.pem").sha256sum
    for _renewal in range(4):
        said, seconds = renew(service)
        assert f"{DOMAIN}: prosody serves it on every port." in said
        assert seconds < 60
        now = serves()
        for (_port, name, _way), leaf in now.items():
            assert leaf.sha256 == newest(f"turn.{DOMAIN}" if name.startswith("turn") else DOMAIN)
        assert not {leaf.sha256 for leaf in now.values()} & {leaf.sha256 for leaf in seen[-1].values()}
        seen.append(now)
    # through the front door, which has the port now
    assert "webroot" in service.check_output("grep -h authenticator /var/lib/xmpp-acme/log/letsencrypt.log")
    # what DNS may vouch for
    assert service.file(f"/etc/xmpp/certificates/{DOMAIN}/privkey.pem").sha256sum == key
    service.check_output("systemctl start xmpp-acme.service")
    found = figures()
    assert found[f"xmpp_acme_renewal_success{MAIN}"] == 1
    life = found[f"xmpp_acme_expiry_timestamp_seconds{MAIN}"] - found[f"xmpp_acme_renewal_timestamp_seconds{MAIN}"]
    assert life == pytest.approx(1800, abs=2)
    assert served(figures, "prosody") == served(figures, "proxy") == 1


def test_the_timer_runs_it_and_certbots_own_has_nothing_to_do(service):
    assert service.service("xmpp-acme.timer").is_running
    assert service.service("xmpp-acme.timer").is_enabled
    assert not service.file("/etc/letsencrypt/renewal").exists or not service.file("/etc/letsencrypt/renewal").listdir()


def test_what_was_put_aside_is_served_again_by_the_next_run(serves, newest, service):
    """Somebody reloads nothing, or copies back a file of yesterday."""
    service.check_output(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=acme.example "
        "-addext subjectAltName=DNS:acme.example -keyout /root/k.pem -out /root/c.pem 2>/dev/null && "
        "cp /root/c.pem /etc/xmpp/proxy/fullchain.pem && cp /root/k.pem /etc/xmpp/proxy/privkey.pem && "
        "systemctl reload nginx"
    )
    service.check_output("systemctl start xmpp-acme.service")
    assert serves()[443, DOMAIN, ""].sha256 == newest(DOMAIN)


def test_one_that_a_service_does_not_take_leaves_the_old_one_served(serves, newest, service, figures):
    before = serves()
    service.check_output("echo nonsense > /etc/nginx/conf.d/zz.conf")
    try:
        said, _seconds = renew(service, code=1)
        assert 'unknown directive "nonsense"' in said or "unexpected end of file" in said
        assert "What was there before was put back" in said
        service.run("systemctl start xmpp-acme.service")
        assert served(figures, "proxy") == 0
        assert served(figures, "prosody") == 1
        now = serves()
        assert now[443, DOMAIN, ""].sha256 == before[443, DOMAIN, ""].sha256
        assert now[5222, DOMAIN, "xmpp-client"].sha256 == newest(DOMAIN)
    finally:
        service.check_output("rm /etc/nginx/conf.d/zz.conf")
    service.check_output("systemctl start xmpp-acme.service")
    assert served(figures, "proxy") == 1
    assert serves()[443, DOMAIN, ""].sha256 == newest(DOMAIN)


def test_a_server_that_is_down_changes_nothing_and_one_that_forgot_us_is_asked_anew(
    serves, service, authority, figures
):
    before = serves()
    authority.check_output("systemctl stop pebble")
    try:
        said, _seconds = renew(service, code=1)
        assert f"{DOMAIN}: no new certificate, although it was asked for: https://xmpp-acme-authority:14000" in said
        assert "Connection refused" in said
        assert serves() == before
        assert figures()[f"xmpp_acme_renewal_success{MAIN}"] == 0
        assert served(figures, "prosody") == 1
    finally:
        authority.check_output("systemctl start pebble")
    authority.check_output(
        "for i in $(seq 50); do curl -sko /dev/null https://localhost:14000/dir && break; sleep 0.2; done"
    )
    # it has another authority now, and no account of ours
    said, _seconds = renew(service)
    assert f"{DOMAIN}: proxy serves it on every port." in said
    assert figures()[f"xmpp_acme_renewal_success{MAIN}"] == 1


def test_a_name_that_cannot_be_proved_keeps_what_is_there(serves, service, figures):
    before = serves()
    path = "/etc/xmpp/acme/services/other.json"
    asked = json.dumps({"certificate": DOMAIN, "names": [f"x.{DOMAIN}", "nobody.example"]})
    service.check_output("echo %s > %s", asked, path)
    try:
        done = service.run("/usr/local/sbin/xmpp-acme")
        assert done.rc == 1
        assert "although it lacks" in done.stderr
        assert "certificates_acme_challenge" in done.stderr  # nginx has no such name: the server was not even asked
        assert serves() == before
    finally:
        service.check_output("rm %s", path)
    assert service.run("/usr/local/sbin/xmpp-acme").rc == 0
    assert figures()[f"xmpp_acme_renewal_success{MAIN}"] == 1


def test_from_acme_to_the_own_authority_and_back_clients_stay(alice, serves, newest, service):
    """And back with DNS in place of port 80, and one name for all."""
    dns = {
        "certificates_acme_challenge": "dns-01",
        "certificates_acme_wildcard": True,
        "certificates_acme_dns_server": "ADDRESS",
        "certificates_acme_dns_key_name": "acme.",
        "certificates_acme_dns_key_secret": "YSBrZXkgdGhhdCBwcm92ZXMgbmFtZXMgZm9yIHRlc3Rz",
        "certificates_acme_dns_seconds": 0,
    }
    dns["certificates_acme_dns_server"] = service.check_output("getent hosts xmpp-acme-authority").split()[0]
    groups = {"ssl": {"curveslist": ["X25519MLKEM768", "X25519", "prime256v1", "secp384r1"]}}
    change = {"xmpp_certificate_source": "ca", "prosody_options": groups}
    playbook("site", "--tags", "prosody", "-e", json.dumps(change)).assert_ok()
    own = serves()
    # the same run gave every port of Prosody, which went on, a key exchange that quantum computers do not break
    for port in ("5222 -starttls xmpp", "5223", "5269 -starttls xmpp-server", "5270", "5281"):
        for group in ("X25519MLKEM768", "X25519"):
            ask = f"openssl s_client -groups {group} -xmpphost {DOMAIN} -servername {DOMAIN} -connect 127.0.0.1:{port}"
            ask = ask if "starttls" in port else ask.replace(f"-xmpphost {DOMAIN} ", "")
            assert group in service.run(f"{ask} </dev/null 2>/dev/null").stdout, ask
    assert "certificate authority" in own[5222, DOMAIN, "xmpp-client"].issuer
    assert not service.file("/etc/xmpp/acme/services/prosody.json").exists
    assert not service.file("/etc/xmpp/acme/services/proxy.json").exists
    playbook("site", "--tags", "prosody", "-e", json.dumps(dns)).assert_ok()
    now = serves()[5222, DOMAIN, "xmpp-client"]
    assert now.names == (DOMAIN, f"*.{DOMAIN}")
    assert now.sha256 == newest(DOMAIN)
    assert "Pebble" in now.issuer
