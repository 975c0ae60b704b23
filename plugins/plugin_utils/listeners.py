# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who listens on a host, as module listeners_info tells. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


def is_of(listener: Mapping[str, Any], owners: Collection[str]) -> bool:
    """Whether a listener, as module listeners_info returns it, is one of these processes, units or users."""
    unit = str(listener["unit"])
    # in a container the user may be all that can be seen
    names = {str(listener["process"]), unit, unit.rpartition(".")[0], unit.partition("@")[0], str(listener["user"])}
    # the kernel keeps 15 characters of a process name
    return any(owner in names or owner[:15] == listener["process"] for owner in owners)
