# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy in a container as browsers and clients meet it, and certificates by ACME that come to be served."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.websocket import open_stream
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import read_served
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.proxied import Proxied
from ansible_collections.allthingslinux.xmpp.tests.scenario.trust import everybody
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from conftest import ADDRESS, ALICE, ARCHIVE, BOB, HOST, TURN_ADDRESS, docker, seen, volume_of

DOMAIN = "chat.localhost"
AUTHORITY = "10.213.78.9"
# every port with TLS: its name, and how TLS begins there
PORTS = [
    (5222, DOMAIN, {"starttls": "xmpp-client"}),
    (5269, f"muc.{DOMAIN}", {"starttls": "xmpp-server"}),
    (443, DOMAIN, {}),
    (443, DOMAIN, {"direct": "xmpp-client"}),
    (443, f"muc.{DOMAIN}", {"direct": "xmpp-server"}),
    (5349, f"turn.{DOMAIN}", {}),
]


@pytest.fixture(scope="module")
def service() -> Proxied:
    """The proxy, in the network of the containers."""
    return Proxied(f"{HOST}-prosody", DOMAIN, ADDRESS)


def test_pages_are_there_and_what_is_for_nobody_is_not(service: Proxied) -> None:
    page = service.ask("/")
    assert page.status == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for path in ("/converse/converse.min.js", "/app/chat.js", "/invite/", "/.well-known/host-meta"):
        assert service.ask(path).status == 200, path
    for path in ("/metrics", "/admin", "/.env"):
        assert service.ask(path).status == 404, path
    # where the Docker host publishes it
    assert Proxied(HOST, DOMAIN, "127.0.0.1", 25443).ask("/").status == 200
    # the path of an invitation or of a file is the secret of who has it
    assert service.ask("/invite/?i-am-invited").status == 200
    told = docker("logs", f"{HOST}-nginx")
    assert f"GET {DOMAIN} 200" in told
    assert "i-am-invited" not in told


def test_clients_and_servers_come_through_443_by_what_they_say_that_they_are(service: Proxied) -> None:
    front = Client(ALICE.jid, ALICE.password, ADDRESS, direct=True, port=443)
    with front as alice, Client(BOB.jid, BOB.password, ADDRESS) as bob:
        alice.say(BOB.jid, "by the front door")
        assert bob.hears("by the front door")
    stored = service.stored(ALICE, b"a film")
    assert service.ask(stored).body == b"a film"
    features = open_stream(f"wss://{DOMAIN}/xmpp-websocket", DOMAIN, everybody(), ADDRESS, 10)
    assert "SCRAM-SHA-256" in [
        mechanism.text for mechanism in features.iter("{urn:ietf:params:xml:ns:xmpp-sasl}mechanism")
    ]


def test_names_that_are_not_ours_get_no_certificate() -> None:
    context = everybody()
    with socket.create_connection((ADDRESS, 443), 5) as connection, pytest.raises(ssl.SSLError, match="unrecognized"):
        context.wrap_socket(connection, server_hostname="other.example")


def test_a_change_is_taken_over_in_place_and_one_that_cannot_be_is_undone(service: Proxied) -> None:
    before, files = seen("nginx")["State"], volume_of("nginx", "/etc/nginx/conf.d")
    with Client(ALICE.jid, ALICE.password, ADDRESS, direct=True, port=443) as alice:
        playbook("site", "--tags", "proxy", "-e", "proxy_connections_per_address=200").assert_ok()
        changed = (files / "99-xmpp.stream").read_text(encoding="utf-8")
        assert "limit_conn xmpp_addresses 200;" in changed
        # a port that Prosody has, which nginx sees only when it takes the files over
        fault = files / "fault.conf"
        fault.write_text("server { listen 0.0.0.0:5222; }\n", encoding="ascii")
        try:
            bad = playbook("site", "--tags", "proxy", "-e", "proxy_connections_per_address=100")
        finally:
            fault.unlink()
        assert bad.code != 0
        said = " ".join(bad.output.split())
        assert "bind() to 0.0.0.0:5222 failed" in said, bad.output[-4000:]
        assert "The files are as they were before, and nginx runs with them." in said
        assert (files / "99-xmpp.stream").read_text(encoding="utf-8") == changed
        assert service.ask("/").status == 200
        alice.say(ALICE.jid, "still here")
        assert alice.hears("still here")
        assert alice.ended == 0
    assert [seen("nginx")["State"][name] for name in ("StartedAt", "Pid")] == [before["StartedAt"], before["Pid"]]


@contextlib.contextmanager
def acme_server(tmp_path: Path) -> Iterator[dict[str, object]]:
    """Pebble, and the DNS of the names, in the network of the containers. Yields the variables for it."""
    secret = base64.b64encode(b"a key that proves names for tests").decode()
    name = f"{HOST}_authority"
    docker("run", "--detach", "--rm", "--name", name, "--network", HOST, "--ip", AUTHORITY, "--env", f"AT={AUTHORITY}",
           "--env", f"OF={ADDRESS}", "--env", f"SECRET={secret}", ARCHIVE, "sh", "-c",
           (Path(__file__).parent.parent / "files/authority.sh").read_text(encoding="utf-8"))  # fmt: skip
    try:
        wait_until(lambda: "ACME directory available" in docker("logs", name, both=True), 60, 0.2)
        authority = tmp_path / "authority.pem"
        docker("cp", f"{name}:/root/pebble.pem", str(authority))
        yield {
            "xmpp_certificate_source": "acme",
            "certificates_acme_directory": f"https://{AUTHORITY}:14000/dir",
            "certificates_acme_terms_agreed": True,
            "certificates_acme_ca_file": str(authority),
        }
    finally:
        docker("rm", "--force", name)


def served() -> dict[tuple[int, str, str], tuple[str, str]]:
    """Out: who issued what each port serves, and its fingerprint."""
    found = {}
    for port, name, way in PORTS:
        address = TURN_ADDRESS if port == 5349 else ADDRESS
        leaf = read_served(address, port, sni=name, timeout=10, **way).certificate
        found[port, name, "".join(way.values())] = (leaf.issuer, leaf.sha256)
    return found


def test_certificates_are_issued_by_acme_and_renewed_by_the_timer_for_every_port(tmp_path: Path) -> None:
    with acme_server(tmp_path) as given, Client(ALICE.jid, ALICE.password, ADDRESS) as alice:
        playbook("site", "--tags", "prosody,coturn,proxy", "-e", json.dumps(given)).assert_ok()
        first = served()
        assert all("Pebble" in issuer for issuer, _sha256 in first.values()), first
        timers = docker("exec", f"{HOST}-keeper", "systemctl", "list-timers")
        assert re.search(r"xmpp-acme[.]timer$", timers, re.MULTILINE), timers
        docker("exec", f"{HOST}-keeper", "systemctl", "start", "xmpp-acme.service")
        # what the timer does, at another time
        said = docker("exec", f"{HOST}-keeper", "/usr/local/sbin/xmpp-acme", "--force", both=True)
        for taken in ("prosody", "proxy", "coturn"):
            assert f"{taken} serves it on every port" in said
        second = served()
        assert not {sha256 for _issuer, sha256 in first.values()} & {sha256 for _issuer, sha256 in second.values()}
        alice.say(ALICE.jid, "still here")
        assert alice.hears("still here")
        assert alice.ended == 0
