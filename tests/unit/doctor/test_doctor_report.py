# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the doctor says of our own hosts, and the report of all that was found."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.filter.doctor import FilterModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.doctor import judge
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import doctor, status
from ansible_collections.allthingslinux.xmpp.tests.unit.doctor.test_judge import NOW, right

FILTERS = FilterModule().filters()
doctor_report, doctor_lines = FILTERS["doctor_report"], FILTERS["doctor_lines"]
HOUR = 3600.0
WELL: dict[str, Any] = {
    "hosts": {
        "one": {
            "units": {"prosody": "active", "nginx": "active"},
            "packages": {"prosody": {"installed": "13.0.1-1", "newer": "", "security": False}},
            "lists_age": 3600,
            "disks": [{"path": "/", "size": 100, "free": 50}],
        }
    },
    "prosody": {"one": {"running": True, "version": "13.0.1", "uptime": 5, "hosts": {"example.org": {}}}},
    "backups": {
        "one": {
            "backup": {"ended": NOW - HOUR, "parts": {}},
            "last_success": {"database": NOW - HOUR, "uploads": NOW - HOUR},
            "verified": NOW - 24 * HOUR,
        }
    },
    "alerts": [],
    "records": [{"at": NOW - HOUR, "proved": ["ok one", "ok two"]}],
    "drift": {"at": NOW - HOUR, "changed": {"one": 0}},
}


def planted(change: Callable[[dict[str, Any]], Any]) -> list[tuple[str, str, str]]:
    seen = deepcopy(WELL)
    change(seen)
    found = doctor.hosts(status.gathered(seen, NOW), NOW)
    return [(one["name"], one["level"], one["where"]) for one in found]


def newer(security: bool) -> dict[str, Any]:
    return {"prosody": {"installed": "13.0.1-1", "newer": "13.0.1-2", "security": security}}


def test_what_runs_in_a_container_is_started_by_a_deployment() -> None:
    def mends(contained: bool) -> list[str]:
        seen = deepcopy(WELL)
        seen["prosody"]["one"]["running"] = False
        seen["hosts"]["one"].update(contained=contained, installed_age=9)
        seen["hosts"]["one"]["units"].update(keeper="inactive", coturn="unhealthy")
        found = doctor.hosts(status.gathered(seen, NOW), NOW)
        return [one["mend"][:41] for one in found if one["name"] in ("prosody_down", "service_down")]

    assert mends(True).count("bin/xmpp deploy INVENTORY starts it again") == 2
    assert len(mends(False)) == 3
    assert not [one for one in mends(False) if "deploy" in one]


