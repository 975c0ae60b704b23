# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Prometheus of the operator's own: what docs/monitoring.md says is done, and its files are given to a second one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT, playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.prometheus import Prometheus
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until

SERVICE = ("xmpp-spread-db", "xmpp-spread-turn", "xmpp-spread-chat")
CONFIG = """
global: {scrape_interval: 5s, evaluation_interval: 5s}
scrape_config_files: [/srv/own/scrape.yml]
rule_files: [/srv/own/rules.yml]
"""
BLOCK = re.compile(r"^## A Prometheus of your own$.*?^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """An inventory of the same hosts without group monitoring, and the playbook of the guide; out: the directory.

    own.yml is all of it, files.yml what writes the files alone.
    """
    there = tmp_path_factory.mktemp("operator")
    source = Path(os.environ["MOLECULE_INVENTORY_FILE"])
    listed = subprocess.run(
        ["ansible-inventory", "-i", source, "--list"], capture_output=True, text=True, check=True
    ).stdout
    known = json.loads(listed)["_meta"]["hostvars"]
    groups = {"postgresql": SERVICE[0], "coturn": SERVICE[1], "prosody": SERVICE[2]}
    inventory = {
        "all": {
            "hosts": {name: known[name] for name in SERVICE},
            "children": {group: {"hosts": {host: {}}} for group, host in groups.items()},
        }
    }
    (there / "inv.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    shutil.copytree(source.parent / ".secrets", there / ".secrets")
    [block] = BLOCK.findall((ROOT / "docs/monitoring.md").read_text(encoding="utf-8"))
    (there / "own.yml").write_text(block, encoding="utf-8")
    [play] = yaml.safe_load(block)
    play["tasks"] = [task for task in play["tasks"] if "external" in str(task)]
    (there / "files.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    return there


@pytest.fixture(scope="module")
def run(site, address):
    """A function that runs one of the playbooks, which knows the watching host by its address alone."""

    def run_it(name, *options):
        patch = pytest.MonkeyPatch()
        patch.setenv("MOLECULE_INVENTORY_FILE", str(site / "inv.yml"))
        given = json.dumps({"monitoring_server_addresses": [address("watch")]})
        try:
            return playbook(str(site / name), "-e", given, *options).assert_ok()
        finally:
            patch.undo()

    return run_it


def test_a_check_says_what_would_be_written_and_writes_nothing(site, run):
    done = run("files.yml", "--check", "--diff")
    assert "scrape_configs:" in done.output
    assert not (site / "monitoring").exists()


def test_the_files_are_written_once(site, run):
    """And nothing else is changed: the hosts measure themselves as they did for the watching host."""
    assert sum(run("own.yml").changed.values()) == 1
    written = {str(one.relative_to(site / "monitoring")) for one in (site / "monitoring").rglob("*") if one.is_file()}
    assert written >= {"scrape.yml", "rules.yml", "ca.pem", "dashboards/xmpp-overview.json"}
    run("files.yml").assert_unchanged()


def test_another_prometheus_works_with_exactly_these_files(site, machine):
    watch = machine("watch")
    watch.check_output("install -d -o prometheus /srv/own /run/own")
    for name in ("scrape.yml", "rules.yml", "ca.pem"):
        text = (site / "monitoring" / name).read_text(encoding="utf-8")
        watch.check_output(f"cat > /srv/own/{name} <<'EOF'\n{text}\nEOF")
    watch.check_output(f"cat > /srv/own/prometheus.yml <<'EOF'{CONFIG}EOF")
    watch.check_output("promtool check config /srv/own/prometheus.yml")
    watch.check_output(
        "systemd-run --collect --unit own --uid prometheus prometheus --config.file=/srv/own/prometheus.yml"
        " --web.listen-address=127.0.0.1:9099 --storage.tsdb.path=/run/own"
    )
    try:
        own = Prometheus(watch, 9099)
        wait_until(own.answers, 30)
        wait_until(lambda: own.all_up(5) or print(own.targets()), 30)
        assert set(own.targets()) == {
            *(("node", name) for name in SERVICE),
            ("postgresql", "xmpp-spread-db"),
            ("prosody", "xmpp-spread-chat"),
        }
        wait_until(lambda: all_healthy(own) or print(own.get("rules")), 30)
        assert own.query('xmpp_round_trip_success{instance="xmpp-spread-chat"} == 1')
    finally:
        watch.run("systemctl stop own")


def all_healthy(own):
    """Whether each rule was looked at and none has an error."""
    rules = [rule for group in own.get("rules")["groups"] for rule in group["rules"]]
    return len(rules) > 20 and {rule["health"] for rule in rules} == {"ok"}
