# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an operator asks first, as data and as one screen. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.backup import told

_WIDTH = 14


def _ago(seconds: float) -> str:
    for size, word in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {word} ago"
    return "just now" if seconds < 60 else "1 min ago"


def _bytes(number: float) -> str:
    for word in ("B", "kB", "MB", "GB", "TB"):
        if number < 1000 or word == "TB":
            return f"{number:.0f} {word}" if number >= 10 or word == "B" else f"{number:.1f} {word}"
        number /= 1000
    raise AssertionError


def _seconds(text: Any) -> float | None:
    """Read a time of a record or an answer: seconds since 1970."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def last_check(records: Iterable[Mapping[str, Any]], probe: Sequence[Any] | None) -> dict[str, Any] | None:
    """Return the newest check: when, by whom, how many of how many were good.

    records: of runs with real clients, as callback progress writes them; probe: last run of the monitoring's probes
    and how many of how many succeeded, or nothing.
    """
    found = []
    for record in records:
        lines = [str(line) for line in record.get("proved") or [] if not str(line).startswith("absent")]
        if lines:
            good = len([line for line in lines if line.startswith("ok")])
            found.append({"at": record["at"], "by": "real clients", "good": good, "of": len(lines)})
    if probe and _seconds(probe[0]) is not None:
        found.append({"at": round(float(probe[0])), "by": "monitoring", "good": int(probe[1]), "of": int(probe[2])})
    return max(found, key=lambda one: one["at"]) if found else None


def _certificates(prosody: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for host, seen in prosody.items():
        for file, one in (seen.get("certificates") or {}).items():
            name = str(file).rpartition("/")[2].removesuffix(".crt")
            left = one.get("seconds_left")
            found[f"{host} {file}"] = {
                "host": host,
                "name": name,
                "days": left // 86400 if isinstance(left, int) else None,
                "error": one.get("error"),
            }
    return sorted(found.values(), key=lambda one: (one["days"] is None, one["days"] or 0, one["name"]))


def _drift(prosody: Mapping[str, Any]) -> list[str]:
    lines = []
    for host, seen in prosody.items():
        for action, items in (seen.get("drift") or {}).items():
            for one in items:
                what = f"{one['module']} on {one['host']}" if isinstance(one, Mapping) else str(one)
                lines.append(f"{host}: Prosody has to {action} {what}")
    return lines


def gathered(seen: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Return the state of the service as data.

    seen: `hosts` and `prosody` (host → result of modules host_condition_info and prosody_info), `databases` (host →
    list of [name, bytes]), `backups` (host → what they leave on it), `alerts` (those that fire, or nothing where nobody
    watches), `probe` and `records` as of last_check, `drift` (the record of the last drift run, or nothing). now:
    seconds since 1970.
    """
    prosody = {host: one for host, one in (seen.get("prosody") or {}).items() if one.get("running") is not None}
    hosts = seen.get("hosts") or {}
    drift = seen.get("drift") or {}
    alerts = seen.get("alerts")
    return {
        "at": datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "unreachable": sorted(seen.get("unreachable") or []),
        "prosody": {
            host: {
                "running": bool(one.get("running")),
                "version": one.get("version") or "",
                "uptime": one.get("uptime") or 0,
                "clients": (one.get("sessions") or {}).get("c2s", 0),
                "servers": sum((one.get("sessions") or {}).get(way, 0) for way in ("s2s_in", "s2s_out")),
                "domains": sorted(one.get("hosts") or {}),
                "failing_peers": list(one.get("failing_peers") or []),
                "problems": [
                    f"{each['module']} on {each['host']}: {each['message']}" for each in one.get("problems") or []
                ],
            }
            for host, one in prosody.items()
        },
        "services": {host: dict(one.get("units") or {}) for host, one in hosts.items()},
        "packages": {host: dict(one.get("packages") or {}) for host, one in hosts.items()},
        "lists_age": {host: one.get("lists_age") for host, one in hosts.items() if not one.get("contained")},
        # images know no archives: what is newer is seen by making them anew
        "images_age": {host: one.get("installed_age") for host, one in hosts.items() if one.get("contained")},
        "certificates": _certificates(prosody),
        "databases": {
            host: {name: int(size) for name, size in rows} for host, rows in (seen.get("databases") or {}).items()
        },
        "disks": {host: list(one.get("disks") or []) for host, one in hosts.items()},
        "last_check": last_check(seen.get("records") or [], seen.get("probe")),
        "last_backup": told.gathered(seen.get("backups") or {}),
        # the one that always fires is there to show that alerts arrive
        "alerts": None if alerts is None else [one for one in alerts if one["severity"] != "none"],
        "drift": {
            "running": _drift(prosody),
            "last_run": {"at": drift["at"], "changes": sum(drift["changed"].values())}
            if drift.get("changed") is not None
            else None,
        },
    }


def _service_lines(status: Mapping[str, Any]) -> list[str]:
    lines = [f"UNREACHABLE   {host}" for host in status["unreachable"]]
    for host, units in status["services"].items():
        bad = [f"{name} {state.upper()}" for name, state in units.items() if state != "active"]
        good = [name for name, state in units.items() if state == "active"]
        lines += [f"{host}: {', '.join(bad)}"] if bad else []
        lines += [f"{host}: {', '.join(good)} active"] if good else []
        # nobody else does: of several that an engine starts at once it may leave some out (docs/containers.md)
        if host in status["images_age"] and {"inactive", "failed"} & set(units.values()):
            lines.append(f"{host}: bin/xmpp deploy INVENTORY starts again what does not run")
    return lines


