# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold where everything is on one host and watched. That alerts fire is shown in test_alerts.py."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.tests.scenario import faults
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT, playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.promql import metric_names
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until, wait_until_empty
from ansible_collections.allthingslinux.xmpp.tests.scenario.watched import fetch, put, query

HERE = Path(__file__).parent
SECRETS = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent / ".secrets"
RULES = ROOT / "roles/monitoring/files/rules/xmpp.yml"
PANELS = ROOT / "roles/monitoring/files/panels/xmpp.yml"
DEFAULTS = ROOT / "roles/monitoring/defaults/main.yml"
FIGURES = "/var/lib/xmpp-monitoring/services.prom"

pytestmark = pytest.mark.usefixtures("receiver")


def test_every_target_is_up(host):
    wait_until(lambda: not query(host, "up == 0") and len(query(host, "up")) >= 6, 60)


def test_a_message_goes_round_every_interval(host):
    wait_until(lambda: query(host, "xmpp_round_trip_success == 1"), 60)
    assert not query(host, "xmpp_probe_success == 0")
    assert len(query(host, "xmpp_probe_success")) == 10
    assert len(query(host, "xmpp_certificate_expiry_timestamp_seconds")) == 6


def test_the_key_exchange_of_every_port_is_known(host):
    """coturn of Debian 13 has TLS 1.2 and the classic ones alone."""
    wait_until(lambda: len(query(host, "xmpp_tls_post_quantum")) >= 6, 60)
    found = {
        one["metric"]["probe"]: (one["metric"]["group"], one["value"][1])
        for one in query(host, "xmpp_tls_post_quantum")
    }
    assert found.pop("turn_tls") == ("TLSv1.2", "0")
    assert found == dict.fromkeys(("c2s", "c2s_tls", "s2s", "s2s_tls", "https"), ("X25519MLKEM768", "1"))


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

    def loaded():
        groups = json.loads(fetch(host, "http://127.0.0.1:9090/api/v1/rules?type=alert"))["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    assert {rule["name"] for rule in loaded()} == names
    # unknown, until they are looked at for the first time
    wait_until(lambda: all(rule["health"] == "ok" for rule in loaded()), 30)


def rules():
    """Out: the groups of rules."""
    return yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]


def test_every_alert_fires_by_its_fault_alone(host):
    """promtool test rules, with the promtool of the host."""
    for path in (RULES, HERE / "rules_test.yml"):
        put(host, f"/root/tests/{path.name}", path.read_text(encoding="utf-8"))
    done = host.run("cd /root/tests && promtool test rules rules_test.yml")
    assert done.rc == 0, done.stdout + done.stderr


def test_every_metric_of_every_rule_exists(host):
    # those of a drill are there when there was one; the index is looked at by a timer
    # one after the other: a drill has nothing to prove before the first backup is whole
    for unit in ("xmpp-database", "xmpp-updates", "xmpp-backup", "xmpp-backup-drill"):
        host.check_output(f"systemctl start {unit}")
    # and those of another server that fails, when one was looked for
    host.run("prosodyctl shell xmpp ping chat.localhost nowhere.invalid")
    wanted = set().union(*(metric_names(rule["expr"]) for group in rules() for rule in group["rules"]))
    assert len(wanted) > 25
    # a host with accounts in a directory has them; here a fault does (test_alerts)
    wanted -= {"prosody_mod_ldap_guard__away", "prosody_mod_ldap_guard__unreachable_total"}
    wait_until(lambda: query(host, "xmpp:messages:rate5m"), 60)

    def missing():
        names = fetch(host, "http://127.0.0.1:9090/api/v1/label/__name__/values")
        return wanted - set(json.loads(names)["data"])

    with faults.scanner_away(host, infected=0):
        wait_until_empty(missing, 60)


