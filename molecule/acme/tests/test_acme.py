# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates by ACME as the host has them issued, renewed and served by itself; and what happens when it cannot."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import read_served
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from conftest import answering, restart_pebble
from newest import Watch

SECRETS = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent / ".secrets"
DOMAIN = "acme.example"
MAIN = f'{{certificate="{DOMAIN}"}}'


def served(figures, service):
    return figures()[f'xmpp_acme_served{{certificate="{DOMAIN}",service="{service}"}}']


def renew(service, *names, code=0):
    """Have certificates issued anew, all if none is named. Out: what was said, and after how many seconds it ended."""
    began = time.monotonic()
    done = service.run(" ".join(["/usr/local/sbin/xmpp-acme --force", *names]))
    assert done.rc == code, done.stderr
    return done.stderr, time.monotonic() - began


# What the timer runs, told that it is another time
AT = """
import datetime, sys
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme import job, settings
now = datetime.datetime.fromtimestamp(float(sys.argv[1]), datetime.timezone.utc)
print(job.run(settings.Places(), now)[1])
"""


def the_timer_comes(service, moment: float) -> None:
    assert service.check_output("PYTHONPATH=/usr/local/lib/xmpp-acme python3 -c %s %s", AT, str(moment)) == "True"


def database_sessions(authority) -> set[str]:
    """Out: those of Prosody, with TLS."""
    ask = "SELECT pid FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'prosody' AND ssl"
    return set(authority.check_output("runuser -u postgres -- psql -XtAc %s", ask).split())


def test_the_first_ones_are_served_on_every_port(serves, newest, service):
    """Where nobody had port 80 yet, certbot listened there itself."""
    for (_port, name, _way), leaf in serves().items():
        assert leaf.sha256 == newest(f"turn.{DOMAIN}" if name.startswith("turn") else DOMAIN)
        assert "Pebble" in leaf.issuer
    assert service.file(f"/etc/xmpp/certificates/{DOMAIN}/privkey.pem").mode == 0o600
    assert service.file("/etc/xmpp/acme/certbot.ini").mode == 0o600


def test_renewals_reach_every_port_in_a_minute_and_nobody_is_dropped(
    alice, serves, newest, service, authority, figures, live, capsys
):
    """Twelve of them, of certificates that live for ten minutes."""
    live(600)
    seen, latest = [serves()], dict.fromkeys(seen_ports := list(serves()), 0.0)
    key = service.file(f"/etc/xmpp/certificates/{DOMAIN}/privkey.pem").sha256sum
    connected = database_sessions(authority)
    assert connected
    with Watch(serves) as watch:
        for renewal in range(12):
            said, _seconds = renew(service, *([DOMAIN] if renewal else []))
            assert f"{DOMAIN}: prosody serves it on every port." in said
            assert (f"turn.{DOMAIN}: a new certificate" in said) == (renewal == 0)
            names = (DOMAIN, f"turn.{DOMAIN}") if renewal == 0 else (DOMAIN,)
            for name in names:
                issued = float(service.check_output("stat -c %%.9Y /etc/xmpp/certificates/%s/fullchain.pem", name))
                wanted = {
                    port: newest(name) for port in seen_ports if port[1].startswith("turn") == name.startswith("turn")
                }
                for port, seconds in watch.delays(wanted, issued, 60).items():
                    latest[port] = max(latest[port], seconds)
            now = serves()
            for (_port, name, _way), leaf in now.items():
                assert leaf.sha256 == newest(f"turn.{DOMAIN}" if name.startswith("turn") else DOMAIN)
                assert leaf.not_after - leaf.not_before < datetime.timedelta(minutes=11)
            again = {leaf.sha256 for leaf in now.values()} & {leaf.sha256 for leaf in seen[-1].values()}
            assert len(again) == (1 if renewal else 0)  # that of the TURN server, which was not asked for any more
            seen.append(now)
    assert watch.in_a_row < 3, watch.missed
    assert connected <= database_sessions(authority)
    with capsys.disabled():
        print("\nthe newest certificate was served, after it was issued, by")
        for (port, name, way), seconds in sorted(latest.items()):
            print(f"  port {port} {way or 'https' * (port == 443)} for {name}: within {seconds:.1f} s")
        print(f"  the slowest of all, in 12 renewals: {max(latest.values()):.1f} s")
        print(f"  looks at all ports: {watch.looks}, of which a port refused {len(watch.missed)}")
    # through the front door, which has the port now
    assert "webroot" in service.check_output("grep -h authenticator /var/lib/xmpp-acme/log/letsencrypt.log")
    # what DNS may vouch for
    assert service.file(f"/etc/xmpp/certificates/{DOMAIN}/privkey.pem").sha256sum == key
    service.check_output("systemctl start xmpp-acme.service")
    found = figures()
    assert found[f"xmpp_acme_renewal_success{MAIN}"] == 1
    life = found[f"xmpp_acme_expiry_timestamp_seconds{MAIN}"] - found[f"xmpp_acme_renewal_timestamp_seconds{MAIN}"]
    assert life >= 199  # a third, or more where the server asks for it earlier
    assert served(figures, "prosody") == served(figures, "proxy") == 1
    before, due = newest(DOMAIN), found[f"xmpp_acme_renewal_timestamp_seconds{MAIN}"]
    the_timer_comes(service, due - 5)
    assert newest(DOMAIN) == before
    the_timer_comes(service, due + 1)
    assert serves()[5222, DOMAIN, "xmpp-client"].sha256 == newest(DOMAIN) != before


