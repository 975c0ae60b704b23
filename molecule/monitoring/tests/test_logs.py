# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of the services get to a file, a syslog receiver and an HTTP receiver.

All of them do, as JSON, and nothing private with them.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from datetime import datetime
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.exposure import exposure
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until

HERE = Path(__file__).parent
FILE = "/var/log/xmpp/services.jsonl"
SYSLOG = "/var/lib/logs-receiver/syslog"
HTTP = "/var/lib/logs-receiver/http"
RECEIVERS = "receiver-syslog receiver-http"
CONFIG = "/etc/xmpp/monitoring/logs.conf"
TOKEN = "a-token-of-the-scenario"


def lines_of(host, path):
    """Out: the lines of JSON that came to a receiver, in the order in which they came."""
    texts = host.check_output(f"cat {path}").splitlines()
    return [text.partition("\t")[2] if path == SYSLOG else text for text in texts]


def entries(host, path=FILE):
    """Out: what came to a receiver, read."""
    return [json.loads(line) for line in lines_of(host, path)]


def ask_nginx(host, word, times=1):
    """Make nginx log so many requests with a word for a path, which nothing else logs."""
    fetch = (
        "import http.client as h, sys\n"
        "for _ in range(int(sys.argv[2])):\n"
        "    c = h.HTTPSConnection('logs.example.org'); c.request('GET', '/' + sys.argv[1]); c.getresponse().read()"
    )
    host.check_output("python3 -c %s %s %s", fetch, word, str(times))


def word():
    """Out: a path that the log may have, as it is only letters."""
    return "w" + "".join(chr(97 + secrets.randbelow(26)) for _letter in range(12))


def came_to(host, path, text):
    """Out: how many lines with this text came to a receiver."""
    return int(host.run("grep -c -F -e %s %s", text, path).stdout.strip() or 0)


@pytest.fixture(scope="module", autouse=True)
def running(host):
    """Both receivers are there, and have what was sent until now."""
    host.check_output(f"systemctl start {RECEIVERS}")
    end = word()
    ask_nginx(host, end, times=20)
    for path in (FILE, SYSLOG, HTTP):
        wait_until(lambda path=path: came_to(host, path, end) == 20, 25)


@pytest.mark.parametrize("path", [FILE, SYSLOG, HTTP])
def test_a_line_has_the_fields_that_are_documented(host, path):
    documented = {"time", "host", "service", "level", "pid", "message", "source", "http"}
    found = entries(host, path)
    assert len(found) >= 20
    for entry in found:
        assert set(entry) - {"source", "http"} == documented - {"source", "http"}, entry
        assert set(entry) <= documented, entry
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", entry["time"]), entry
        assert entry["host"] == "xmpp-monitoring"
        assert entry["service"] in ("prosody", "coturn", "postgresql@17-main", "nginx"), entry
        assert entry["level"] in ("info", "notice", "warning", "err", "crit", "alert", "emerg"), entry
        assert isinstance(entry["pid"], int)


def test_what_can_be_told_apart_is(host):
    path = word()
    ask_nginx(host, f"{path}/what-follows?and=this")
    wait_until(lambda: came_to(host, FILE, path), 10)
    request = next(entry for entry in entries(host) if path in entry["message"])
    assert request["http"]["path"] == f"/{path}"
    assert request["http"]["method"] == "GET"
    assert isinstance(request["http"]["status"], int)
    assert isinstance(request["http"]["seconds"], float)
    assert request["message"] == f"GET /{path} {request['http']['status']}"
    wait_until(lambda: came_to(host, FILE, "Authenticated as xmpp-probe-"), 30)
    signed_in = next(entry for entry in entries(host) if entry["message"].startswith("Authenticated as xmpp-probe-"))
    assert signed_in["service"] == "prosody"
    assert signed_in["source"].startswith("c2s")


def test_what_systemd_says_of_a_service_is_shipped_and_of_others_is_not(host):
    host.check_output("systemctl restart nginx && systemctl restart prometheus-nginx-exporter")
    wait_until(lambda: came_to(host, FILE, "Stopped nginx.service"), 10)
    stopped = next(entry for entry in entries(host) if entry["message"].startswith("Stopped nginx.service"))
    assert (stopped["service"], stopped["pid"]) == ("nginx", 1)
    assert came_to(host, FILE, "prometheus-nginx-exporter") == 0


def test_the_head_of_a_syslog_message_says_the_same(host):
    lines = host.check_output(f"cat {SYSLOG}").splitlines()
    assert lines
    for text in lines:
        head, _tab, line = text.partition("\t")
        entry = json.loads(line)
        version, severity, name, service, pid = head.split(" ")
        assert (version, severity, name) == ("1", entry["level"], entry["host"])
        assert (service, pid) == (entry["service"], str(entry["pid"]))


