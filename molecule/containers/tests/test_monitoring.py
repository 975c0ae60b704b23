# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services in containers are measured and watched as on a host, and one that runs and serves nobody is told of."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT
from ansible_collections.allthingslinux.xmpp.tests.scenario.promql import metric_names
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until, wait_until_empty
from ansible_collections.allthingslinux.xmpp.tests.scenario.watched import FIRING
from conftest import ADDRESS, ALICE, HOST, WATCHING, docker, is_healthy, seen

RULES = ROOT / "roles/monitoring/files/rules/xmpp.yml"
PANELS = ROOT / "roles/monitoring/files/panels/xmpp.yml"
JOBS = {"node", "postgresql", "prosody", "nginx", "prometheus", "alertmanager"}
UNITS = {"prosody", "coturn", "nginx", "postgresql@17-main"}
# Of whose figures rules and pictures ask, and what has none here: apt and systemd are not there, nothing is shipped or
# renewed, nobody sends alerts by XMPP, no other server failed, no list of spammers is asked for, nobody looks at
# uploads; the rest is of roles and timers that tell when they ran
ELSEWHERE = re.compile(
    r"xmpp_(security_updates|package_lists_|package_newer|online|logs_|acme_|restore_)"
    r"|xmpp_service_(received|sent)_|haproxy_|prosody_mod_measure_peers__failing_since"
    r"|prosody_mod_block_lists__|prosody_mod_(scan_uploads|ldap_guard)__"
)
# a service that was stopped in the middle of everything: it runs, and serves nobody → what is told
FROZEN = {
    "prosody": {"XmppPortFailing", "XmppFederationFailing", "XmppRoundTripFailing"},
    "postgresql": {"XmppTargetDown postgresql"},
    "coturn": {"XmppTurnFailing"},
    "nginx": {"XmppTargetDown nginx"},
}


def asked(path: str, port: int = 9090) -> Any:
    """Out: what Prometheus or Alertmanager answers."""
    with urllib.request.urlopen(f"http://{ADDRESS}:{port}{path}", timeout=20) as answer:
        return json.loads(answer.read())


def query(expression: str) -> list[dict[str, Any]]:
    """Out: the result of an expression."""
    found: list[dict[str, Any]] = asked(f"/api/v1/query?query={quote(expression)}")["data"]["result"]
    return found


def named(labels: dict[str, str]) -> str:
    """Out: the name of an alert; with the job where a target is down."""
    return labels["alertname"] + (f" {labels['job']}" if labels["alertname"] == "XmppTargetDown" else "")


def firing() -> set[str]:
    """Out: the alerts that fire now, without the one that always does."""
    return {named(one["metric"]) for one in query(FIRING)} - {"XmppWatchdog"}


def told() -> set[str]:
    """Out: the alerts that Alertmanager has to tell."""
    return {named(one["labels"]) for one in asked("/api/v2/alerts?active=true", 9093)}


@contextlib.contextmanager
def frozen(*services: str) -> Iterator[None]:
    """All processes of these services stand still, and the engine takes them for running."""
    numbers = [
        int(pid) for service in services for pid in docker("top", f"{HOST}-{service}", "-o", "pid").splitlines()[1:]
    ]
    try:
        for number in numbers:
            os.kill(number, signal.SIGSTOP)
        yield
    finally:
        for number in numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGCONT)