def test_the_database_on_another_host_has_the_own_authority_and_is_verified(service, authority):
    """Under names that a public authority issues nothing for."""
    environment = service.check_output("tr '\\0' '\\n' </proc/$(systemctl show -P MainPID prosody)/environ").split()
    assert {"PGSSLMODE=verify-full", "PGSSLROOTCERT=/etc/xmpp/ca.pem"} <= set(environment)
    ask = "openssl s_client -starttls postgres -verify_return_error -verify_hostname xmpp-acme-authority -CAfile %s "
    ask += "-connect xmpp-acme-authority:5432 </dev/null 2>/dev/null | grep -E 'issuer|Verify return code'"
    assert "0 (ok)" in service.check_output(ask, "/etc/xmpp/ca.pem")
    # the authority of ACME has no part in it
    assert "0 (ok)" not in service.run(ask, f"/etc/xmpp/certificates/{DOMAIN}/chain.pem").stdout
    assert authority.file("/etc/xmpp/acme/services").listdir() == ["coturn.json"]


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


def test_one_that_a_service_does_not_take_leaves_the_old_one_served(serves, newest, service, figures, prometheus):
    """And whoever watches is told."""
    before = serves()
    alert = "XmppCertificateNotServed"
    service.check_output("systemctl start xmpp-acme.service")
    wait_until(lambda: prometheus.query('xmpp_acme_served{service="proxy"} == 1'), 30)
    service.check_output("echo nonsense > /etc/nginx/conf.d/zz.conf")
    try:
        said, _seconds = renew(service, DOMAIN, code=1)
        assert 'unknown directive "nonsense"' in said or "unexpected end of file" in said
        assert "What was there before was put back" in said
        service.run("systemctl start xmpp-acme.service")
        assert served(figures, "proxy") == 0
        assert served(figures, "prosody") == 1
        now = serves()
        assert now[443, DOMAIN, ""].sha256 == before[443, DOMAIN, ""].sha256
        assert now[5222, DOMAIN, "xmpp-client"].sha256 == newest(DOMAIN)
        [told] = wait_until(lambda: prometheus.firing(alert), 30)
        assert (told["instance"], told["certificate"], told["service"]) == ("xmpp-acme", DOMAIN, "proxy")
    finally:
        service.check_output("rm /etc/nginx/conf.d/zz.conf")
    service.check_output("systemctl start xmpp-acme.service")
    wait_until(lambda: not prometheus.firing(alert), 30)
    assert served(figures, "proxy") == 1
    assert serves()[443, DOMAIN, ""].sha256 == newest(DOMAIN)


