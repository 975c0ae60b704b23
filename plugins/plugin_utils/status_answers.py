# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the hosts answered to playbook status, sorted for the screen. Who did not answer leaves a gap. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _answered(value: Any) -> bool:
    """Whether a task ran on the host: not left out, and the host was there."""
    found = _mapping(value)
    return bool(found) and not found.get("skipped") and not found.get("unreachable")


def sorted_answers(hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what `status.gathered` takes, but for the records of runs.

    hosts: name → `contained`, whether its services are containers, and registered results: `host` (module
    host_condition_info), `prosody` (prosody_info), `databases` (psql, a line for each with name and bytes), `backup`
    (slurp of the state of backups), `watched` (a loop of uri over the queries of the playbook); what is missing or
    empty was not asked.
    """
    seen: dict[str, Any] = {
        "hosts": {},
        "prosody": {},
        "databases": {},
        "backups": {},
        "unreachable": [],
        "alerts": None,
    }
    for name, results in hosts.items():
        if not _answered(results.get("host")) or _mapping(results["host"]).get("failed"):
            seen["unreachable"].append(name)
            continue
        seen["hosts"][name] = {**results["host"], **({"contained": True} if results.get("contained") else {})}
        if _answered(prosody := results.get("prosody")):
            seen["prosody"][name] = prosody if "running" in _mapping(prosody) else {"running": False}
        if _answered(databases := results.get("databases")) and not _mapping(databases).get("rc"):
            lines = _mapping(databases).get("stdout_lines") or []
            seen["databases"][name] = [list(line.rpartition("|")[::2]) for line in lines if "|" in line]
        if (state := _state(results.get("backup"))) is not None:
            seen["backups"][name] = state
        if seen["alerts"] is None:
            seen.update(_watched(_mapping(results.get("watched")).get("results") or ()))
    return seen


def _state(slurped: Any) -> Any:
    try:
        return json.loads(base64.b64decode(_mapping(slurped)["content"]))
    except (KeyError, ValueError, TypeError, binascii.Error):
        return None


def _results(answer: Any) -> Sequence[Any] | None:
    found = _mapping(_mapping(_mapping(answer).get("json")).get("data")).get("result")
    return found if isinstance(found, (list, tuple)) else None


def _watched(answers: Iterable[Any]) -> dict[str, Any]:
    """Read what Prometheus said to the queries of the playbook: alerts, then three figures of the probes.

    Empty where it said nothing, as one that does not run.
    """
    first, *others = [_results(answer) for answer in answers] or [None]
    if first is None:
        return {}
    labels = [_mapping(_mapping(one).get("metric")) for one in first]
    found: dict[str, Any] = {
        "alerts": [
            {
                "name": each.get("alertname", ""),
                "severity": each.get("severity", "warning"),
                "where": each.get("instance") or each.get("domain") or "",
            }
            for each in labels
        ]
    }
    figures = [result[0]["value"][-1] for result in others if result]
    if len(figures) == 3:
        found["probe"] = figures
    return found
