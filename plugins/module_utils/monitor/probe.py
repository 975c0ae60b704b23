# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The service as its users meet it, measured once: each port with its certificate, TURN, and a message through it all.

python3 -m …monitor.probe CONFIG RESULT: CONFIG is JSON, {"ca": path or "", "targets": [target, …]} as in Target, and
"databases": [{"domain", "host", "port"}, …], those to which a Prosody of this host connects over the network.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor import turn
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor.session import Session
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor.textfile import Metric, Sample, render, write
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import hello
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import Certificate, covers
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import read_served
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.postgresql import read_certificate

SUCCESS = Metric("xmpp_probe_success", "gauge", "Whether the port served what it is for.")
DURATION = Metric("xmpp_probe_duration_seconds", "gauge", "How long the probe of the port took.")
EXPIRY = Metric("xmpp_certificate_expiry_timestamp_seconds", "gauge", "When the certificate that is served ends.")
LIFE = Metric("xmpp_certificate_lifetime_seconds", "gauge", "How long the certificate that is served is valid in all.")
POST_QUANTUM = Metric(
    "xmpp_tls_post_quantum",
    "gauge",
    "Whether the key exchange (group) that the port agrees on with a client of today withstands quantum computers.",
)
ROUND_TRIP = Metric("xmpp_round_trip_success", "gauge", "Whether a message went from one account to another.")
STEP_SECONDS = Metric("xmpp_round_trip_seconds", "gauge", "How long each step of the round trip took.")
STEP_SUCCESS = Metric("xmpp_round_trip_step_success", "gauge", "Whether each step of the round trip succeeded.")
LAST_RUN = Metric("xmpp_probe_last_run_timestamp_seconds", "gauge", "When the probes ended the last time.")
RUN_SECONDS = Metric("xmpp_probe_run_seconds", "gauge", "How long all probes took together.")

STEPS = ("login", "deliver", "archive")


@dataclass(frozen=True)
class Target:
    """One XMPP domain. ports: probe name → port, those of PROBES; accounts: two of {"jid", "password"}, or none.

    http_address, tls_address and starttls_address: of HTTPS, of direct TLS and of what upgrades to TLS where they are
    elsewhere, as behind a proxy; http_name: of HTTPS where it has another one than the domain.
    """

    domain: str
    address: str
    turn_name: str
    turn_address: str
    ports: Mapping[str, int]
    accounts: tuple[Mapping[str, str], ...]
    archive: bool = True
    http_name: str = ""
    http_address: str = ""
    tls_address: str = ""
    starttls_address: str = ""

    def where(self, name: str) -> str:
        """Out: the address of one of PROBES."""
        elsewhere = {
            "https": self.http_address,
            **dict.fromkeys(("c2s", "s2s"), self.starttls_address),
            **dict.fromkeys(("c2s_tls", "s2s_tls"), self.tls_address),
        }
        return elsewhere.get(name) or self.address


def target_of(data: Mapping[str, Any]) -> Target:
    """In: a target as in the configuration. Raises KeyError, TypeError."""
    return Target(
        data["domain"],
        data["address"],
        data.get("turn_name", ""),
        data.get("turn_address", ""),
        data["ports"],
        tuple(data.get("accounts", ())),
        data.get("archive", True),
        data.get("http_name", ""),
        data.get("http_address", ""),
        data.get("tls_address", ""),
        data.get("starttls_address", ""),
    )