def test_a_server_that_is_down_changes_nothing_and_one_that_forgot_us_is_asked_anew(
    serves, service, authority, figures
):
    before = serves()
    authority.check_output("systemctl stop nginx")
    try:
        said, _seconds = renew(service, DOMAIN, code=1)
        assert f"{DOMAIN}: no new certificate, although it was asked for: https://xmpp-acme-authority:14000" in said
        assert "Connection refused" in said
        assert serves() == before
        assert figures()[f"xmpp_acme_renewal_success{MAIN}"] == 0
        assert served(figures, "prosody") == 1
    finally:
        authority.check_output("systemctl start nginx")
        restart_pebble(authority)
    # it has another authority now, and no account of ours
    said, _seconds = renew(service, DOMAIN)
    assert f"{DOMAIN}: proxy serves it on every port." in said
    assert figures()[f"xmpp_acme_renewal_success{MAIN}"] == 1


LIMITED = """location = /order-plz {
    default_type application/problem+json;
    add_header Retry-After 3600 always;
    return 429 '{"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many certificates (5) for them"}';
}"""
NONCE = "add_header Replay-Nonce cGxhbnRlZA;"
# what the ACME server answers → what is told of it
WRONG = {
    "location = /order-plz { return 503; }": "Response [503]",
    "location = /dir { default_type text/html; return 200 '<h1>It works!</h1>'; }": "text/html",
    "location = /dir { return 200 '{}'; }": "Directory field",
    # certificates of somebody else
    "location /certZ/ { default_type application/pem-certificate-chain; NONCE return 200 'PEM'; }": "cannot be used",
    LIMITED: "too many certificates (5) for them",
}


def test_what_the_server_refuses_or_answers_wrongly_leaves_the_old_one_served_and_is_told_in_time(
    serves, service, authority, figures, live, prometheus
):
    """The last of them until the certificate, which lives for two minutes, is due: while it is valid the alert fires.

    With the figures of this host and the rules of role monitoring, in which ten minutes are ten seconds.
    """
    alert, other = "XmppCertificateNotRenewed", authority.check_output("cat /etc/ssl/certs/pebble.pem")
    live(120)
    renew(service)
    before, end = serves(), figures()[f"xmpp_acme_expiry_timestamp_seconds{MAIN}"]
    with contextlib.ExitStack() as last:
        for answer, told in WRONG.items():
            planted = answering(authority, answer.replace("PEM", f"{other}\n{other}\n").replace("NONCE", NONCE))
            with contextlib.ExitStack() as now:
                (last if answer == LIMITED else now).enter_context(planted)
                said, _seconds = renew(service, DOMAIN, code=1)
                # on a slow machine it ends soon by now, and is due by itself, as that of the TURN server is
                why = "it was asked for|it ends on "
                assert re.search(rf"(?m)^{re.escape(DOMAIN)}: no new certificate, although ({why})", said)
                assert told in said
                assert serves() == before
                assert figures()[f"xmpp_acme_renewal_success{MAIN}"] == 0
                assert served(figures, "prosody") == served(figures, "proxy") == 1
        wait_until(lambda: [one for one in prometheus.firing(alert) if one["certificate"] == DOMAIN], 130)
        [text] = [one["annotations"]["summary"] for one in prometheus.get("alerts")["alerts"] if one["labels"] == ALERT]
        assert text.startswith(f"xmpp-acme cannot have {DOMAIN} renewed, and ")
        assert text.endswith("0.0 days are left")
        fires = f'ALERTS{{alertname="{alert}",alertstate="firing",certificate="{DOMAIN}"}}'
        [first] = prometheus.query(f"min_over_time(timestamp({fires})[5m:1s])")
        assert float(first["value"][1]) < end
        # nor does the timer get one
        assert service.run("systemctl start xmpp-acme.service").rc != 0
        assert serves() == before