def test_what_asks_for_bans_is_watched_where_it_is_enabled(host):
    """As on a proxy (scenario front), with a unit that has its name."""
    unit = "/etc/systemd/system/xmpp-refusals.service"
    text = "[Service]\\nExecStart=/bin/sleep 60\\n[Install]\\nWantedBy=multi-user.target\\n"

    def figure() -> str:
        # it may not be started as often as it likes
        host.check_output("systemctl reset-failed xmpp-service-figures; systemctl start xmpp-service-figures")
        return host.run(f"grep 'xmpp_service_active.*xmpp-refusals' {FIGURES}").stdout.strip()

    assert figure() == ""
    host.check_output(f"printf '{text}' > {unit} && systemctl daemon-reload && systemctl enable xmpp-refusals")
    try:
        assert figure() == 'xmpp_service_active{unit="xmpp-refusals"} 0.0'
        host.check_output("systemctl start xmpp-refusals")
        assert figure() == 'xmpp_service_active{unit="xmpp-refusals"} 1.0'
    finally:
        host.check_output(f"systemctl disable --now xmpp-refusals; rm {unit}; systemctl daemon-reload")
    assert figure() == ""


def test_no_panel_is_empty(host):
    pages = yaml.safe_load(PANELS.read_text(encoding="utf-8"))
    # haproxy stands in scenario front, which asks for the names on its page
    pages = [page for page in pages if page["name"] != "haproxy"]
    expressions = [one["expr"] for page in pages for panel in page["panels"] for one in panel["queries"]]
    expressions += [tile["expr"] for page in pages for tile in page.get("tiles", []) if "expr" in tile]
    wait_until(lambda: query(host, "prosody_mod_c2s__connections"), 60)
    wait_until_empty(lambda: [one for one in expressions if not query(host, one)], 60)


def test_pages_are_served(host):
    pages = yaml.safe_load(PANELS.read_text(encoding="utf-8"))
    assert len(pages) > 1
    for page in [page for page in pages if page["name"] != "haproxy"]:
        text = fetch(host, f"http://127.0.0.1:9090/consoles/{page['name']}.html")
        assert all(panel["title"] in text for panel in page["panels"])
        assert all(f"<span>{tile['title']}</span>" in text for tile in page.get("tiles", []))
        assert "<no value>" not in text
        assert "no figure" not in text


def test_no_password_is_readable_or_in_the_journal(host):
    probes = [*SECRETS.glob("probe_*")]
    assert probes
    for path in probes:
        secret = path.read_text(encoding="utf-8").strip()
        # the line of the account itself shows that it has looked
        found = host.run(
            f"su -s /bin/sh nobody -c 'grep -rlsF -e {secret} -e nobody:x: /etc /usr/local /var/lib'"
        ).stdout
        assert set(found.split()) - {"/etc/passwd-"} == {"/etc/passwd"}
        assert host.run(f"journalctl --no-pager | grep -F -c -e {secret}").stdout.strip() == "0"


def test_relays_and_traffic_of_calls_are_counted(host):
    """Five relays as clients of calls get them, held for some seconds, and given back."""
    put(host, f"{faults.PROGRAMS}/users.py", (HERE / "users.py").read_text(encoding="utf-8"))

    def figure(name):
        host.check_output("systemctl reset-failed xmpp-service-figures; systemctl start xmpp-service-figures")
        line = host.check_output(f"grep '^{name}{{unit=.coturn.}}' {FIGURES}")
        return float(line.rpartition(" ")[2])

    relays = "xmpp_turn_relays"
    before = figure("xmpp_service_received_bytes_total"), figure("xmpp_service_sent_bytes_total")
    # the probes have one at times
    others = figure(relays)
    with faults.users(host, "calls", "relays", "5", "60"):
        wait_until(lambda: figure(relays) >= others + 3, 30)
        wait_until(lambda: query(host, f"{relays} >= {others + 3}"), 30)
    wait_until(lambda: figure(relays) <= others, 30)
    after = figure("xmpp_service_received_bytes_total"), figure("xmpp_service_sent_bytes_total")
    # five times three questions and their answers, 28 bytes and more each
    assert all(300 < now - then < 1_000_000 for then, now in zip(before, after)), (before, after)