class Report:
    """Samples, as they come in; and on standard error, for the journal, why something failed."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []

    def add(self, metric: Metric, value: float, **labels: str) -> None:
        """Note one value."""
        self.samples.append(Sample(metric, value, labels))

    def add_certificate(self, leaf: Certificate, **labels: str) -> None:
        """Note for how long a certificate that is served is valid."""
        self.add(EXPIRY, leaf.not_after.timestamp(), **labels)
        self.add(LIFE, (leaf.not_after - leaf.not_before).total_seconds(), **labels)

    @contextlib.contextmanager
    def probe(self, domain: str, name: str, port: int) -> Iterator[None]:
        """Measure what is done inside, as the probe `name` of `domain`."""
        began, good = time.monotonic(), True
        try:
            yield
        except (XmppError, OSError, ValueError, http.client.HTTPException) as error:
            good = False
            sys.stderr.write(f"{domain}: {name}: {error}\n")
        labels = {"domain": domain, "probe": name, "port": str(port)}
        self.add(SUCCESS, good, **labels)
        self.add(DURATION, time.monotonic() - began, **labels)


def probe_tls(report: Report, target: Target, name: str, port: int, address: str, host: str, **how: str) -> None:
    """Look at a port with TLS: that it answers, what certificate it shows and that this is for `host`.

    And what key exchange it agrees on: asked on a connection of its own, whatever the OpenSSL of this host knows.
    Before TLS 1.3 the version stands for the group.
    """
    labels = {"domain": target.domain, "probe": name, "port": str(port)}
    with report.probe(target.domain, name, port):
        served = read_served(address, port, sni=host, to=target.domain, timeout=8.0, **how)
        report.add_certificate(served.certificate, **labels, name=host)
        group = hello.choice_at(address, port, host, 0x0304, to=target.domain, timeout=8.0, **how).group
        if not group and served.protocol != "TLSv1.3":
            group = served.protocol  # in which there are the classic groups alone
        if group:
            report.add(POST_QUANTUM, group in hello.POST_QUANTUM, **labels, group=group)
        if not covers(served.certificate, host):
            raise ValueError(f"the certificate is for {', '.join(served.certificate.names)}")


def probe_database(report: Report, domain: str, host: str, port: int) -> None:
    """The certificate that PostgreSQL shows to Prosody, where it shows one. Whether it is trusted, Prosody sees."""
    with report.probe(domain, "postgresql", port):
        leaf = read_certificate(host, port, timeout=8.0)
        if leaf is not None:
            report.add_certificate(leaf, domain=domain, probe="postgresql", port=str(port), name=host)


def probe_https(report: Report, target: Target, port: int) -> None:
    """The HTTPS port: its certificate, and an answer of the HTTP server (which may well be "not found")."""
    address, name = target.where("https"), target.http_name or target.domain
    probe_tls(report, target, "https", port, address, name)
    with report.probe(target.domain, "http", port):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(address, port, timeout=8.0)
        # by its name, and at its address: a proxy answers to none but the names that it knows
        raw = socket.create_connection((address, port), timeout=8.0)
        try:
            connection.sock = context.wrap_socket(raw, server_hostname=name)
            connection.request("GET", "/.well-known/host-meta", headers={"Host": name})
            status = connection.getresponse().status
        finally:
            connection.close()
            raw.close()
        if status >= 500:
            raise ValueError(f"HTTP status {status}")


def probe_binding(report: Report, target: Target, transport: str, port: int) -> None:
    """A STUN binding."""
    with report.probe(target.domain, f"stun_{transport}", port):
        turn.binding(target.turn_address, port, transport)


# probe name → how it is done, given the report, the target and the port
PROBES: Mapping[str, Callable[[Report, Target, int], None]] = {
    "c2s": lambda r, t, p: probe_tls(r, t, "c2s", p, t.where("c2s"), t.domain, starttls="xmpp-client"),
    "c2s_tls": lambda r, t, p: probe_tls(r, t, "c2s_tls", p, t.where("c2s_tls"), t.domain, direct="xmpp-client"),
    "s2s": lambda r, t, p: probe_tls(r, t, "s2s", p, t.where("s2s"), t.domain, starttls="xmpp-server"),
    "s2s_tls": lambda r, t, p: probe_tls(r, t, "s2s_tls", p, t.where("s2s_tls"), t.domain, direct="xmpp-server"),
    "https": probe_https,
    "turn_tls": lambda r, t, p: probe_tls(r, t, "turn_tls", p, t.turn_address, t.turn_name),
    "stun_udp": lambda r, t, p: probe_binding(r, t, "udp", p),
    "stun_tcp": lambda r, t, p: probe_binding(r, t, "tcp", p),
}


def sign_in(target: Target, account: Mapping[str, str], context: ssl.SSLContext) -> Session:
    """Sign an account in, with STARTTLS where the domain has that, else with direct TLS."""
    way = "c2s" if "c2s" in target.ports else "c2s_tls"
    direct = way == "c2s_tls"
    return Session(target.where(way), target.ports[way], account["jid"], account["password"], context, direct=direct)


def round_trip(report: Report, target: Target, context: ssl.SSLContext) -> None:
    """Two accounts sign in, one writes to the other, who finds the message in the archive; then a relay for a call."""
    steps = [step for step in STEPS if step != "archive" or target.archive]
    done: dict[str, float] = {}
    sessions: list[Session] = []
    body = "round trip " + secrets.token_hex(8)
    began = time.monotonic()
    try:
        for account in target.accounts:
            sessions.append(sign_in(target, account, context))
        done["login"] = time.monotonic() - began
        sender, receiver = sessions
        began = time.monotonic()
        sender.send_message(receiver.jid, body, secrets.token_hex(6))
        receiver.wait_for_message(body)
        done["deliver"] = time.monotonic() - began
        if target.archive:
            began = time.monotonic()
            receiver.wait_for_archived(body)
            done["archive"] = time.monotonic() - began
    except (XmppError, OSError, ValueError) as error:
        sys.stderr.write(f"{target.domain}: round trip: {error}\n")
    for step in steps:
        report.add(STEP_SUCCESS, step in done, domain=target.domain, step=step)
        if step in done:
            report.add(STEP_SECONDS, done[step], domain=target.domain, step=step)
    report.add(ROUND_TRIP, all(step in done for step in steps), domain=target.domain)
    if "stun_udp" in target.ports:
        with report.probe(target.domain, "turn_relay", target.ports["stun_udp"]):
            if not sessions:
                raise ValueError("nobody could sign in to ask for credentials")
            user, password = sessions[0].turn_credentials()
            turn.allocate(target.turn_address, target.ports["stun_udp"], user, password)
    for session in sessions:
        session.close()


def run(config: Mapping[str, Any]) -> list[Sample]:
    """Everything once. In: the configuration. Out: what was measured."""
    report = Report()
    began = time.monotonic()
    context = ssl.create_default_context(cafile=config.get("ca") or None)
    for target in map(target_of, config["targets"]):
        for name, port in target.ports.items():
            PROBES[name](report, target, port)
        if target.accounts and {"c2s", "c2s_tls"} & set(target.ports):
            round_trip(report, target, context)
    for one in config.get("databases", ()):
        probe_database(report, one["domain"], one["host"], one["port"])
    report.add(RUN_SECONDS, time.monotonic() - began)
    report.add(LAST_RUN, time.time())
    return report.samples


def main(arguments: list[str]) -> int:
    """In: paths of the configuration and of the result."""
    config = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    write(Path(arguments[1]), render(run(config)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
