# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold where everything is on one host and watched. The order counts: faults are planted at the end."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT, playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.promql import metric_names

HERE = Path(__file__).parent
SECRETS = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent / ".secrets"
RULES = ROOT / "roles/monitoring/files/rules/xmpp.yml"
PANELS = ROOT / "roles/monitoring/files/panels/xmpp.yml"
NOTES = "/root/received.jsonl"
OWN_UNITS = ["prometheus", "prometheus-alertmanager", "prometheus-node-exporter", "prometheus-postgres-exporter"]
OWN_UNITS += ["prometheus-xmpp-alerts"]
FETCH = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())"


def fetch(host, url):
    """Out: what the URL gives, asked on the host itself."""
    return host.check_output("python3 -c %s %s", FETCH, url)


def query(host, expression):
    """Out: the result of an expression, as Prometheus gives it."""
    answer = json.loads(fetch(host, f"http://127.0.0.1:9090/api/v1/query?query={quote(expression)}"))
    return answer["data"]["result"]


def firing(host):
    """Out: the alerts that fire, without the watchdog, as (name, unit or probe or job)."""
    found = {sample["metric"]["alertname"] for sample in query(host, 'ALERTS{alertstate="firing"}')}
    return found - {"XmppWatchdog"}


def wait_until(what, seconds):
    """Wait until `what` is true, and fail with its last value where it is not in time."""
    end = time.monotonic() + seconds
    while not (last := what()):
        assert time.monotonic() < end, f"not within {seconds} s: {last!r}"
        time.sleep(3)


def received(host):
    """Out: what came to the operator so far."""
    text = host.run(f"cat {NOTES}").stdout
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module", autouse=True)
def operator(host):
    """Somebody who gets mail and webhooks."""
    host.check_output("mkdir -p /root/tests")
    host.run("rm -f " + NOTES)
    host.check_output(
        f"cat > /root/tests/receiver.py <<'EOF'\n{(HERE / 'receiver.py').read_text(encoding='utf-8')}\nEOF"
    )
    host.check_output(f"systemd-run --collect --unit operator python3 /root/tests/receiver.py {NOTES}")
    yield
    host.run("systemctl stop operator")


def test_every_target_is_up(host):
    wait_until(lambda: not query(host, "up == 0") and len(query(host, "up")) >= 6, 60)


def test_a_message_goes_round_every_interval(host):
    wait_until(lambda: query(host, "xmpp_round_trip_success == 1"), 60)
    assert not query(host, "xmpp_probe_success == 0")
    assert len(query(host, "xmpp_probe_success")) == 10
    assert len(query(host, "xmpp_certificate_expiry_timestamp_seconds")) == 6


def test_a_load_balancer_is_told_that_clients_can_sign_in(host):
    assert "can sign in" in fetch(host, "http://127.0.0.1:9102/")


def test_only_loopback_is_listened_on(host):
    open_to_others = [
        socket
        for socket in host.socket.get_listening_sockets()
        if socket.rpartition(":")[2] in ("9090", "9093", "9094", "9100", "9102", "9187", "9199")
        and "127.0.0.1" not in socket
    ]
    assert open_to_others == []


def test_rules_of_the_host_are_those_of_the_role(host):
    host.check_output("promtool check config /etc/prometheus/prometheus.yml")
    names = {rule["alert"] for group in rules() for rule in group["rules"] if "alert" in rule}
    loaded = json.loads(fetch(host, "http://127.0.0.1:9090/api/v1/rules?type=alert"))["data"]["groups"]
    assert {rule["name"] for group in loaded for rule in group["rules"]} == names
    assert all(rule["health"] == "ok" for group in loaded for rule in group["rules"])


def rules():
    """Out: the groups of rules."""
    return yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]


def test_every_alert_fires_by_its_fault_alone(host):
    """promtool test rules, with the promtool of the host."""
    for path in (RULES, HERE / "rules_test.yml"):
        host.check_output(f"cat > /root/tests/{path.name} <<'EOF'\n{path.read_text(encoding='utf-8')}\nEOF")
    done = host.run("cd /root/tests && promtool test rules rules_test.yml")
    assert done.rc == 0, done.stdout + done.stderr