ALERT = {
    "alertname": "XmppCertificateNotRenewed",
    "certificate": DOMAIN,
    "instance": "xmpp-acme",
    "job": "node",
    "severity": "critical",
}


def test_each_of_two_hosts_has_its_own_issued_and_renewed(serves, newest, service, authority):
    """Neither knows the other's key, nor does the machine from which they are deployed; both at the same time."""
    relay, place = f"relay.{DOMAIN}", str(authority.interface("eth0").addresses[0])
    hosts = (service, authority)

    def at_relay():
        return read_served(place, 5349, sni=relay).certificate

    assert at_relay().names == (relay,)
    assert "Pebble" in at_relay().issuer
    listed = 'grep -ho \'"certificate": "[^"]*\' /etc/xmpp/acme/services/* | cut -d \'"\' -f 4 | sort -u'
    assert [host.check_output(listed).split() for host in hosts] == [[DOMAIN, f"turn.{DOMAIN}"], [relay]]
    for secret in (
        "/etc/xmpp/certificates/*/privkey.pem",
        "/var/lib/xmpp-acme/certbot/accounts/*/*/*/private_key.json",
    ):
        kept = [set(host.check_output(f"sha256sum {secret} | cut -d ' ' -f 1").split()) for host in hosts]
        assert all(kept)
        assert not kept[0] & kept[1], secret
    for path in SECRETS.rglob("*"):
        assert not path.is_file() or path.name == "ca.key" or b"PRIVATE KEY" not in path.read_bytes(), path
    assert authority.service("xmpp-acme.timer").is_running
    before = {leaf.sha256 for leaf in (*serves().values(), at_relay())}
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda host: host.run("/usr/local/sbin/xmpp-acme --force"), hosts))
    assert [one.rc for one in done] == [0, 0], done
    assert f"{relay}: coturn serves it on every port." in done[1].stderr
    assert relay not in done[0].stderr
    for (_port, name, _way), leaf in serves().items():
        assert leaf.sha256 == newest(f"turn.{DOMAIN}" if name.startswith("turn") else DOMAIN)
        assert leaf.sha256 not in before
    lies = authority.check_output(
        "openssl x509 -in /etc/xmpp/certificates/%s/fullchain.pem -noout -fingerprint -sha256", relay
    )
    assert lies.partition("=")[2].replace(":", "").lower() == at_relay().sha256
    assert at_relay().sha256 not in before


@pytest.mark.parametrize("place", ["/var/lib/xmpp-acme", f"/etc/xmpp/certificates/{DOMAIN}"])
def test_a_disk_that_is_full_leaves_the_old_one_served_and_is_told(serves, service, figures, place):
    """Be it where certbot works or where certificates lie. There is room again, and the next attempt succeeds."""
    before = serves()
    service.check_output("rm -rf /root/kept && cp -a %s /root/kept && mount -t tmpfs -o size=4m full %s", place, place)
    try:
        service.check_output("cp -a /root/kept/. %s; dd if=/dev/zero of=%s/filler bs=4k 2>&1 || true", place, place)
        assert service.check_output("df --output=avail %s | tail -n 1", place).strip() == "0"
        said, _seconds = renew(service, DOMAIN, code=1)
        assert f"{DOMAIN}: no new certificate, although it was asked for" in said
        assert "o space left on" in said
        assert serves() == before
        assert figures()[f"xmpp_acme_renewal_success{MAIN}"] == 0
        assert served(figures, "prosody") == served(figures, "proxy") == 1
    finally:
        service.check_output("umount %s", place)
    said, _seconds = renew(service, DOMAIN)
    assert f"{DOMAIN}: prosody serves it on every port." in said
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


def test_a_name_that_is_added_later_extends_it(serves, newest, service):
    """As a component that the next run of the playbook names; the front shows the proof of that of the TURN server."""
    before = serves()[5222, DOMAIN, "xmpp-client"]
    path, more = "/etc/xmpp/acme/services/other.json", f"turn.{DOMAIN}"
    assert more not in before.names
    service.check_output("echo %s > %s", json.dumps({"certificate": DOMAIN, "names": [more]}), path)
    try:
        service.check_output("/usr/local/sbin/xmpp-acme")
    finally:
        service.check_output("rm %s", path)
    now = serves()[5222, DOMAIN, "xmpp-client"]
    assert set(now.names) == {*before.names, more}
    assert now.sha256 == newest(DOMAIN)
    assert now.public_key == before.public_key


