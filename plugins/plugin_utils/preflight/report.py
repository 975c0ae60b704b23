# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The findings of all roles on all hosts as one list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

#: what roles register their findings as: __prosody_findings and the like
REGISTERED = re.compile(r"__[a-z0-9_]*findings\Z")


def findings_of(variables: Mapping[str, Any], kind: str = "findings") -> list[str]:
    """Gather what was registered for one host, in the order of the names, each line once. kind: findings, secondary."""
    lines: list[str] = []
    for name in sorted(str(name) for name in variables if REGISTERED.match(str(name))):
        held = variables[name]
        if isinstance(held, Mapping):
            lines += [str(line) for line in held.get(kind) or []]
    return list(dict.fromkeys(lines))


def wanted_ports(variables: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """Gather the ports that the roles of one host want, by role."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for name in sorted(str(name) for name in variables if REGISTERED.match(str(name))):
        held = variables[name]
        if isinstance(held, Mapping) and held.get("wants"):
            found[name.strip("_").removesuffix("_findings")] = list(held["wants"])
    return found


def listed(findings: Mapping[str, Iterable[str]], hosts: int) -> list[str]:
    """Return one line for each finding, with the hosts it is about before it. hosts: how many there are in all."""
    about: dict[str, list[str]] = {}
    for host, lines in findings.items():
        for line in lines:
            about.setdefault(line, []).append(host)
    return [
        f"- {'all hosts' if hosts > 1 and len(named) == hosts else ', '.join(named)}: {line}"
        for line, named in about.items()
    ]


def text(findings: Mapping[str, Iterable[str]], hosts: int) -> str:
    """Return the whole report, or nothing where nothing was found."""
    lines = listed(findings, hosts)
    if not lines:
        return ""
    count = "1 thing stands" if len(lines) == 1 else f"{len(lines)} things stand"
    return "\n".join([f"{count} in the way, and nothing was changed:", *lines])
