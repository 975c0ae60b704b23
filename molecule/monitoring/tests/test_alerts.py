# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every alert is fired by its fault, is told to the operator, and goes when the fault is repaired.

The rules are those of the host with shorter times (tests/scenario/quickened.py); they are put back at the end.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.tests.scenario import faults
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT
from ansible_collections.allthingslinux.xmpp.tests.scenario.quickened import quickened
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from ansible_collections.allthingslinux.xmpp.tests.scenario.watched import (
    FETCH,
    fired,
    firing,
    put,
    query,
    told,
    wait_for,
    wait_until_gone,
)

HERE = Path(__file__).parent
SECRETS = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent / ".secrets"
RULES = ROOT / "roles/monitoring/files/rules/xmpp.yml"
INSTALLED = "/etc/prometheus/rules.d/xmpp.yml"

# fault → the alerts that are about it. In this order: accounts are registered while Prosody has little else to do, and
# a certificate is seen before nobody looks any more.
AT_ONCE = [
    (faults.accounts_registered, {"XmppRegistrations"}),
    (faults.greedy_service, {"XmppMemoryGrowing", "XmppFilesRunningOut"}),
    (faults.disk_filled, {"XmppDiskFilling", "XmppDiskFullSoon"}),
    (faults.memory_used, {"XmppHostMemory"}),
    (lambda host: faults.stopped(host, "operator"), {"XmppAlertsNotDelivered"}),
    (lambda host: faults.certificate_that_ends(host, SECRETS / "ca"), {"XmppCertificateExpiring"}),
    (faults.certificates_not_renewed, {"XmppCertificateNotRenewed", "XmppCertificateNotServed"}),
    (faults.probes_stopped, {"XmppProbesStopped"}),
    (
        faults.backups_failed,
        {"XmppBackupFailed", "XmppBackupLate", "XmppBackupChangesWait", "XmppBackupNotProved"},
    ),
    (faults.updates_wait, {"XmppSecurityUpdates", "XmppRebootRequired", "XmppUpdatesUnknown"}),
    (lambda host: faults.stopped(host, "nginx"), {"XmppProxyGone"}),
    (faults.logs_refused, {"XmppLogsNotShipped"}),
    (faults.killed_again_and_again, {"XmppServiceRestarting"}),
    (faults.peer_lost, {"XmppPeerFailing"}),
    (faults.block_list_lost, {"XmppBlockListMissing"}),
    (faults.scanner_away, {"XmppUploadInfected", "XmppUploadsNotScanned"}),
    (faults.directory_away, {"XmppDirectoryAway"}),
    (faults.archive_index_lost, {"XmppArchiveIndexMissing"}),
    (faults.connections_taken, {"XmppDatabaseConnections"}),
    (faults.errors_logged, {"XmppErrorsLogged"}),
    (faults.sign_ins_refused, {"XmppSignInsRefused"}),
    (faults.archive_refused, {"XmppMessagesNotArchived"}),
    (faults.messages_flood, {"XmppMessageFlood"}),
    (lambda host: faults.password_of_alerts_changed(host, password_of("alerts")), {"XmppAlertsOffline"}),
]
# by what these tests saw: fired, and gone again
SEEN: set[str] = set()

pytestmark = pytest.mark.usefixtures("receiver", "in_less_time")


def password_of(name):
    """Out: the password of an account of the scenario."""
    return (SECRETS / f"account_{name}@chat.localhost").read_text(encoding="utf-8").strip()


