# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host that watches the others: it gets at their figures, nobody else does, and what is gone has a name."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until

NODES = {("node", f"xmpp-spread-{name}") for name in ("db", "turn", "chat", "watch")}
# URL or host:port → what a client sees there: the status, "open", or how it failed
LOOK = """
import json, socket, ssl, sys, urllib.error, urllib.request
from concurrent.futures import ThreadPoolExecutor

def look(place):
    try:
        if "://" not in place:
            socket.create_connection(place.rsplit(":", 1), 3).close()
            return "open"
        context = ssl._create_unverified_context()
        return urllib.request.urlopen(place, timeout=3, context=context).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return "closed"

with ThreadPoolExecutor(16) as pool:
    print(json.dumps(dict(zip(sys.argv[1:], pool.map(look, sys.argv[1:])))))
"""


def look(host, *places):
    """Out: place → what the host sees there."""
    return json.loads(host.check_output("python3 -c %s" + " %s" * len(places), LOOK, *places))


@pytest.fixture(scope="module")
def places(address):
    """What is for those who watch: name → place."""
    return {
        "chat's node exporter": f"{address('chat')}:9100",
        "db's node exporter": f"{address('db')}:9100",
        "db's PostgreSQL exporter": f"{address('db')}:9187",
        "Prosody's metrics": f"https://{address('chat')}:5281/metrics",
    }


def test_every_target_is_up(prometheus):
    wanted = {
        *NODES,
        ("postgresql", "xmpp-spread-db"),
        ("prosody", "xmpp-spread-chat"),
        ("prometheus", "xmpp-spread-watch"),
        ("alertmanager", "xmpp-spread-watch"),
    }
    wait_until(lambda: prometheus.targets() == dict.fromkeys(wanted, "up") or print(prometheus.targets()), 30)


def test_the_watching_host_gets_at_what_is_measured(machine, places):
    seen = look(machine("watch"), *places.values())
    assert {name: seen[place] for name, place in places.items()} == {
        "chat's node exporter": "open",
        "db's node exporter": "open",
        "db's PostgreSQL exporter": "open",
        "Prosody's metrics": 200,
    }


@pytest.mark.parametrize("other", ["turn", "db", "chat"])
def test_nobody_else_does(machine, places, other):
    """A host gets at its own, and that is no secret to it."""
    foreign = {name: place for name, place in places.items() if not name.startswith(other)}
    seen = look(machine(other), *foreign.values())
    assert {seen[place] for name, place in foreign.items() if name != "Prosody's metrics"} == {"closed"}
    assert seen[places["Prosody's metrics"]] == 403


def test_prometheus_itself_listens_on_loopback(machine, address):
    watch = address("watch")
    seen = look(machine("turn"), *(f"{watch}:{port}" for port in (9090, 9093, 9100)))
    assert set(seen.values()) == {"closed"}


def test_the_metrics_of_prosody_are_fetched_from_who_has_the_certificate_of_the_domain(machine, prometheus):
    scrape = yaml.safe_load(machine("watch").file("/etc/prometheus/scrape.d/xmpp.yml").content_string)
    [job] = [one for one in scrape["scrape_configs"] if one["job_name"].startswith("prosody")]
    assert job["tls_config"]["server_name"] == "spread.localhost"
    assert "insecure_skip_verify" not in job["tls_config"]
    assert prometheus.query('up{job="prosody"} == 1')


def test_the_service_is_used_from_the_watching_host(prometheus):
    mine = 'domain="spread.localhost",instance="xmpp-spread-watch"'
    wait_until(lambda: prometheus.query(f"xmpp_round_trip_success{{{mine}}} == 1"), 40)
    probes = prometheus.query(f"xmpp_probe_success{{{mine}}}")
    assert {one["metric"]["probe"] for one in probes if one["value"][1] == "1"} == {
        *("c2s", "c2s_tls", "s2s", "s2s_tls", "https", "http", "stun_udp", "stun_tcp", "turn_tls", "turn_relay")
    }


def test_certificates_are_seen_as_chat_and_turn_serve_them(prometheus):
    days = prometheus.query('xmpp:certificate_days{instance="xmpp-spread-watch"} > 14')
    assert {(one["metric"]["name"], one["metric"]["port"]) for one in days} == {
        *(("spread.localhost", port) for port in ("5222", "5223", "5269", "5270", "5281")),
        ("turn.spread.localhost", "5349"),
    }


def test_the_certificate_of_the_database_is_seen_by_prosody(prometheus):
    """The watching host does not get so far."""
    mine = 'probe="postgresql",port="5432",instance="xmpp-spread-chat"'
    wait_until(lambda: prometheus.query(f"xmpp:certificate_days{{{mine}}} > 14"), 40)


def test_the_answer_for_load_balancers_is_for_those_who_are_named(machine, address):
    place = f"http://{address('chat')}:9102/"
    seen = {name: look(machine(name), place)[place] for name in ("watch", "turn", "db")}
    assert seen == {"watch": 200, "turn": 200, "db": "closed"}


def test_what_is_gone_is_named_as_in_the_inventory_and_comes_back(machine, prometheus):
    gone = {"job": "postgresql", "instance": "xmpp-spread-db"}
    machine("db").check_output("systemctl stop prometheus-postgres-exporter")
    try:
        alerts = wait_until(lambda: prometheus.firing("XmppTargetDown"), 60)
        assert [{name: alert[name] for name in gone} for alert in alerts] == [gone]
    finally:
        machine("db").check_output("systemctl start prometheus-postgres-exporter")
    wait_until(lambda: not prometheus.firing("XmppTargetDown"), 30)


def test_grafana_has_the_data_source_and_the_dashboards(machine, prometheus):
    """As far as it can be seen without Grafana: whose files they are, and that the source has answers."""
    host = machine("watch")
    top = "/etc/grafana/provisioning"
    files = host.check_output(f"find {top} -type f").split()
    assert {(host.file(one).user, host.file(one).group, oct(host.file(one).mode)) for one in files} == {
        ("root", "grafana", "0o640")
    }
    [source] = yaml.safe_load(host.file(f"{top}/datasources/xmpp.yaml").content_string)["datasources"]
    assert source["url"] == f"http://127.0.0.1:{prometheus.port}"
    [provider] = yaml.safe_load(host.file(f"{top}/dashboards/xmpp.yaml").content_string)["providers"]
    dashboards = [
        json.loads(host.file(one).content_string) for one in files if one.startswith(provider["options"]["path"] + "/")
    ]
    assert {one["uid"] for one in dashboards} >= {"xmpp-overview", "xmpp-hosts", "xmpp-bridge"}
    assert {one["templating"]["list"][0]["current"]["value"] for one in dashboards} == {source["uid"]}
    queries = [target["expr"] for one in dashboards for panel in one["panels"] for target in panel.get("targets", [])]
    # scenario monitoring sees that each has something to show
    assert len([one for one in queries if prometheus.query(one)]) > 30


def test_grafana_was_restarted_once(machine):
    """Prepared, then converged; the second run found nothing to do."""
    started = machine("watch").check_output("journalctl -u grafana-server --no-pager -o cat | grep -c ^Started")
    assert started == "2"
