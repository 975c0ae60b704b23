# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters of role postgresql; their documentation is in the files beside this one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.postgresql import options


class FilterModule:
    """Filters for PostgreSQL."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name → function."""
        return {"postgresql_option_problems": options.option_problems}