def every_alert():
    """Out: the alerts in the rules."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}


@pytest.fixture(scope="module")
def in_less_time(host):
    """The rules of the host, with shorter times."""
    for name in ("users.py", "greedy.py"):
        put(host, f"{faults.PROGRAMS}/{name}", (HERE / name).read_text(encoding="utf-8"))
    text = host.file(INSTALLED).content_string
    host.check_output(f"cp -p {INSTALLED} /root/tests/rules.before")
    put(host, "/root/tests/quickened.yml", quickened(text))
    host.check_output("promtool check rules /root/tests/quickened.yml")
    faults.block_list_made(host)
    try:
        host.check_output(f"cp /root/tests/quickened.yml {INSTALLED} && systemctl reload prometheus")
        wait_until_gone(host, every_alert(), 120)
        yield
    finally:
        host.check_output(f"mv /root/tests/rules.before {INSTALLED} && systemctl reload prometheus")


def fires_by(host, plant, alerts, seconds):
    """Plant faults, wait until all the alerts have fired, and repair."""
    began = time.monotonic()
    assert not firing(host) & alerts
    with contextlib.ExitStack() as planted:
        for fault in plant:
            planted.enter_context(fault(host))
        wait_for(alerts, lambda: fired(host, time.monotonic() - began), seconds)


def test_alerts_fire_by_faults_of_all_kinds_and_go_again(host):
    """First what can be broken while Prosody serves, then a slow database."""
    alerts = set().union(*(about for _fault, about in AT_ONCE))
    fires_by(host, [fault for fault, _about in AT_ONCE], alerts, 240)
    fires_by(host, [faults.archive_slow], {"XmppRoundTripSlow"}, 120)
    alerts |= {"XmppRoundTripSlow"}
    wait_until_gone(host, alerts, 120)
    SEEN.update(alerts)


def test_what_breaks_is_told_and_what_is_repaired_is_told_too(host):
    """coturn first, while messages can come; then the database, and Prosody itself. At the end they are back."""
    turn = {"XmppTurnFailing", "XmppServiceDown"}
    database = {"XmppDatabaseGone", "XmppRoundTripFailing"}
    server = {"XmppPortFailing", "XmppFederationFailing", "XmppTargetDown"}
    wait_until(lambda: query(host, "xmpp_online == 1"), 60)
    try:
        count = (
            'runuser -u postgres -- psql -AtX prosody -c "SELECT count(*) FROM prosodyarchive '
            "WHERE \\\"user\\\" = 'admin' AND strpos(value, 'XmppTurnFailing') > 0\""
        )
        before = int(host.check_output(f"cd / && {count}"))
        host.check_output("systemctl stop coturn")
        wait_for(turn, lambda: firing(host), 100)
        wait_until(lambda: int(host.check_output(f"cd / && {count}")) > before, 30)
        host.check_output("systemctl stop postgresql@17-main")
        wait_for(database, lambda: firing(host), 100)
        host.check_output("systemctl stop prosody")
        wait_for(server, lambda: firing(host), 100)
        assert host.run("python3 -c %s http://127.0.0.1:9102/", FETCH).rc != 0
        for kind in ("alerts", "mail"):
            wait_until(lambda kind=kind: all(told(host, kind, name) for name in turn | database | server), 30)
    finally:
        # modules of Prosody that read when they are loaded stay away where there is no database
        host.check_output("systemctl start postgresql@17-main coturn && systemctl start prosody")
    wait_until_gone(host, turn | database | server, 120)
    wait_until(lambda: told(host, "alerts", '"status":"resolved"'), 30)
    # the account that sends alerts signs in by itself
    wait_until(lambda: query(host, "xmpp_online == 1"), 60)
    SEEN.update(turn | database | server)


def test_a_sign_of_life_is_sent(host):
    assert told(host, "heartbeat", "XmppWatchdog")
    SEEN.add("XmppWatchdog")


def test_no_alert_is_left_out():
    """A new alert needs a fault above."""
    assert every_alert() == SEEN


def test_nothing_is_left_behind(host):
    """The next tests, and a check of the role, find the host as it was."""
    wait_until_gone(host, every_alert(), 90)
    units = host.check_output("systemctl list-units --no-legend --plain --all 'fault-*' | wc -l")
    assert (units, host.run("mount | grep -c fault").stdout.strip()) == ("0", "0")
