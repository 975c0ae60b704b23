# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a doctor says of our own hosts, out of what status gathers, and the report of all that was found. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils import diagnosis
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.diagnosis import Finding

_DAY = 86400
# timers make one each day: two that failed are no accident any more
_BACKUP = 2 * _DAY
# a drill restores the newest one each week
_DRILL = 15 * _DAY
_FULL = 0.9
# docs/containers.md has them made anew each week
_OLD_IMAGES = 30


def hosts(status: Mapping[str, Any], now: float) -> list[dict[str, str]]:
    """Return findings about the hosts of an inventory. status: as filter xmpp_status has it as data."""
    found = [*_running(status), *_packages(status), *_room(status), *_backups(status, now), *_watched(status, now)]
    return [one.as_dict() for one in diagnosis.in_order(found)]


def _running(status: Mapping[str, Any]) -> Iterator[Finding]:
    for host in status["unreachable"]:
        text = "Nothing is known of it: it may be down, or this machine may not get in."
        yield Finding("host_unreachable", "fault", host, "does not answer to Ansible", text, f"ansible -m ping {host}")
    for host, one in status["prosody"].items():
        if not one["running"]:
            mend = _started_by(status, host) + "systemctl status prosody; journalctl -u prosody -n 100"
            yield Finding("prosody_down", "fault", host, "Prosody does not run", "Nobody is served.", mend)
        for problem in one["problems"]:
            text = "What this module does is not done."
            yield Finding("module_problem", "weak", host, problem, text, "journalctl -u prosody -n 100")
    for host, units in status["services"].items():
        for name, state in units.items():
            if state != "active" and name != "prosody":
                mend = f"systemctl status {name}; journalctl -u {name} -n 50"
                if state in ("inactive", "failed"):
                    mend = _started_by(status, host) + mend
                yield Finding(
                    "service_down", "fault", f"{host} {name}", f"is {state}", "What it serves is missing.", mend
                )
    for line in status["drift"]["running"]:
        host, _colon, what = line.partition(": ")
        text = "What runs is not what was deployed: after a restart it is different again."
        yield Finding("drift_running", "weak", host, what, text, "bin/xmpp deploy INVENTORY")
    last = status["drift"]["last_run"]
    if last and last["changes"]:
        seen = f"{last['changes']} changes in the drift run of {_day(last['at'])}"
        text = "Somebody changed something by hand, or the inventory was not deployed."
        yield Finding(
            "drift_found",
            "weak",
            "hosts",
            seen,
            text,
            "bin/xmpp drift INVENTORY --diff shows it; bin/xmpp deploy INVENTORY mends it",
        )


def _started_by(status: Mapping[str, Any], host: str) -> str:
    """Return what starts a container: of several that an engine starts at once it may leave some out, for ever."""
    return "bin/xmpp deploy INVENTORY starts it again; " if host in status["images_age"] else ""


def _packages(status: Mapping[str, Any]) -> Iterator[Finding]:
    for host, found in status["packages"].items():
        for name, one in found.items():
            if not one["newer"]:
                continue
            seen = f"{one['installed']}, there is {one['newer']}"
            where = f"{host} {name}"
            mend = f"apt-get install --only-upgrade {name}"
            if one["security"]:
                text = "A hole that everybody knows of is open."
                yield Finding("security_update", "fault", where, seen, text, mend)
            else:
                yield Finding("package_update", "note", where, seen, "Faults that were mended are still there.", mend)
    for host, age in status["lists_age"].items():
        if age is None or age > 2 * _DAY:
            seen = "has no package lists" if age is None else f"its package lists are {int(age // _DAY)} days old"
            text = "Whether there are security updates is not known."
            yield Finding("packages_unknown", "weak", host, seen, text, "apt-get update; is apt-daily.timer on?")
    for host, age in status["images_age"].items():
        if age is not None and age > _OLD_IMAGES * _DAY:
            seen = f"images with the packages of {int(age // _DAY)} days ago"
            text = "There may be holes in them that everybody knows of."
            yield Finding("images_old", "weak", host, seen, text, "bin/xmpp refresh INVENTORY")


def _room(status: Mapping[str, Any]) -> Iterator[Finding]:
    for host, disks in status["disks"].items():
        for one in disks:
            used = 1 - one["free"] / one["size"] if one["size"] else 0
            if used > _FULL:
                text = "When it is full, messages and uploads are lost, and PostgreSQL stops."
                mend = f"du -xh --max-depth=2 {one['path']} | sort -h | tail"
                yield Finding("disk_full", "fault", f"{host} {one['path']}", f"{used:.0%} used", text, mend)
    for one in status["certificates"]:
        if one["error"]:
            text = "Prosody may not be able to use it either."
            yield Finding(
                "certificate_unreadable",
                "weak",
                f"{one['host']} {one['name']}",
                str(one["error"]),
                text,
                "prosodyctl check certs",
            )


