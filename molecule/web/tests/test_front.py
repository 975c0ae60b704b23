# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy as clients meet it: what it answers and hides, whose address Prosody sees, and a change that goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
import json
import os
import re
import secrets
import socket
import ssl
import subprocess
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import Account, Client, SignInFailed
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import address_of
from ansible_collections.allthingslinux.xmpp.tests.scenario.exposure import exposure
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.proxied import BOSH, Proxied
from ansible_collections.allthingslinux.xmpp.tests.scenario.tls_scan import findings
from ansible_collections.allthingslinux.xmpp.tests.scenario.trust import everybody
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until

CONTAINER = os.environ["XMPP_WEB_CONTAINER"]
DOMAIN = "chat.localhost"
ALICE = Account(f"alice@{DOMAIN}", "walks-by-the-sea")
OURS = "/etc/nginx/conf.d/xmpp*.conf /etc/nginx/modules-enabled/99-xmpp.conf /etc/xmpp/proxy/*"
# as the role reckons them from proxy_inner_port
INNER = {name: f"127.0.0.1:{8443 + n}" for n, name in enumerate(("https", "c2s", "s2s", "acme", "acme_client"))}
AT_LOCAL = f"--resolve {DOMAIN}:443:127.0.0.1 https://{DOMAIN}/"
SAFE = ("strict-transport-security", "x-content-type-options", "referrer-policy")


@pytest.fixture(scope="module")
def service() -> Proxied:
    return Proxied(CONTAINER, DOMAIN, address_of(CONTAINER))


@pytest.fixture(scope="module")
def gateway(service) -> str:
    """The address from which this machine comes, as the container sees it."""
    with socket.create_connection((service.address, 443), 5) as connection:
        return str(connection.getsockname()[0])


def test_nothing_is_found_in_the_tls_of_443(service):
    authority = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent / ".secrets/ca/ca.pem"
    assert findings(service.address, [443], DOMAIN, authority) == {443: []}


def test_what_is_for_nobody_is_not_there(service):
    for path in (
        "/metrics",
        "/admin",
        "/admin_web",
        "/console",
        "/register",
        "/invites_page",
        "/api",
        "/.env",
    ):
        assert service.ask(path).status == 404, path
    # what is not asked as it must be has no page of Prosody's own
    refused = {path: service.ask(path).status for path in ("/http-bind", "/xmpp-websocket", "/file_share/")}
    assert refused == {"/http-bind": 405, "/xmpp-websocket": 426, "/file_share/": 404}
    assert "404" in service.shell(
        f"curl -sI -H 'Host: {DOMAIN}' http://{service.address}/xmpp-proxy-generation | head -1"
    )


def test_the_page_of_another_site_does_nothing_with_an_invitation(service):
    """It may send nothing but what a form has, unless it is told otherwise (CORS)."""
    asked = {"Origin": "https://other.example", "Access-Control-Request-Method": "POST"}
    told = service.ask("/invites_json", "OPTIONS", **asked)
    assert [name for name in told.headers if name.startswith("access-control")] == []
    form = {"Origin": "https://other.example", "Content-Type": "text/plain"}
    assert service.ask("/invites_json", "POST", b"{}", **form).status == 415
    assert "access-control-allow-origin" not in service.ask("/invites_json?unknown", **form).headers


def test_one_address_does_not_take_all_connections(service):
    """Of 768 that each process of nginx has."""
    with contextlib.ExitStack() as held:
        opened = [held.enter_context(socket.create_connection((service.address, 443), 5)) for _n in range(320)]
        for one in opened:
            one.setblocking(False)
        wait_until(lambda: sum(map(ended, opened)) >= 20, 10)
        # those of the tests before may not all be counted off yet
        assert sum(map(ended, opened)) < 40
        assert service.shell(f"curl -sk -o /dev/null -w '%{{http_code}}' {AT_LOCAL}") == "200"
    # who left has made room
    wait_until(lambda: service.ask("/").status == 200, 30)


