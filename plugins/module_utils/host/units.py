# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Units of systemd that shall start at boot and run now: what systemd says of them → what is to be done. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host import systemctl

PROPERTIES = "LoadState,ActiveState,UnitFileState"

# what systemctl is-enabled says yes to (systemctl(1)); enabling the others means nothing
_ENABLED = frozenset({"enabled", "enabled-runtime", "static", "alias", "indirect", "generated", "transient"})
_ACTIVE = frozenset({"active", "activating", "reloading", "refreshing"})


@dataclass(frozen=True)
class Unit:
    """One unit. there: systemd knows it; enabled: it starts at boot; active: it runs; failed: it ended badly."""

    name: str
    there: bool
    enabled: bool
    active: bool
    failed: bool = False


@dataclass(frozen=True)
class Step:
    """verb: enable, start or restart, which systemctl has, or "missing" for a unit that systemd does not know."""

    unit: str
    verb: str


def read(names: Sequence[str], text: str) -> list[Unit]:
    """What `systemctl show --property=PROPERTIES NAME…` printed, a block for each unit in that order → units."""
    found = []
    for name, said in zip(names, systemctl.shown(text)):
        state = said.get("ActiveState", "")
        there = said.get("LoadState") not in (None, "not-found")
        enabled = said.get("UnitFileState") in _ENABLED
        found.append(Unit(name, there, enabled, state in _ACTIVE, state == "failed"))
    return found


def plan(units: Sequence[Unit], restart: Collection[str]) -> list[Step]:
    """What makes all of them start at boot and run. restart: those that read what is new only when they start."""
    steps = []
    for unit in units:
        if not unit.there:
            steps.append(Step(unit.name, "missing"))
            continue
        if not unit.enabled:
            steps.append(Step(unit.name, "enable"))
        if unit.name in restart:
            steps.append(Step(unit.name, "restart"))
        elif not unit.active:
            steps.append(Step(unit.name, "start"))
    return steps