def _backups(status: Mapping[str, Any], now: float) -> Iterator[Finding]:
    mend = "bin/xmpp backup INVENTORY; journalctl -u 'xmpp-backup*' -n 100"
    if status["services"] and not status["last_backup"]:
        text = "What is lost is lost for ever."
        yield Finding("backup_absent", "fault", "hosts", "no host makes backups", text, "Group backup: docs/backup.md")
    for host, one in status["last_backup"].items():
        if not one["at"]:
            yield Finding(
                "backup_none_good", "fault", host, "no backup was ever good", "What is lost is lost for ever.", mend
            )
        elif now - one["at"] > _BACKUP:
            text = "All that came since would be lost."
            yield Finding("backup_old", "fault", host, f"the newest good one is of {_day(one['at'])}", text, mend)
        for problem in one["problems"]:
            yield Finding("backup_failed", "weak", host, problem, "The next may fail as well.", mend)
        text = "Whether they can be brought back is not known."
        prove = "bin/xmpp backup INVENTORY --prove"
        for problem in one["unproved"]:
            yield Finding("backup_damaged", "fault", host, problem, "What it has cannot all be brought back.", prove)
        if one["at"] and not one["unproved"] and (not one["proved"] or now - one["proved"] > _DRILL):
            seen = f"restored and compared the last time {_day(one['proved'])}" if one["proved"] else "never restored"
            yield Finding("backup_unproved", "weak", host, seen, text, prove)


def _watched(status: Mapping[str, Any], now: float) -> Iterator[Finding]:
    last = status["last_check"]
    if last and last["good"] < last["of"]:
        seen = f"{last['good']} of {last['of']} good, {_day(last['at'])}, by {last['by']}"
        yield Finding(
            "check_failed",
            "fault",
            "clients",
            seen,
            "Something that users do does not work.",
            "bin/xmpp check INVENTORY",
        )
    if status["alerts"] is None and status["services"]:
        text = "Whoever uses the service sees first that it is down."
        yield Finding(
            "nobody_watches", "note", "hosts", "no monitoring answers", text, "Group monitoring: docs/monitoring.md"
        )
    for one in status["alerts"] or ():
        level = "fault" if one["severity"] == "critical" else "weak"
        where = f"{one['name']} {one['where']}".strip()
        yield Finding(
            "alert_fires", level, where, one["severity"], "See its chapter.", f"docs/runbook.md, {one['name']}"
        )


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M")


def report(
    domains: Mapping[str, Mapping[str, Any]],
    records: Iterable[Mapping[str, Any]] = (),
    about_hosts: Sequence[Mapping[str, Any]] = (),
    before: Mapping[str, Any] | None = None,
    now: float = 0,
) -> dict[str, Any]:
    """Return all that was found. domains: result of module xmpp_doctor for each; records: findings of xmpp_dns_info.

    before: an earlier report, with which `changes` are told; nothing without one.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in [*records, *(each for domain in domains.values() for each in domain["findings"]), *about_hosts]:
        found.setdefault((one["name"], one["where"]), dict(one))
    all_found = sorted(found.values(), key=lambda one: diagnosis.LEVELS.index(one["level"]))
    told: dict[str, Any] = {
        "at": datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "findings": all_found,
        "domains": {name: one["seen"] for name, one in domains.items()},
        "good": not diagnosis.counts(all_found),
    }
    if before is not None:
        told["changes"] = diagnosis.changes(all_found, before.get("findings") or [])
        told["good"] = not diagnosis.counts([*told["changes"]["new"], *told["changes"]["gone"]])
    return told


def lines(told: Mapping[str, Any]) -> list[str]:
    """Return what an operator reads of a report; nothing where it tells changes and there are none."""
    if "changes" in told:
        new, gone = (told["changes"][name] for name in ("new", "gone"))
        said = diagnosis.lines(new) + [f"GONE    {one['where']}: {one['seen']} ({one['name']})" for one in gone]
        return [f"Since the last look, {told['at']}:", *said] if said else []
    said = []
    for name, seen in told["domains"].items():
        said += [name, *_seen(seen), ""]
    count = {level: len([one for one in told["findings"] if one["level"] == level]) for level in diagnosis.LEVELS}
    said += diagnosis.lines(told["findings"])
    said += ["", ", ".join(f"{number} {_PLURAL[level][number != 1]}" for level, number in count.items())]
    return said


_PLURAL = {"fault": ("fault", "faults"), "weak": ("weakness", "weaknesses"), "note": ("note", "notes")}


def _seen(seen: Mapping[str, Any]) -> Iterator[str]:
    for one in seen["ports"]:
        if one["works"]:
            group = one["key_exchange"] or "key exchange not seen"
            how = f"{' '.join(one['protocols'])}, {group}, until {_day(one['expires'])}"
            yield f"  {one['service']:8}{one['target']} {one['address']} port {one['port']}: {how}"
    if not seen["ports"]:
        yield "  no port of it was looked at from outside"
        return
    reached = ", ".join(f"{name} {one['level']}" for name, one in seen["compliance"].items())
    yield f"  XEP-0479 {reached}"
    unseen = [name for one in seen["compliance"].values() for name in one["not_seen"]]
    account = f"account {seen['account']}" + (f": {len(unseen)} rows of XEP-0479 were not seen" if unseen else "")
    yield f"  registration: {seen['registration']}; {account}"
