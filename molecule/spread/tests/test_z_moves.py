# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service that the inventory has on another host is stopped where it was. Comes last: nothing is put back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until

OLD, NEW = "xmpp-spread-turn", "xmpp-spread-watch"
TURN = f"coturn was moved from {OLD} to {NEW}"


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """The inventory with coturn on another host, with what is kept beside it; out: a function that deploys it."""
    there = tmp_path_factory.mktemp("moved")
    source = Path(os.environ["MOLECULE_INVENTORY_FILE"])
    listed = subprocess.run(
        ["ansible-inventory", "-i", source, "--list"], capture_output=True, text=True, check=True
    ).stdout
    hosts = json.loads(listed)["_meta"]["hostvars"]
    groups = {"postgresql": "xmpp-spread-db", "coturn": NEW, "prosody": "xmpp-spread-chat", "monitoring": NEW}
    children = {group: {"hosts": {host: {}}} for group, host in groups.items()}
    (there / "inv.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts, "children": children}}), encoding="utf-8")
    shutil.copytree(source.parent / ".secrets", there / ".secrets")

    def deploy(*options):
        patch = pytest.MonkeyPatch()
        patch.setenv("MOLECULE_INVENTORY_FILE", str(there / "inv.yml"))
        try:
            return playbook("site", "--tags", "coturn,monitoring", "--limit", f"{OLD},{NEW}", *options).assert_ok()
        finally:
            patch.undo()

    deploy.record = there / ".secrets" / "deployed.json"
    return deploy


def test_the_record_says_what_runs_where(moved):
    record = json.loads(moved.record.read_text())
    assert {host.removeprefix("xmpp-spread-"): entry["roles"] for host, entry in record.items()} == {
        "db": ["postgresql"],
        "turn": ["coturn"],
        "chat": ["prosody"],
        "watch": ["monitoring"],
    }
    assert oct(moved.record.stat().st_mode & 0o777) == "0o600"


def test_a_run_says_it_and_stops_the_old_one(moved, machine, prometheus):
    old, new = machine("turn"), machine("watch")
    assert old.file("/etc/xmpp/coturn/secret.conf").exists
    done = moved()
    assert TURN in done.output
    assert new.service("coturn").is_running
    assert not old.service("coturn").is_running
    assert not old.service("coturn").is_enabled
    assert not old.file("/etc/xmpp/coturn").exists
    assert not old.file("/etc/xmpp/certificates/turn.spread.localhost").exists
    assert old.run("systemctl start coturn").rc != 0, "without its secret it does not come back"
    old.run("systemctl stop coturn; systemctl reset-failed coturn")
    # nothing is left to be measured there
    for unit in ("prometheus-node-exporter.service", "xmpp-service-figures.timer"):
        assert old.run(f"systemctl is-active {unit}").stdout.strip() == "inactive", unit
        assert old.run(f"systemctl is-enabled {unit}").stdout.strip() != "enabled", unit
    assert not old.file("/etc/xmpp/monitoring").exists
    record = json.loads(moved.record.read_text())
    assert OLD not in record
    assert record[NEW]["roles"] == ["coturn", "monitoring"]
    wait_until(lambda: ("node", OLD) not in prometheus.targets(), 30)
    wait_until(lambda: not prometheus.firing("XmppTargetDown"), 60)


def test_the_next_run_has_nothing_to_say_or_to_do(moved):
    done = moved()
    done.assert_unchanged()
    assert TURN not in done.output