def test_what_is_older_than_the_first_start_is_not_sent(host):
    since = int(host.check_output("grep -oE '[0-9]+' /var/lib/xmpp-logs/since.conf"))
    older = f"journalctl --no-pager --output cat --unit prosody --until @{since - 1}"
    assert host.check_output(older) != ""
    first = min(entry["time"] for path in (SYSLOG, HTTP) for entry in entries(host, path))
    assert datetime.fromisoformat(first).timestamp() >= since


def psql(host, statement):
    """Run a statement as the operator would, whether it fails or not."""
    host.run("cd / && runuser -u postgres -- psql -X -d prosody -c %s", statement)


@pytest.fixture(scope="module")
def private(host):
    """What users and operators do with something private in it. Out: what no log may have; a user name of TURN."""
    mark, name = secrets.token_hex(12), secrets.token_hex(12)
    program = (HERE / "private.py").read_text(encoding="utf-8")
    host.check_output("mkdir -p /root/tests && printf %%s %s >/root/tests/private.py", program)
    done = host.check_output(f"PYTHONPATH=/usr/local/lib/xmpp-monitoring python3 /root/tests/private.py {mark} {name}")
    told = json.loads(done)
    assert told["statuses"] == [201, 200, 200, 404, 403, 200]
    for statement in (
        f"INSERT INTO prosodyarchive(\"user\", value) VALUES ('u', '{mark}')",
        f"INSERT INTO prosodyarchive SELECT * FROM prosodyarchive WHERE value LIKE '%{mark}%' LIMIT 1",
        f"SELECT '{mark}' FROM table_that_is_not_there",
        f"SELECT pg_sleep(0.6), '{mark}'",
    ):
        psql(host, statement)
    # a message whose INSERT takes so long that it is logged as slow
    host.check_output(
        "cd / && (runuser -u postgres -- psql -X -d prosody -c %s >/dev/null 2>&1 &) ; sleep 0.5;"
        " PYTHONPATH=/usr/local/lib/xmpp-monitoring python3 /root/tests/private.py %s",
        "BEGIN; LOCK TABLE prosodyarchive IN EXCLUSIVE MODE; SELECT pg_sleep(3)",
        mark,
    )
    end = word()
    ask_nginx(host, end)
    for path in (FILE, SYSLOG, HTTP):
        wait_until(lambda path=path: came_to(host, path, end), 15)
    return [mark, *told["secrets"]], name


def test_nothing_private_is_in_any_log(host, private):
    for secret in [*private[0], TOKEN]:
        for path in (FILE, SYSLOG, HTTP):
            assert came_to(host, path, secret) == 0, path
        assert host.run("journalctl --no-pager --output cat | grep -F -e %s", secret).stdout == ""


def test_what_was_done_with_it_is(host, private):
    """So that the test before has something to look at."""
    texts = [entry["message"] for entry in entries(host)]
    assert any(re.search("ERROR: +null value in column", text) for text in texts)
    assert any(re.search("ERROR: +duplicate key value", text) for text in texts)
    assert any(re.search("ERROR: +relation .* does not exist", text) for text in texts)
    assert any(re.search(r"(?s)prosody@prosody LOG: +duration: .*INSERT INTO", text) for text in texts)
    assert "PUT /file_share 201" in texts
    assert "GET - 404" in texts
    refused = [entry for entry in entries(host) if "Cannot find credentials of user <...>" in entry["message"]]
    assert len(refused) >= 3
    assert all(entry["level"] == "err" for entry in refused)
    for path in (FILE, SYSLOG, HTTP):
        assert came_to(host, path, private[1]) == 0


def test_what_is_said_at_level_debug_stays_on_the_host(host):
    name = word()
    psql(host, f"SET log_min_messages = debug1; CREATE TABLE {name} (a int PRIMARY KEY); DROP TABLE {name}")
    end = word()
    ask_nginx(host, end)
    wait_until(lambda: came_to(host, FILE, end), 10)
    assert host.check_output(f"journalctl --no-pager --output cat --priority debug..debug | grep -c {name}") != "0"
    assert came_to(host, FILE, name) == 0


def test_a_receiver_with_another_name_in_its_certificate_gets_nothing(host):
    """wrong.example.org is the same machine."""
    mark = word()
    try:
        host.check_output(f"sed -i s/logs.example.org/wrong.example.org/ {CONFIG} && systemctl restart xmpp-logs")
        ask_nginx(host, mark)
        wait_until(lambda: came_to(host, FILE, mark), 10)
        said = "journalctl -u xmpp-logs --since -20s --no-pager --output cat"
        wait_until(
            lambda: "hostname" in host.check_output(said) and "SSL peer certificate" in host.check_output(said), 15
        )
        assert (came_to(host, SYSLOG, mark), came_to(host, HTTP, mark)) == (0, 0)
    finally:
        host.check_output(f"sed -i s/wrong.example.org/logs.example.org/ {CONFIG} && systemctl restart xmpp-logs")
    for path in (SYSLOG, HTTP):
        wait_until(lambda path=path: came_to(host, path, mark), 15)