def test_every_metric_of_every_rule_exists(host):
    wanted = set().union(*(metric_names(rule["expr"]) for group in rules() for rule in group["rules"]))
    assert len(wanted) > 25
    wait_until(lambda: query(host, "xmpp:messages:rate5m"), 60)
    names = set(json.loads(fetch(host, "http://127.0.0.1:9090/api/v1/label/__name__/values"))["data"])
    assert wanted - names == set()


def test_no_panel_is_empty(host):
    panels = [panel for page in yaml.safe_load(PANELS.read_text(encoding="utf-8")) for panel in page["panels"]]
    expressions = [one["expr"] for panel in panels for one in panel["queries"]]
    wait_until(lambda: query(host, "prosody_mod_c2s__connections"), 60)
    wait_until(lambda: not [one for one in expressions if not query(host, one)], 60)


def test_pages_are_served(host):
    for page in yaml.safe_load(PANELS.read_text(encoding="utf-8")):
        text = fetch(host, f"http://127.0.0.1:9090/consoles/{page['name']}.html")
        assert all(panel["title"] in text for panel in page["panels"])
        assert "<no value>" not in text


def test_no_password_is_readable_or_in_the_journal(host):
    for path in SECRETS.glob("probe_*"):
        secret = path.read_text(encoding="utf-8").strip()
        assert host.run(f"su -s /bin/sh nobody -c 'grep -rlsF -e {secret} /etc /usr/local /var/lib'").stdout == ""
        assert host.run(f"journalctl --no-pager | grep -F -c -e {secret}").stdout.strip() == "0"


def test_it_is_small(host):
    """Memory of what runs all the time. Processor time is asked of the control groups, over twenty seconds."""
    pids = [host.check_output(f"systemctl show -P MainPID {unit}") for unit in OWN_UNITS]
    kilobytes = sum(int(host.check_output(f"awk '/^VmRSS/ {{print $2}}' /proc/{pid}/status")) for pid in pids)
    assert kilobytes < 300 * 1024, kilobytes


def test_a_check_changes_nothing():
    playbook("site", "--check", "--tags", "monitoring").assert_unchanged()


def test_what_breaks_is_told_and_what_is_repaired_is_told_too(host):
    """coturn and the database first, then Prosody itself, over which no message can come then."""
    host.check_output("systemctl stop coturn")
    host.check_output("systemctl stop postgresql@17-main")
    first = {"XmppServiceDown", "XmppTurnFailing", "XmppDatabaseGone", "XmppRoundTripFailing"}
    wait_until(lambda: first <= firing(host), 100)
    host.check_output("systemctl stop prosody")
    second = {"XmppPortFailing", "XmppFederationFailing", "XmppTargetDown"}
    wait_until(lambda: second <= firing(host), 100)
    assert host.run("python3 -c %s http://127.0.0.1:9102/", FETCH).rc != 0
    for kind in ("alerts", "mail"):
        wait_until(lambda kind=kind: all(told(host, kind, name) for name in first | second), 30)

    host.check_output("systemctl start postgresql@17-main")
    host.check_output("systemctl start coturn")
    host.check_output("systemctl start prosody")
    wait_until(lambda: not firing(host) & (first | second), 120)
    wait_until(lambda: any('"status":"resolved"' in one["text"] for one in received(host)), 30)


def told(host, kind, name):
    """Whether an alert came to the operator."""
    return any(one["kind"] == kind and name in one["text"] for one in received(host))


def test_alerts_come_as_xmpp_messages(host):
    """Once Prosody is there again, the account that sends alerts signs in by itself."""
    wait_until(lambda: query(host, "xmpp_online == 1"), 60)
    host.check_output("systemctl stop coturn")
    try:
        wait_until(lambda: "XmppTurnFailing" in firing(host), 100)
        count = (
            'runuser -u postgres -- psql -AtX prosody -c "SELECT count(*) FROM prosodyarchive '
            "WHERE \\\"user\\\" = 'admin' AND strpos(value, 'XmppTurnFailing') > 0\""
        )
        wait_until(lambda: int(host.check_output(f"cd / && {count}")) > 0, 30)
    finally:
        host.check_output("systemctl start coturn")


def test_a_sign_of_life_is_sent(host):
    assert told(host, "heartbeat", "XmppWatchdog")