FILES = f"""
set -e; cd /root
key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
openssl req -x509 $key -days 2 -subj /CN=bought -keyout bought.key -out bought.pem
openssl req $key -subj /CN={DOMAIN} -keyout leaf.key -out leaf.csr
printf 'subjectAltName=DNS:{DOMAIN},DNS:*.{DOMAIN}\n' > leaf.ext
openssl x509 -req -in leaf.csr -CA bought.pem -CAkey bought.key -days 2 -extfile leaf.ext -out leaf.pem
"""


def test_from_acme_to_files_to_the_own_authority_and_back_clients_stay(alice, serves, newest, service):
    """And back with DNS in place of port 80, and one name for all."""
    service.check_output("sh -c %s 2>&1", FILES)
    bought = {
        "fullchain": "/root/leaf.pem",
        "privkey": "/root/leaf.key",
        "authority": "/root/bought.pem",
        "remote": True,
    }
    change = {"xmpp_certificate_source": "files", "certificates_files": [bought]}
    playbook("site", "--tags", "prosody", "-e", json.dumps(change)).assert_ok()
    now = serves()
    assert "bought" in now[5222, DOMAIN, "xmpp-client"].issuer
    assert "bought" in now[5269, f"muc.{DOMAIN}", "xmpp-server"].issuer
    assert not service.file("/etc/xmpp/acme/services/prosody.json").exists
    dns = {
        "certificates_acme_challenge": "dns-01",
        "certificates_acme_wildcard": True,
        "certificates_acme_dns_server": "ADDRESS",
        "certificates_acme_dns_key_name": "acme.",
        "certificates_acme_dns_key_secret": "YSBrZXkgdGhhdCBwcm92ZXMgbmFtZXMgZm9yIHRlc3Rz",
        "certificates_acme_dns_seconds": 0,
    }
    dns["certificates_acme_dns_server"] = service.check_output("getent hosts xmpp-acme-authority").split()[0]
    playbook("site", "--tags", "prosody", "-e", '{"xmpp_certificate_source": "ca"}').assert_ok()
    own = serves()
    # every port of Prosody and the front has a key exchange that quantum computers do not break, and a classic one
    for port in ("5222 -starttls xmpp", "5223", "5269 -starttls xmpp-server", "5270", "5281", "443"):
        for group in ("X25519MLKEM768", "X25519"):
            ask = f"openssl s_client -groups {group} -xmpphost {DOMAIN} -servername {DOMAIN} -connect 127.0.0.1:{port}"
            ask = ask if "starttls" in port else ask.replace(f"-xmpphost {DOMAIN} ", "")
            assert group in service.run(f"{ask} </dev/null 2>/dev/null").stdout, ask
    assert "certificate authority" in own[5222, DOMAIN, "xmpp-client"].issuer
    life = own[5222, DOMAIN, "xmpp-client"].not_after - own[5222, DOMAIN, "xmpp-client"].not_before
    assert datetime.timedelta(days=365) < life <= datetime.timedelta(days=366)
    assert not service.file("/etc/xmpp/acme/services/prosody.json").exists
    assert not service.file("/etc/xmpp/acme/services/proxy.json").exists
    # the proxy takes the same one, and had it from the authority meanwhile
    playbook("site", "--tags", "prosody,proxy", "-e", json.dumps(dns)).assert_ok()
    assert service.file("/etc/xmpp/acme/services/proxy.json").exists
    now = serves()[5222, DOMAIN, "xmpp-client"]
    assert now.names == (DOMAIN, f"*.{DOMAIN}")
    assert now.sha256 == newest(DOMAIN)
    assert "Pebble" in now.issuer