def test_nothing_is_lost_while_receivers_are_away(host):
    """One is gone, one answers 503; meanwhile what sends is killed, and the service does not wait for any of them."""
    begin, middle, end = word(), word(), word()
    host.check_output("systemctl stop receiver-syslog; touch /var/lib/logs-receiver/busy")
    # syslog acknowledges nothing: what is written before the end of the connection is noticed is lost
    ask_nginx(host, begin)
    wait_until(lambda: came_to(host, FILE, begin), 10)
    started = time.monotonic()
    ask_nginx(host, middle, times=60)
    assert time.monotonic() - started < 10
    wait_until(lambda: came_to(host, FILE, middle) == 60, 10)
    assert (came_to(host, SYSLOG, middle), came_to(host, HTTP, middle)) == (0, 0)
    host.check_output("systemctl kill --signal KILL xmpp-logs")
    host.check_output("logrotate --force /etc/logrotate.d/xmpp-logs")
    wait_until(lambda: host.service("xmpp-logs").is_running, 10)
    ask_nginx(host, end)
    wait_until(lambda: came_to(host, FILE, end), 10)

    host.check_output("rm /var/lib/logs-receiver/busy; systemctl start receiver-syslog")
    for path in (SYSLOG, HTTP):
        wait_until(lambda path=path: came_to(host, path, end), 30)
    in_file = [line for path in (FILE + ".1", FILE) for line in lines_of(host, path)]
    for path, first in ((SYSLOG, middle), (HTTP, begin)):
        came = set(lines_of(host, path))
        numbers = [number for number, line in enumerate(in_file) if first in line or end in line]
        assert [line for line in in_file[numbers[0] : numbers[-1] + 1] if line not in came] == []
        assert came_to(host, path, middle) == 60


def test_the_file_is_rotated_and_for_few_eyes(host):
    end = word()
    ask_nginx(host, end)
    wait_until(lambda: came_to(host, FILE, end), 10)
    host.check_output("logrotate --force /etc/logrotate.d/xmpp-logs")
    after = word()
    ask_nginx(host, after)
    wait_until(lambda: came_to(host, FILE, after), 10)
    assert (came_to(host, FILE, end), came_to(host, FILE + ".1", end)) == (0, 1)
    for path in (FILE, FILE + ".1"):
        file = host.file(path)
        assert (file.user, file.group, file.mode) == ("xmpp-logs", "adm", 0o640)


def test_the_token_is_for_those_who_send(host):
    file = host.file("/etc/xmpp/monitoring/logs-secret.conf")
    assert (file.user, file.group, file.mode) == ("root", "xmpp-logs", 0o640)
    assert TOKEN not in host.check_output("cat /etc/xmpp/monitoring/logs.conf; ps -eo args")


def test_it_is_small_and_has_few_rights(host):
    pid = host.check_output("systemctl show -P MainPID xmpp-logs")
    assert int(host.check_output(f"awk '/^VmRSS/ {{print $2}}' /proc/{pid}/status")) < 40 * 1024
    assert host.check_output(f"awk '/^CapEff/ {{print $2}}' /proc/{pid}/status").strip("0") == ""
    assert host.run("systemctl is-enabled syslog-ng").stdout.strip() == "masked"
    assert not host.service("syslog-ng").is_running


@pytest.mark.parametrize(
    "name",
    ["prometheus", "prometheus-alertmanager", "prometheus-node-exporter", "prometheus-postgres-exporter", "xmpp-logs"],
)
def test_what_watches_gives_up_what_it_does_not_need(host, name):
    """As packaged they have 3.9 and more than 9. What they do in spite of it is seen in all that is tested here."""
    assert exposure(host.check_output, name) < 2.0


def test_variables_that_cannot_work_are_refused():
    refused = playbook(
        str(HERE / "refused.yml"),
        "-e",
        json.dumps(
            {
                "monitoring_logs_file": "/etc/passwd",
                "monitoring_logs_syslog": "logs.example.org",
                "monitoring_logs_http": "http://logs.example.org/ingest",
                "monitoring_logs_http_header": "a token",
                "monitoring_logs_queue_mb": 0,
                "prosody_log_to": "json",
            }
        ),
    )
    assert refused.code != 0
    for problem in (
        "no file in a directory of its own",
        "no host with a port",
        "in the clear",
        "no header of HTTP",
        "give 1 or more",
        "leave it at syslog",
    ):
        assert problem in re.sub(r"\s+", " ", refused.output), problem
