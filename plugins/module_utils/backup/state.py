# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What earlier backups and drills left on a host (state.json), and what the next one makes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import settings, work


def load() -> dict[str, Any]:
    """Out: what earlier runs left, nothing where there was none."""
    try:
        return dict(json.loads(settings.STATE.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def backed_up(
    before: Mapping[str, Any], outcome: work.Outcome, repository: str, begun: float, ended: float
) -> dict[str, Any]:
    """Out: the state after a backup. repository: where it went, remembered when something did. Pure."""
    good = {} if outcome.problems else {part: one["at"] for part, one in outcome.parts.items()}
    return {
        **before,
        "backup": {
            "begun": begun,
            "ended": ended,
            "parts": outcome.parts,
            "problems": outcome.problems,
            "missing": len(outcome.lacking),
        },
        "last_success": {**before.get("last_success", {}), **good},
        **({"repository": repository} if outcome.parts else {}),
    }


def drilled(before: Mapping[str, Any], found: dict[str, Any], begun: float, ended: float) -> dict[str, Any]:
    """Out: the state after a drill. Pure."""
    after = {**before, "drill": {**found, "begun": begun, "ended": ended}}
    return after if found["problems"] else {**after, "verified": ended}
