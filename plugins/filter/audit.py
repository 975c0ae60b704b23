# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters of playbook audit. Each is documented beside this file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import audit


class FilterModule:
    """The filters whose names begin with audit_."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return filter name → function."""
        return {
            "audit_lines": audit.lines,
            "audit_events": audit.merged,
        }