def _version_lines(status: Mapping[str, Any]) -> list[str]:
    lines = []
    for host, found in status["packages"].items():
        newer = {name: one for name, one in found.items() if one["newer"]}
        for name, one in newer.items():
            why = "SECURITY UPDATE" if one["security"] else "newer"
            lines.append(f"{host}: {name} {one['installed']} → {one['newer']} ({why})")
        same = [f"{name} {one['installed']}" for name, one in found.items() if not one["newer"]]
        lines += [f"{host}: {', '.join(same)}"] if same else []
        if host in status["images_age"]:
            lines.append(f"{host}: images with the packages of {_ago(status['images_age'][host] or 0)}")
            continue
        age = status["lists_age"].get(host)
        if age is None:
            lines.append(f"{host}: has no package lists, so nothing is known of updates")
        elif age > 2 * 86400:
            lines.append(f"{host}: the package lists are of {_ago(age)}: what is newer is not known")
    return lines


def _peer_lines(status: Mapping[str, Any], now: float) -> list[str]:
    """A line for each server that fails and has worked; how many others, such as those of domains that are gone."""
    lines, others = [], set()
    for one in status["prosody"].values():
        for peer in one["failing_peers"]:
            if not peer["worked"]:
                others.add(peer["peer"])
                continue
            since = datetime.strptime(peer["since"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()
            what = f"{peer['peer']} is not reached" if peer["direction"] == "out" else f"{peer['peer']} is not let in"
            lines.append(f"{what} ({peer['host']}), since {_ago(now - since)}: {peer['reason']}, {peer['text']}")
    if others:
        lines.append(f"not reached, and never known to work: {', '.join(sorted(others))}")
    return lines or ["none fails" if any(one["running"] for one in status["prosody"].values()) else ""]


def _days(one: Mapping[str, Any]) -> str:
    if one["days"] is None:
        return f"{one['name']}: {one['error'] or 'cannot be read'}"
    return f"{one['name']} {one['days']} days" + (" SOON" if one["days"] < 14 else "")


def _disk_lines(status: Mapping[str, Any]) -> list[str]:
    lines = []
    for host, found in status["disks"].items():
        for one in found:
            used = 1 - one["free"] / one["size"] if one["size"] else 0
            full = " FULL" if used > 0.9 else ""
            lines.append(f"{host}: {one['path']} {used:.0%} of {_bytes(one['size'])} used{full}")
    return lines


def _check_line(status: Mapping[str, Any], now: float) -> str:
    one = status["last_check"]
    if one is None:
        return "none yet: bin/xmpp check INVENTORY"
    bad = "" if one["good"] == one["of"] else " NOT ALL"
    return f"{_ago(now - one['at'])} by {one['by']}: {one['good']} of {one['of']} good{bad}"


def backup_lines(found: Mapping[str, Mapping[str, Any]], now: float) -> list[str]:
    """In: as `gathered` of plugin_utils/backup returned it. Out: how the backups of each host are."""
    return told.lines(found, now, _ago, _bytes) or ["none yet"]


def _drift_lines(status: Mapping[str, Any], now: float) -> list[str]:
    last = status["drift"]["last_run"]
    told = (
        f"{last['changes'] or 'no'} changes {_ago(now - last['at'])}"
        if last
        else "not looked for yet: bin/xmpp drift INVENTORY"
    )
    still = [host for host, one in status["prosody"].items() if not one["running"]]
    runs = f"Prosody of {', '.join(still)} does not run" if still else "Prosody runs as configured"
    return status["drift"]["running"] or [f"{runs}; the whole: {told}"]


def _alert_lines(status: Mapping[str, Any]) -> list[str]:
    if status["alerts"] is None:
        return ["nobody watches: no host in the group monitoring, or it does not answer"]
    return [f"{one['name']} {one['where']}".strip() + f" ({one['severity']})" for one in status["alerts"]] or ["none"]


def lines(status: Mapping[str, Any], now: float) -> list[str]:
    """Return the screen. status: as `gathered` returned it."""
    rows: list[tuple[str, list[str]]] = [("Status", [str(status["at"])])]
    for host, one in status["prosody"].items():
        running = "NOT RUNNING"
        if one["running"]:
            running = f"Prosody {one['version']}, started {_ago(one['uptime'])}"
        people = f"{one['clients']} clients, {one['servers']} connections of servers"
        rows.append((", ".join(one["domains"]) or host, [f"{host}: {running}; {people}", *one["problems"]]))
    rows += [
        ("Other servers", _peer_lines(status, now)),
        ("Services", _service_lines(status)),
        ("Versions", _version_lines(status)),
        ("Certificates", [", ".join(_days(one) for one in status["certificates"])]),
        (
            "Database",
            [
                f"{host}: {name} {_bytes(size)}"
                for host, found in status["databases"].items()
                for name, size in found.items()
            ],
        ),
        ("Disk", _disk_lines(status)),
        ("Last check", [_check_line(status, now)]),
        ("Last backup", backup_lines(status["last_backup"], now)),
        ("Alerts", _alert_lines(status)),
        ("Drift", _drift_lines(status, now)),
    ]
    screen = []
    for name, texts in rows:
        texts = [text for text in texts if text] or ["not known"]
        wide = len(name) >= _WIDTH
        screen += [name] if wide else []
        screen.append(f"{'' if wide else name:<{_WIDTH}}{texts[0]}")
        screen += [f"{'':<{_WIDTH}}{text}" for text in texts[1:]]
    return screen
