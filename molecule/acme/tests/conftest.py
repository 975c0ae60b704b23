# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host with the service, the one with the ACME server, and what the ports of the former serve."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator

import pytest
import testinfra
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import Certificate
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import read_served
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT
from ansible_collections.allthingslinux.xmpp.tests.scenario.prometheus import Prometheus
from ansible_collections.allthingslinux.xmpp.tests.scenario.quickened import quickened
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from ansible_collections.allthingslinux.xmpp.tests.scenario.watched import put

DOMAIN = "acme.example"
# every port with TLS: its name, and how TLS begins there
PORTS = [
    (5222, DOMAIN, {"starttls": "xmpp-client"}),
    (5223, DOMAIN, {"direct": "xmpp-client"}),
    (5269, DOMAIN, {"starttls": "xmpp-server"}),
    (5269, f"muc.{DOMAIN}", {"starttls": "xmpp-server"}),
    (5270, DOMAIN, {"direct": "xmpp-server"}),
    (443, DOMAIN, {}),
    (443, DOMAIN, {"direct": "xmpp-client"}),
    (443, f"muc.{DOMAIN}", {"direct": "xmpp-server"}),
    (5349, f"turn.{DOMAIN}", {}),
]


def machine(name: str):
    return testinfra.get_host(f"ansible://{name}?ansible_inventory={os.environ['MOLECULE_INVENTORY_FILE']}")


@pytest.fixture(scope="session")
def service():
    """The host with the service. Figures are collected there as where role monitoring is."""
    host = machine("xmpp-acme")
    host.check_output("mkdir -p /var/lib/xmpp-monitoring")
    return host


@pytest.fixture(scope="session")
def authority():
    return machine("xmpp-acme-authority")


@pytest.fixture(scope="session")
def address(service) -> str:
    return str(service.interface("eth0").addresses[0])


@pytest.fixture
def serves(address):
    """A function: (port, name, way) → the certificate that is served there, seen from outside."""

    def look() -> dict[tuple[int, str, str], Certificate]:
        return {
            (port, name, "".join(way.values())): read_served(address, port, sni=name, timeout=10, **way).certificate
            for port, name, way in PORTS
        }

    return look


@pytest.fixture
def newest(service):
    """A function from the name of a certificate to the fingerprint of what lies on the host."""

    def look(name: str) -> str:
        said = service.check_output(
            "openssl x509 -in /etc/xmpp/certificates/%s/fullchain.pem -noout -fingerprint -sha256", name
        )
        return str(said.partition("=")[2].replace(":", "").lower())

    return look


LIFE = "certificateValidityPeriod"


def restart_pebble(authority) -> None:
    """And wait for it. It has another root then, and no account of ours."""
    authority.check_output("systemctl restart pebble")
    look = "import ssl, urllib.request as u; u.urlopen(%r, context=ssl._create_unverified_context())"
    wait_until(lambda: authority.run("python3 -c %s", look % "https://localhost:14000/dir").rc == 0, 20, 0.2)


@pytest.fixture
def live(authority, service) -> Iterator[Callable[[int], None]]:
    """A function: for how many seconds certificates live; afterwards for an hour again, those that are there too."""

    def change(seconds: int) -> None:
        authority.check_output(f"sed -i -E 's/(\"{LIFE}\": )[0-9]+/\\1{seconds}/' /etc/pebble.json")
        restart_pebble(authority)

    yield change
    change(3600)
    service.check_output("/usr/local/sbin/xmpp-acme --force")


@contextlib.contextmanager
def answering(authority, text: str) -> Iterator[None]:
    """The ACME server answers something else; in: a location of nginx."""
    path = "/etc/nginx/faults/planted.conf"
    # who is in the middle of something is served by the processes of before
    settle = (
        "nginx -t 2>&1 && systemctl reload nginx; for i in $(seq 50); do "
        "pgrep -f 'nginx: worker process is shutting down' >/dev/null || exit 0; sleep 0.1; done"
    )
    authority.check_output("mkdir -p /etc/nginx/faults && printf %%s %s > %s", text, path)
    try:
        authority.check_output(settle)
        yield
    finally:
        authority.check_output(f"rm {path}; {settle}")


WATCH = {
    "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
    "rule_files": ["/root/watch/rules.yml"],
    "scrape_configs": [
        {
            "job_name": "node",
            "metrics_path": "/acme.prom",
            "static_configs": [{"targets": ["xmpp-acme:9321"], "labels": {"instance": "xmpp-acme"}}],
        }
    ],
}


@pytest.fixture(scope="module")
def prometheus(service, authority) -> Iterator[Prometheus]:
    """One with the rules of role monitoring, in less time, and the figures that the timer leaves on the service."""
    rules = quickened((ROOT / "roles/monitoring/files/rules/xmpp.yml").read_text(encoding="utf-8"))
    put(authority, "/root/watch/rules.yml", rules)
    put(authority, "/root/watch/prometheus.yml", json.dumps(WATCH))
    options = "--config.file=/root/watch/prometheus.yml --storage.tsdb.path=/root/watch/data"
    listen = "--web.listen-address=127.0.0.1:9090"
    service.check_output(
        "systemd-run --quiet --collect --unit figures python3 -m http.server 9321 -d /var/lib/xmpp-monitoring"
    )
    authority.check_output(f"systemd-run --quiet --collect --unit watch prometheus {options} {listen}")
    watching = Prometheus(authority)
    wait_until(watching.answers, 30)
    yield watching
    service.check_output("systemctl stop figures")
    authority.check_output("systemctl stop watch && rm -r /root/watch")


@pytest.fixture
def figures(service):
    """A function from a metric, with its labels, to its value as the node exporter would read it."""

    def look() -> dict[str, float]:
        lines = service.check_output("cat /var/lib/xmpp-monitoring/acme.prom").splitlines()
        pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
        return {name: float(value) for name, value in pairs}

    return look


@pytest.fixture
def alice(address) -> Iterator[Client]:
    """Somebody who is connected all the time, and never to be dropped."""
    with Client(f"alice@{DOMAIN}", "walks-by-the-sea", address) as client:
        yield client
        client.say(f"alice@{DOMAIN}", "still here")
        assert client.hears("still here")
        assert client.ended == 0