def ended(connection: socket.socket) -> bool:
    """Whether the other side has closed it."""
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_nginx_gives_up_what_it_does_not_need(service):
    """As packaged it has 9.6. Its first process is root's: it reads keys, takes low ports and becomes another one."""
    assert exposure(service.shell, "nginx") < 3.0
    pid = service.shell("systemctl show -P MainPID nginx").strip()
    refused = service.shell(f"nsenter -t {pid} -m touch /etc/nginx/x 2>&1 || true")
    assert "Read-only file system" in refused


def test_headers_of_safety_come_once(service):
    """Prosody has some of its own, for downloads."""
    film = service.stored(ALICE, b"film")
    for path in (
        "/",
        "/converse/converse.min.js",
        "/invite/",
        "/.well-known/host-meta",
        "/.well-known/host-meta.json",
        film,
    ):
        lines = service.shell(
            f"curl -sk -D - -o /dev/null --resolve {DOMAIN}:443:{service.address} https://{DOMAIN}{path}"
        ).splitlines()
        assert " 200" in lines[0], path
        names = Counter(line.partition(":")[0].lower() for line in lines[1:])
        assert {name: names[name] for name in SAFE} == dict.fromkeys(SAFE, 1), path
        assert [name for name, count in names.items() if count > 1] == [], path


def test_http_3_is_offered_and_answered(service):
    assert service.ask("/").headers["alt-svc"] == 'h3=":443"; ma=86400'
    said = service.shell(
        f"curl --http3-only -sk -o /dev/null -w '%{{http_version}} %{{http_code}}' "
        f"--resolve {DOMAIN}:443:{service.address} https://{DOMAIN}/"
    )
    assert said == "3 200"


def test_documents_below_well_known(service):
    provider = json.loads(service.ask("/.well-known/xmpp-provider-v2.json").body)
    assert provider["maximumHttpFileUploadStorageTime"] == provider["maximumMessageArchiveManagementStorageTime"] == 28
    meta = service.ask("/.well-known/host-meta.json")
    assert meta.headers["access-control-allow-origin"] == "*"
    assert {link["rel"].rsplit(":", 1)[1] for link in json.loads(meta.body)["links"]} == {"websocket", "xbosh"}
    xml = ET.fromstring(service.ask("/.well-known/host-meta").body)
    hrefs = {link.get("href") for link in xml.iter("{http://docs.oasis-open.org/ns/xri/xrd-1.0}Link")}
    assert hrefs == {link["href"] for link in json.loads(meta.body)["links"]}
    said = service.ask("/.well-known/security.txt").body.decode()
    assert re.search(rf"^Contact: xmpp:admin@{DOMAIN}$", said, re.MULTILINE)
    assert re.search(r"^Expires: \d{4}-01-31T00:00:00Z$", said, re.MULTILINE)


def test_parts_of_a_film_are_answered(service):
    """Prosody 13.0 answers 416 to most of them, and browsers could not seek."""
    content = secrets.token_bytes(300_000)
    film, size = service.stored(ALICE, content), len(content)
    for wanted, part, place in (
        ("0-", content, f"0-{size - 1}"),
        ("0-99", content[:100], "0-99"),
        ("-100", content[-100:], f"{size - 100}-{size - 1}"),
        ("1000-1999", content[1000:2000], "1000-1999"),
    ):
        answer = service.ask(film, Range=f"bytes={wanted}")
        assert (answer.status, answer.body == part) == (206, True), wanted
        assert answer.headers["content-range"] == f"bytes {place}/{size}"
    assert service.ask(film, Range=f"bytes={size}-").status == 416
    assert service.ask(film).body == content


def test_a_large_file_goes_up_and_down(service):
    content = secrets.token_bytes(10_000_000)
    assert hashlib.sha256(service.ask(service.stored(ALICE, content)).body).digest() == hashlib.sha256(content).digest()


