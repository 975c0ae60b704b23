# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator asks first, on one screen and as data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.plugins.filter.xmpp import FilterModule, xmpp_status

NOW = 1_795_000_000.0
HOST: dict[str, Any] = {
    "units": {"prosody": "active", "nginx": "failed"},
    "packages": {
        "prosody": {"installed": "13.0.1-1", "newer": "13.0.1-1+deb131u", "security": True},
        "nginx": {"installed": "1.26.3", "newer": "1.26.4", "security": False},
        "coturn": {"installed": "4.6.1", "newer": "", "security": False},
    },
    "lists_age": 60,
    "disks": [{"path": "/", "size": 100_000_000_000, "free": 5_000_000_000}],
}
PROSODY: dict[str, Any] = {
    "running": True,
    "version": "13.0.1",
    "uptime": 7300,
    "hosts": {"chat.test": {}},
    "sessions": {"c2s": 5, "s2s_in": 1, "s2s_out": 2},
    "certificates": {
        "/etc/prosody/certs/b.crt": {"seconds_left": 5 * 86400 + 10, "error": None},
        "/etc/prosody/certs/a.crt": {"seconds_left": 89 * 86400, "error": None},
        "/etc/prosody/certs/c.crt": {"seconds_left": None, "error": "permission denied"},
    },
    "failing_peers": [
        {"peer": "a.test", "host": "chat.test", "direction": "out", "since": "2026-11-18T10:06:40Z", "reason": "tls"}
        | {"text": "no cipher", "worked": "2026-11-18T09:06:40Z"},
        {"peer": "b.test", "host": "chat.test", "direction": "in", "since": "2026-11-18T11:06:00Z", "reason": "other"}
        | {"text": "said nothing", "worked": "2026-11-18T09:06:40Z"},
        {"peer": "gone.test", "host": "chat.test", "direction": "out", "since": "2026-11-18T11:06:00Z", "reason": "dns"}
        | {"text": "unable to resolve", "worked": None},
    ],
    "problems": [{"host": "chat.test", "module": "firewall", "message": "Failed to load", "status": "error"}],
    "drift": {"load": [{"host": "chat.test", "module": "ping"}], "deactivate": ["typo.test"], "unload": []},
}


def seen(**more: Any) -> dict[str, Any]:
    return {
        "hosts": {"one": HOST},
        "prosody": {"one": PROSODY},
        "databases": {"one": [["prosody", "8017587"]]},
        "alerts": [],
        **more,
    }


def screen(**more: Any) -> str:
    return "\n".join(xmpp_status(seen(**more), now=NOW))


@pytest.mark.parametrize(
    "text",
    [
        "one: Prosody 13.0.1, started 2 h ago; 5 clients, 3 connections of servers",
        "firewall on chat.test: Failed to load",
        "Other servers a.test is not reached (chat.test), since 60 min ago: tls, no cipher",
        "b.test is not let in (chat.test), since just now: other, said nothing",
        "not reached, and never known to work: gone.test",
        "one: nginx FAILED",
        "one: prosody active",
        "one: prosody 13.0.1-1 → 13.0.1-1+deb131u (SECURITY UPDATE)",
        "one: nginx 1.26.3 → 1.26.4 (newer)",
        "one: coturn 4.6.1",
        "b 5 days SOON, a 89 days, c: permission denied",
        "one: prosody 8.0 MB",
        "one: / 95% of 100 GB used FULL",
        "Last check    none yet",
        "Last backup   none yet",
        "Alerts        none",
        "one: Prosody has to load ping on chat.test",
        "one: Prosody has to deactivate typo.test",
    ],
)
def test_the_screen_says(text):
    assert text in screen()


def test_the_screen_is_one():
    assert len(screen().splitlines()) <= 24


def test_what_cannot_be_reached_and_what_does_not_run():
    text = screen(unreachable=["two"], prosody={"one": {"running": False}}, hosts={})
    assert "UNREACHABLE   two" in text
    assert "one: NOT RUNNING" in text