def own_units(host):
    """Out: the services of monitoring that run all the time, and those that timers start → how often, in seconds."""
    patterns = "'prometheus*.{0}' 'xmpp-*.{0}'"
    listed = "systemctl list-units --no-legend --plain --state active"
    timers = host.check_output(f"{listed} {patterns.format('timer')} | cut -d ' ' -f 1").split()
    regular = {}
    for timer in timers:
        every = host.check_output(f"systemctl cat {timer} | sed -n 's/^OnUnitActiveSec=//p' | tail -n 1")
        if every:  # backups come by the calendar, and belong to another role
            regular[timer.removesuffix(".timer")] = int(every)
    running = host.check_output(f"{listed} {patterns.format('service')} | cut -d ' ' -f 1").split()
    return sorted({unit.removesuffix(".service") for unit in running} - set(regular)), regular


def test_it_is_small(host):
    """Memory of what runs all the time; the programs of timers are gone again after half a second."""
    kilobytes = {}
    for unit in own_units(host)[0]:
        pid = host.check_output(f"systemctl show -P MainPID {unit}")
        kilobytes[unit] = int(host.check_output(f"awk '/^VmRSS/ {{print $2}}' /proc/{pid}/status"))
        print(f"{unit:32} {kilobytes[unit] * 1.024e-3:6.1f} MB")
    print(f"{'all':32} {sum(kilobytes.values()) * 1.024e-3:6.1f} MB")
    assert len(kilobytes) >= 6
    assert sum(kilobytes.values()) * 1.024e-3 < 300, kilobytes


@pytest.fixture
def usual_intervals(host):
    """Prometheus collects and looks at rules as often as the role has it do, and not as often as this scenario."""
    path, usual = "/etc/prometheus/prometheus.yml", yaml.safe_load(DEFAULTS.read_text(encoding="utf-8"))
    every = usual["monitoring_scrape_interval"]
    host.check_output(f"cp -p {path} /root/tests/prometheus.before")
    try:
        host.check_output(f"sed -Ei 's/^( *(scrape|evaluation)_interval:).*/\\1 {every}s/' {path}")
        host.check_output("systemctl reload prometheus")
        yield every, {"xmpp-probe": usual["monitoring_probe_interval"]}
    finally:
        host.check_output(f"mv /root/tests/prometheus.before {path} && systemctl reload prometheus")


def test_it_leaves_the_processor_to_others(host, usual_intervals):
    """Processor time from the control groups: from one fetch to the next, and of a run of each program."""
    every, usual = usual_intervals

    def used(unit):
        return int(host.check_output(f"systemctl show -P CPUUsageNSec {unit}")) / 1e9

    running, regular = own_units(host)
    assert set(usual) <= set(regular)
    assert {"prometheus", "prometheus-alertmanager", "prometheus-node-exporter"} <= set(running)
    time.sleep(5)  # what reading the configuration takes is not counted
    began, before = time.monotonic(), {unit: used(unit) for unit in running}
    time.sleep(every)
    took, after = time.monotonic() - began, {unit: used(unit) for unit in running}
    share = {unit: (after[unit] - before[unit]) / took for unit in running}
    for unit, seconds in regular.items():
        host.check_output(f"systemctl start {unit}")
        share[unit] = used(unit) / usual.get(unit, seconds)
    for unit, part in sorted(share.items(), key=lambda entry: -entry[1]):
        print(f"{unit:32} {part:7.3%} of one core")
    print(f"{'all':32} {sum(share.values()):7.3%} of one core")
    assert all(share[unit] > 0 for unit in regular)
    assert sum(share.values()) < 0.03, share


def test_a_check_changes_nothing(host):
    # the tests have apt at rest, which a deployment has at work
    timers = "apt-daily.timer apt-daily-upgrade.timer"
    host.check_output(f"systemctl start {timers}")
    try:
        playbook("site", "--check", "--tags", "monitoring").assert_unchanged()
    finally:
        host.check_output(f"systemctl stop {timers}")


def test_a_watcher_that_was_started_and_does_not_answer_fails_the_run(host):
    """As one that ends by what it was given: systemd has called it started by then."""
    answers = str(Path(__file__).with_name("answers.yml"))
    playbook(answers).assert_ok()
    host.check_output("systemctl stop prometheus-alertmanager")
    try:
        run = playbook(answers)
    finally:
        host.check_output("systemctl start prometheus-alertmanager")
    assert run.code != 0
    assert "prometheus-alertmanager was started and does not answer" in run.output