def test_prosody_sees_addresses_of_ipv6(service):
    """By HTTP, also where the client claims to be somebody else. (::1 would not do: it is believed to be a proxy.)"""
    own = service.shell("grep -v 00000001 /proc/net/if_inet6 | head -1").split()
    place = str(ipaddress.IPv6Address(int(own[0], 16)))
    made = f"""
import http.client, socket, ssl
context = ssl._create_unverified_context()
connection = http.client.HTTPConnection("{DOMAIN}")
plain = socket.create_connection(("{place}%{own[5]}", 443), 10)
connection.sock = context.wrap_socket(plain, server_hostname="{DOMAIN}")
connection.request("POST", "/http-bind", "{BOSH.format(DOMAIN)}", {{"X-Forwarded-For": "192.0.2.66"}})
assert connection.getresponse().status == 200
"""
    subprocess.run(["docker", "exec", "-i", CONTAINER, "python3", "-"], input=made, text=True, check=True)
    seen = service.seen_by_bosh()
    assert place in seen
    assert "192.0.2.66" not in seen


def test_who_fails_to_sign_in_at_443_is_known_by_the_address(service, gateway):
    """What bans go by."""

    async def fail() -> None:
        client = Client(Account(f"alice@{DOMAIN}", "wrong"), everybody(), 20)
        try:
            with pytest.raises(SignInFailed):
                await client.sign_in(service.address, 443, True)
        finally:
            await client.close()

    asyncio.run(fail())
    log = service.shell(
        "journalctl -u prosody -o cat --since -2min; tail -n 200 /var/log/prosody/* 2>/dev/null", check=False
    )
    assert re.search(rf"Failed authentication attempt .* from IP: {re.escape(gateway)}", log)


def test_tls_is_what_a_grader_likes(service):
    """TLS 1.2 and 1.3 with forward secrecy alone; a name that is not ours gets no certificate."""
    for version, works in (
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ):
        made = everybody()
        made.set_ciphers("ALL:@SECLEVEL=0")
        made.minimum_version = made.maximum_version = version
        assert handshake(service.address, made, DOMAIN) == works, version
    for cipher in ("AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256"):
        made = everybody()
        made.maximum_version = ssl.TLSVersion.TLSv1_2
        made.set_ciphers(cipher)
        assert not handshake(service.address, made, DOMAIN), cipher
    assert not handshake(service.address, everybody(), "other.test")


def handshake(address: str, made: ssl.SSLContext, name: str) -> bool:
    with socket.create_connection((address, 443), 10) as plain:
        try:
            with made.wrap_socket(plain, server_hostname=name):
                return True
        except (ssl.SSLError, OSError):
            return False


def files(service: Proxied) -> str:
    return service.shell(f"sha256sum {OURS}")


def test_a_change_that_nginx_cannot_take_over_is_undone_and_streams_stay(service):
    """A port that somebody else has: nginx -t and systemd call it well, and everything goes on as before."""
    before = files(service)

    async def held() -> str:
        client = Client(ALICE, everybody(), 20)
        try:
            await client.sign_in(service.address, 443, True)
            planted = json.dumps({"__proxy_inner": {**INNER, "acme": "127.0.0.1:5280"}})
            run = await asyncio.to_thread(playbook, "site", "--tags", "proxy", "-e", planted)
            await client.query(DOMAIN, ET.Element("{urn:xmpp:ping}ping"))
        finally:
            await client.close()
        assert run.code != 0
        return run.output

    said = asyncio.run(held())
    assert "nginx did not take over the new configuration and goes on with the one before" in said
    assert "bind() to 127.0.0.1:5280 failed" in said
    assert "The files are as they were before, and nginx runs with them." in said
    assert files(service) == before
    assert service.ask("/").status == 200


def test_an_nginx_that_is_broken_by_others_is_refused_first(service):
    before = files(service)
    service.shell("echo 'server { lisen 8080; }' >/etc/nginx/conf.d/shop.conf")
    try:
        run = playbook("site", "--tags", "proxy", "-e", "proxy_web_client=false")
    finally:
        service.shell("rm /etc/nginx/conf.d/shop.conf")
    assert run.code != 0
    assert "nginx on this host does not start with the configuration that is there" in run.output
    assert 'unknown directive "lisen" in /etc/nginx/conf.d/shop.conf:1' in run.output
    assert files(service) == before
