# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of configuration for web servers of the operator's own, taken by the real servers and used by clients."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import Account
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import address_of
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.proxied import Proxied
from ansible_collections.allthingslinux.xmpp.tests.scenario.trust import everybody

CONTAINER = os.environ["XMPP_WEB_CONTAINER"]
DOMAIN = "chat.localhost"
ALICE = Account(f"alice@{DOMAIN}", "walks-by-the-sea")
PIECES = "/root/pieces"
PAIR = "/etc/xmpp/proxy/fullchain.pem", "/etc/xmpp/proxy/privkey.pem"
MODULES = ("mpm_event", "authz_core", "socache_shmcb", "ssl", "headers", "proxy", "proxy_http")

# as the other nginx, to whose user it would give the directories that both have
NGINX = f"""
user www-data; pid {PIECES}/nginx.pid; error_log stderr;
events {{ }}
http {{
    access_log off;
    server {{
        listen 9441 ssl; server_name {DOMAIN};
        ssl_certificate {PAIR[0]}; ssl_certificate_key {PAIR[1]};
        include {PIECES}/nginx-{DOMAIN}.conf;
        location / {{ return 404; }}
    }}
}}
"""
APACHE = (
    "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in MODULES)
    + f"""
User www-data
Group www-data
ServerName {DOMAIN}
Listen 9442
PidFile {PIECES}/apache.pid
DefaultRuntimeDir {PIECES}
ErrorLog {PIECES}/apache.log
<VirtualHost *:9442>
    ServerName {DOMAIN}
    SSLEngine on
    SSLCertificateFile {PAIR[0]}
    SSLCertificateKeyFile {PAIR[1]}
    Include {PIECES}/apache-{DOMAIN}.conf
</VirtualHost>
"""
)
CADDY = f"""
{{
    admin off
    auto_https off
}}
import {PIECES}/caddy-{DOMAIN}.caddyfile
https://{DOMAIN}:9443 {{
    tls {PAIR[0]} {PAIR[1]}
    import xmpp_chat_localhost
    respond 404
}}
"""
SERVERS = {
    "nginx": (9441, NGINX, "nginx -c FILE -g 'daemon off;'"),
    "apache": (9442, APACHE, "apache2 -f FILE -X"),
    "caddy": (9443, CADDY, "caddy run --config FILE --adapter caddyfile"),
}


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    """The playbook writes them here, and they are carried to the container."""
    directory = tmp_path_factory.mktemp("pieces")
    playbook("proxy_snippets", "-e", f"prosody_snippets_dir={directory}").assert_ok()
    subprocess.run(["docker", "exec", CONTAINER, "mkdir", "-p", PIECES], check=True)
    for piece in directory.iterdir():
        given = piece.read_bytes()
        subprocess.run(
            ["docker", "exec", "-i", CONTAINER, "sh", "-c", f"cat >{PIECES}/{piece.name}"], input=given, check=True
        )
    yield {piece.name for piece in directory.iterdir()}
    subprocess.run(["docker", "exec", CONTAINER, "rm", "-r", PIECES], check=True)


@pytest.fixture(params=SERVERS)
def served(request, pieces):
    """A web server that has only the piece for it."""
    port, text, command = SERVERS[request.param]
    assert f"traefik-{DOMAIN}.yml" in pieces
    service = Proxied(CONTAINER, DOMAIN, address_of(CONTAINER), port)
    file = f"{PIECES}/{request.param}.main"
    subprocess.run(["docker", "exec", "-i", CONTAINER, "sh", "-c", f"cat >{file}"], input=text.encode(), check=True)
    run = f"systemd-run --quiet --collect --unit=piece-{request.param} --setenv=HOME=/root -- "
    service.shell(run + command.replace("FILE", file))
    ask = f"curl -sk -o /dev/null --resolve {DOMAIN}:{port}:127.0.0.1 https://{DOMAIN}:{port}/"
    waits = f"for i in $(seq 100); do {ask} && exit 0; sleep 0.1; done; exit 1"
    try:
        said = f"journalctl -u piece-{request.param} -o cat | tail -20; tail -5 {PIECES}/apache.log"
        answered = subprocess.run(["docker", "exec", CONTAINER, "sh", "-c", waits], check=False)
        assert answered.returncode == 0, service.shell(said, False)
        yield service
    finally:
        service.shell(f"systemctl stop piece-{request.param}", check=False)


def test_it_hands_on_what_is_for_everybody(served):
    assert served.ask("/.well-known/host-meta").status == served.ask("/.well-known/host-meta.json").status == 200
    assert b"xmpp-websocket" in served.ask("/.well-known/host-meta").body
    for path in ("/metrics", "/status", "/admin", "/http-bindings"):
        assert served.ask(path).status == 404, path

    # an upload, whole and in part
    content = secrets.token_bytes(300_000)
    film = served.stored(ALICE, content)
    assert served.ask(film).body == content

    # a WebSocket
    wanted = [
        f"GET /xmpp-websocket HTTP/1.1\r\nHost: {DOMAIN}:{served.port}",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n",
    ]
    with socket.create_connection((served.address, served.port), 10) as plain:
        own = plain.getsockname()[0]
        with everybody().wrap_socket(plain, server_hostname=DOMAIN) as stream:
            stream.sendall("\r\n".join(wanted).encode())
            assert stream.recv(1000).startswith(b"HTTP/1.1 101 ")

    # the address of the client, whatever it says itself
    served.open_bosh(X_Forwarded_For="192.0.2.66", Content_Type="text/xml")
    seen = served.seen_by_bosh()
    assert own in seen
    assert "192.0.2.66" not in seen