def test_containers_that_an_engine_left_out_are_told_with_what_starts_them():
    units = {"prosody": "active", "postgresql": "inactive", "keeper": "failed"}
    told = "one: bin/xmpp deploy INVENTORY starts again what does not run"
    assert told in screen(hosts={"one": {**HOST, "units": units, "contained": True}})
    assert "keeper FAILED" in screen(hosts={"one": {**HOST, "units": units, "contained": True}})
    assert told not in screen(hosts={"one": {**HOST, "units": units}})
    assert told not in screen(hosts={"one": {**HOST, "units": {"prosody": "unhealthy"}, "contained": True}})
    # what timers do has a container of its own, which is asked as well
    tasks = yaml.safe_load((Path(__file__).parents[3] / "playbooks/tasks/status.yml").read_text())
    assert "['keeper'] if xmpp_backend" in tasks[0]["allthingslinux.xmpp.host_condition_info"]["units"]


def test_nothing_at_all_is_not_a_crash():
    text = "\n".join(xmpp_status({}, now=NOW))
    assert "Services      not known" in text
    assert "nobody watches" in text


def test_old_package_lists_say_nothing_of_updates():
    old = {**HOST, "packages": {}, "lists_age": 9 * 86400}
    assert "the package lists are of 9 days ago" in screen(hosts={"one": old})
    assert "has no package lists" in screen(hosts={"one": {**HOST, "lists_age": None}})
    images = screen(hosts={"one": {**HOST, "lists_age": None, "contained": True, "installed_age": 9 * 86400}})
    assert "one: images with the packages of 9 days ago" in images
    assert "package lists" not in images


def test_alerts_without_the_one_that_always_fires():
    alerts = [
        {"name": "XmppWatchdog", "severity": "none", "where": ""},
        {"name": "XmppPortFailing", "severity": "critical", "where": "one"},
    ]
    text = screen(alerts=alerts)
    assert "Alerts        XmppPortFailing one (critical)" in text
    assert "Watchdog" not in text


def test_the_newest_check_counts():
    record = {"at": NOW - 600, "proved": ["ok      a", "FAILED  b", "absent  c"], "changed": {}}
    assert "Last check    10 min ago by real clients: 1 of 2 good NOT ALL" in screen(records=[record])
    both = screen(records=[record], probe=[str(NOW - 30), "10", "10"])
    assert "Last check    just now by monitoring: 10 of 10 good" in both
    assert "by real clients" in screen(records=[record], probe=[str(NOW - 6000), "10", "10"])
    assert "none yet" in screen(records=[{"at": NOW, "proved": []}])


def test_the_last_drift_run():
    told = {"at": NOW - 7200, "changed": {"one": 2, "two": 1}}
    plain = {"one": {**PROSODY, "drift": {}}}
    assert "Prosody runs as configured; the whole: 3 changes 2 h ago" in screen(prosody=plain, drift=told)
    assert "not looked for yet" in screen(prosody=plain)
    stopped = {"one": {**PROSODY, "running": False, "drift": {}}}
    assert "Prosody of one does not run; the whole: 3 changes 2 h ago" in screen(prosody=stopped, drift=told)


def test_backups_are_told():
    state = {"backup": {"ended": NOW - 60, "parts": {}, "problems": []}, "last_success": {"files": NOW - 7300}}
    assert "Last backup   one: 2 h ago; not proved by a restore yet" in screen(backups={"one": state})


def test_as_data():
    found = json.loads(json.dumps(xmpp_status(seen(), as_data=True, now=NOW)))
    assert found["prosody"]["one"]["clients"] == 5
    assert found["certificates"][0] == {"host": "one", "name": "b", "days": 5, "error": None}
    assert found["last_backup"] == {}
    assert found["at"] == "2026-11-18T11:06:40Z"


def test_the_filter_is_offered():
    assert FilterModule().filters()["xmpp_status"] is xmpp_status
