# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules of Prometheus as an operator wants them: single alerts left out, or with another threshold or time.

A change is a mapping with some of CHANGES: {"XmppDiskFilling": {"expr": "xmpp:filesystem_used > 0.8", "for": "1h"}}.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import plain_yaml

# In the rules as they are kept: the time that monitoring_alert_for replaces, and the page of monitoring_runbook_url
USUAL_FOR = "3m"
RUNBOOK = "https://github.com/allthingslinux/xmpp/blob/main/docs/runbook.md"

_UNITS = ("y", "w", "d", "h", "m", "s", "ms")
_DURATION = re.compile(r"0|(?=[0-9])" + "".join(f"([0-9]+{unit})?" for unit in _UNITS))


def is_duration(value: Any) -> bool:
    """Whether Prometheus takes it for a duration: 90s, 1h30m, 0."""
    return bool(_DURATION.fullmatch(str(value)))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


# what can be changed → whether a value will do, and what will
CHANGES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "enabled": (lambda value: isinstance(value, bool), "true or false"),
    "for": (is_duration, "a duration like 90s or 1h30m"),
    "severity": (_is_text, "a word like critical or warning"),
    "expr": (_is_text, "an expression of Prometheus"),
}


class RulesError(XmppError):
    """Changes that no alert can take; the text says which and why."""


def _near(name: Any, known: list[str]) -> str:
    found = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    return f"did you mean {found[0]}?" if found else f"there are {', '.join(known)}."


def problems(text: str, changes: Any) -> list[str]:
    """In: rules as YAML, alert → change. Out: a line for each change that cannot be made, with what to do."""
    if not isinstance(changes, Mapping):
        return [f"The changes are of type {type(changes).__name__}: give a mapping of alert to what is different."]
    known = [rule["alert"] for group in plain_yaml.parsed(text)["groups"] for rule in group["rules"] if "alert" in rule]
    found = []
    for alert, change in changes.items():
        if alert not in known:
            found.append(f"There is no alert {alert}: {_near(alert, known)}")
        elif not isinstance(change, Mapping):
            found.append(
                f"{alert} is of type {type(change).__name__}: give a mapping with some of {', '.join(CHANGES)}."
            )
        else:
            for key, value in change.items():
                if key not in CHANGES:
                    found.append(f"{alert} has no {key}: {_near(key, list(CHANGES))}")
                elif not CHANGES[key][0](value):
                    found.append(f"{alert}: {key} is {value!r}: give {CHANGES[key][1]}.")
    return found


def adapted(text: str, changes: Mapping[str, Any], usual_for: str = USUAL_FOR, runbook: str = RUNBOOK) -> str:
    """In: rules as YAML, alert → change, what replaces USUAL_FOR and RUNBOOK. Out: rules as YAML. Raises RulesError."""
    if wrong := problems(text, changes):
        raise RulesError(" ".join(wrong))
    groups = []
    for group in plain_yaml.parsed(text)["groups"]:
        rules = [_changed(rule, changes.get(rule.get("alert"), {}), usual_for, runbook) for rule in group["rules"]]
        groups.append({**group, "rules": [rule for rule in rules if rule]})
    return yaml.safe_dump({"groups": groups}, sort_keys=False, allow_unicode=True, width=140)


def _changed(rule: dict[str, Any], change: Mapping[str, Any], usual_for: str, runbook: str) -> dict[str, Any]:
    """Out: the rule as it is wanted, nothing where it is not. Texts of Ansible have tags, which str() takes off."""
    if "alert" not in rule:
        return rule
    if not change.get("enabled", True):
        return {}
    address = rule["annotations"]["runbook_url"]
    lasts = change.get("for", usual_for if rule.get("for") == USUAL_FOR else rule.get("for"))
    return {
        "alert": rule["alert"],
        "expr": str(change.get("expr", rule["expr"])),
        **({} if lasts is None else {"for": str(lasts)}),
        "labels": {**rule["labels"], "severity": str(change.get("severity", rule["labels"]["severity"]))},
        "annotations": {**rule["annotations"], "runbook_url": str(address.replace(RUNBOOK, runbook))},
    }