@pytest.mark.parametrize("service", WATCHING)
def test_what_watches_has_no_right_either(service: str) -> None:
    about = seen(service)
    host = about["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["CapAdd"]) == (True, ["ALL"], None)
    assert about["Config"]["User"] == "909:909"
    # what it writes is what it collected, and nothing of the Docker host is there
    assert {mount["Destination"] for mount in about["Mounts"] if mount["RW"]} <= {"/var/lib/prometheus"}
    assert {mount["Type"] for mount in about["Mounts"]} == {"volume"}
    assert bool([mount for mount in about["Mounts"] if mount["RW"]]) == ("exporter" not in service)


def test_every_target_is_up_and_nothing_is_wrong() -> None:
    wait_until(lambda: {one["metric"]["job"] for one in query("up == 1")} >= JOBS, 60)
    wait_until_empty(lambda: query("up == 0"), 30)
    wait_until(lambda: query("xmpp_round_trip_success == 1"), 90)
    wait_until_empty(firing, 90)


def test_figures_have_the_names_that_they_have_on_hosts() -> None:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    pages = yaml.safe_load(PANELS.read_text(encoding="utf-8"))
    asked_for = [rule["expr"] for group in groups for rule in group["rules"]]
    asked_for += [one["expr"] for page in pages for panel in page["panels"] for one in panel["queries"]]
    wanted = set().union(*map(metric_names, asked_for))
    known = {name for name in wanted if not ELSEWHERE.match(name)}
    assert len(known) > 50

    def missing() -> set[str]:
        return known - set(asked("/api/v1/label/__name__/values")["data"])

    # those of the database come every fifteen minutes, and in a slow run first when nobody collects yet
    docker("exec", f"{HOST}-keeper", "systemctl", "start", "xmpp-database.service")
    # some are there since somebody came
    with Client(ALICE.jid, ALICE.password, ADDRESS):
        wait_until_empty(missing, 90)
    figures = {
        "active",
        "restarts_total",
        "memory_bytes",
        "cpu_seconds_total",
        "open_files",
        "max_open_files",
        "processes",
    }
    for figure in figures:
        assert {one["metric"]["unit"] for one in query(f"xmpp_service_{figure}")} == UNITS, figure
    # PostgreSQL is more than its first process, and each has used time
    assert query('xmpp_service_processes{unit="postgresql@17-main"} > 3')
    assert len(query("xmpp_service_cpu_seconds_total > 0")) == len(UNITS)
    assert query("xmpp_turn_relays")
    # of the Docker host: its memory, and the disk that has the volumes
    assert query("node_memory_MemTotal_bytes > 0 and node_load1 >= 0")
    assert query("xmpp:filesystem_used > 0")


def page(path: str) -> str:
    """Out: a page of Prometheus, or what it needs. Raises HTTPError."""
    with urllib.request.urlopen(f"http://{ADDRESS}:9090{path}", timeout=20) as answer:
        text: str = answer.read().decode()
    return text


def test_pages_are_served_with_all_that_draws_them() -> None:
    for name in ("overview", "prosody", "postgresql", "turn", "proxy", "hosts", "status"):
        assert "<no value>" not in page(f"/consoles/{name}.html"), name
    needed = re.findall(r'(?:src|href)="(/[^"]+[.](?:js|css))"', page("/consoles/overview.html"))
    assert len(needed) > 4
    assert all(page(path) for path in needed)


def test_a_service_that_runs_and_serves_nobody_is_alerted() -> None:
    """No health check of the engine's is needed for it: what users and Prometheus ask goes unanswered."""
    wanted = set().union(*FROZEN.values())
    wait_until_empty(lambda: firing() & wanted, 60)
    with frozen(*FROZEN):
        assert all(seen(service)["State"]["Running"] for service in FROZEN)
        wait_until_empty(lambda: wanted - firing(), 240, 3)
        wait_until_empty(lambda: wanted - told(), 30)
        assert not any(is_healthy(service) for service in ("prosody", "coturn"))
    wait_until(lambda: all(is_healthy(service) for service in FROZEN), 60)


def test_an_exporter_that_runs_and_does_not_answer_is_alerted() -> None:
    wanted = {f"XmppTargetDown {job}" for job in ("node", "alertmanager", "postgresql", "nginx")}
    wait_until_empty(lambda: firing() & wanted, 60)
    with frozen(*(one for one in WATCHING if one != "prometheus")):
        wait_until_empty(lambda: wanted - firing(), 120, 3)
    # what was wrong before is right again, too
    wait_until_empty(firing, 240, 3)
