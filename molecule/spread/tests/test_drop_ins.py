# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What another role may add to the monitoring, as docs/monitoring.md says: files of its own, and variables."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until

CHAT = "xmpp-spread-chat"
RULES = {
    "groups": [
        {
            "name": "bridge",
            "rules": [
                {"alert": "BridgeQueueLong", "expr": "bridge_queue_length > 10", "labels": {"severity": "warning"}}
            ],
        }
    ]
}


def put(host, path, text):
    """Write a file elsewhere and rename it."""
    host.check_output(f"cat > {path}.new <<'EOF'\n{text}\nEOF\nmv {path}.new {path}")


@pytest.fixture(scope="module", autouse=True)
def drop_ins(machine, address, prometheus):
    """The files of another role, until the end of the tests."""
    watch, place = machine("watch"), f"{address('chat')}:9555"
    target = {"targets": [place], "labels": {"job": "bridge", "instance": CHAT}}
    scrape = {"job_name": "bridge_again", "static_configs": [{"targets": [place], "labels": {"instance": CHAT}}]}
    files = {
        "/etc/prometheus/targets.d/bridge.yml": [target],
        "/etc/prometheus/scrape.d/bridge.yml": {"scrape_configs": [scrape]},
        "/etc/prometheus/rules.d/bridge.yml": RULES,
    }
    for path, content in files.items():
        put(watch, path, yaml.safe_dump(content))
    put(machine("chat"), "/var/lib/xmpp-monitoring/bridge.prom", "bridge_rooms 3")
    watch.check_output("promtool check config /etc/prometheus/prometheus.yml")
    watch.check_output("systemctl reload prometheus")
    yield [*files]
    machine("chat").check_output("rm /var/lib/xmpp-monitoring/bridge.prom")
    target, *others = files
    watch.check_output(f"rm {target}")
    wait_until(lambda: ("bridge", CHAT) not in prometheus.targets(), 20)
    watch.check_output("rm " + " ".join(others) + " && systemctl reload prometheus")


@pytest.mark.parametrize(
    "expression",
    [
        f'bridge_queue_length{{job="bridge",instance="{CHAT}"}} == 12',
        f'bridge_queue_length{{job="bridge_again",instance="{CHAT}"}} == 12',
        f'bridge_rooms{{job="node",instance="{CHAT}"}} == 3',
        f'xmpp_service_active{{unit="bridge",instance="{CHAT}"}} == 1',
        f'xmpp_service_memory_bytes{{unit="bridge",instance="{CHAT}"}} > 0',
    ],
)
def test_what_is_added_is_measured(prometheus, expression):
    wait_until(lambda: prometheus.query(expression), 45)


def test_a_rule_that_is_added_fires_and_reaches_alertmanager(machine, prometheus):
    assert wait_until(lambda: prometheus.firing("BridgeQueueLong"), 30)
    asked = "amtool --alertmanager.url=http://127.0.0.1:9093 alert query -o json alertname=BridgeQueueLong"
    alerts = wait_until(lambda: json.loads(machine("watch").check_output(asked)), 20)
    assert {one["labels"]["instance"] for one in alerts} == {CHAT}


def test_a_page_that_is_added_is_served_and_linked(prometheus):
    page = prometheus.fetch("/consoles/bridge.html")
    assert "Messages that wait" in page
    assert "BridgeQueueLong" in page
    assert "<no value>" not in page
    assert '<a href="bridge.html">Bridge</a>' in prometheus.fetch("/consoles/overview.html")


def test_another_run_changes_nothing_and_leaves_alone_what_was_added(machine, drop_ins):
    """The second run of the scenario, on all hosts, when Prosody has lost its database over the network before."""
    watch, chat = machine("watch"), machine("chat")
    machine("db").check_output("systemctl restart postgresql@17-main")
    before = watch.check_output("sha256sum " + " ".join(drop_ins))
    playbook("site").assert_unchanged()
    assert watch.check_output("sha256sum " + " ".join(drop_ins)) == before
    assert chat.file("/var/lib/xmpp-monitoring/bridge.prom").content_string == "bridge_rooms 3\n"