FAULTS: list[tuple[Callable[[dict[str, Any]], Any], tuple[str, str, str]]] = [
    (lambda seen: seen.update(unreachable=["two"]), ("host_unreachable", "fault", "two")),
    (lambda seen: seen["prosody"]["one"].update(running=False), ("prosody_down", "fault", "one")),
    (
        lambda seen: seen["prosody"]["one"].update(problems=[{"module": "muc", "host": "m", "message": "error"}]),
        ("module_problem", "weak", "one"),
    ),
    (lambda seen: seen["hosts"]["one"]["units"].update(nginx="failed"), ("service_down", "fault", "one nginx")),
    (
        lambda seen: seen["prosody"]["one"].update(drift={"load": [{"module": "muc", "host": "m.example.org"}]}),
        ("drift_running", "weak", "one"),
    ),
    (lambda seen: seen["drift"].update(changed={"one": 2}), ("drift_found", "weak", "hosts")),
    (lambda seen: seen["hosts"]["one"].update(packages=newer(True)), ("security_update", "fault", "one prosody")),
    (lambda seen: seen["hosts"]["one"].update(packages=newer(False)), ("package_update", "note", "one prosody")),
    (lambda seen: seen["hosts"]["one"].update(lists_age=9 * 86400), ("packages_unknown", "weak", "one")),
    (lambda seen: seen["hosts"]["one"].update(lists_age=None), ("packages_unknown", "weak", "one")),
    (
        lambda seen: seen["hosts"]["one"].update(contained=True, lists_age=None, installed_age=31 * 86400),
        ("images_old", "weak", "one"),
    ),
    (
        lambda seen: seen["hosts"]["one"].update(disks=[{"path": "/", "size": 100, "free": 5}]),
        ("disk_full", "fault", "one /"),
    ),
    (
        lambda seen: seen["prosody"]["one"].update(certificates={"/a/b.crt": {"error": "no certificate in it"}}),
        ("certificate_unreadable", "weak", "one b"),
    ),
    (lambda seen: seen.update(backups={}), ("backup_absent", "fault", "hosts")),
    (lambda seen: seen["backups"]["one"].update(last_success={}), ("backup_none_good", "fault", "one")),
    (
        lambda seen: seen["backups"]["one"].update(last_success={"database": NOW - 72 * HOUR}),
        ("backup_old", "fault", "one"),
    ),
    (lambda seen: seen["backups"]["one"]["backup"].update(problems=["full"]), ("backup_failed", "weak", "one")),
    (lambda seen: seen["backups"]["one"].update(drill={"problems": ["differs"]}), ("backup_damaged", "fault", "one")),
    (lambda seen: seen["backups"]["one"].update(verified=None), ("backup_unproved", "weak", "one")),
    (
        lambda seen: seen.update(records=[{"at": NOW, "proved": ["ok one", "FAILED two"]}]),
        ("check_failed", "fault", "clients"),
    ),
    (lambda seen: seen.update(alerts=None), ("nobody_watches", "note", "hosts")),
    (
        lambda seen: seen.update(alerts=[{"name": "XmppDown", "severity": "critical", "where": "one"}]),
        ("alert_fires", "fault", "XmppDown one"),
    ),
]


def test_hosts_that_are_well_give_nothing():
    assert planted(lambda seen: None) == []


@pytest.mark.parametrize(("change", "finding"), FAULTS, ids=[finding[0] for _change, finding in FAULTS])
def test_each_fault_gives_its_finding(change, finding):
    assert planted(change) == [finding]


def domain(**other: Any) -> dict[str, Any]:
    facts = right(**other)
    return {"findings": [one.as_dict() for one in judge.findings(facts)], "seen": judge.summary(facts)}


def test_a_report_of_a_service_that_is_right():
    told = doctor_report({"example.org": domain()}, now=NOW)
    assert told["good"] is True
    said = doctor_lines(told)
    assert said[0] == "example.org"
    assert "X25519MLKEM768" in said[1]
    assert "core advanced, web advanced, im advanced, mobile advanced, calls advanced" in "\n".join(said)
    assert said[-1] == "0 faults, 0 weaknesses, 0 notes"


def test_the_same_is_told_once_and_hosts_are_judged_too():
    facts = domain(registration="open")
    dns = [{**facts["findings"][0], "level": "fault"}]
    told = doctor_report({"example.org": facts}, dns, status.gathered({**WELL, "backups": {}}, NOW), now=NOW)
    assert [(one["name"], one["level"]) for one in told["findings"]] == [
        ("registration_open", "fault"),
        ("backup_absent", "fault"),
    ]
    assert told["good"] is False
    meant = doctor_report({}, (), status.gathered({**WELL, "backups": {}}, NOW), accept=["backup_absent"], now=NOW)
    assert meant["good"] is True


def test_only_changes_are_told_since_the_last_look():
    one, two = domain(registration="open"), domain(caa=())
    first = doctor_report({"example.org": one}, before={}, now=NOW)
    assert [each["name"] for each in first["changes"]["new"]] == ["registration_open"]
    assert first["good"] is False
    same = doctor_report({"example.org": one}, before=first, now=NOW)
    assert same["good"] is True
    assert doctor_lines(same) == []
    other = doctor_report({"example.org": two}, before=same, now=NOW)
    assert [each["name"] for each in other["changes"]["gone"]] == ["registration_open"]
    said = doctor_lines(other)
    assert any(line.startswith("GONE    example.org registration") for line in said)
    assert any("caa_absent" in line for line in said)
