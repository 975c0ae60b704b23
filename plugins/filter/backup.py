# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters for backups. Each is documented beside this file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import status
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.backup import moment, sealed
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.backup import told as told_of
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.filters import told


@told
def backup_moment(text: str) -> float | None:
    """Seconds since 1970, None for the newest there is."""
    return moment.seconds(text, time.time())


def backup_lines(states: Mapping[str, Mapping[str, Any]], now: float | None = None) -> list[str]:
    """How the backups of each host are, from what they left on it."""
    return status.backup_lines(told_of.gathered(states), time.time() if now is None else now)


@told
def backup_sealed(directory: str, key: str) -> str:
    """The files of a directory of the controller, encrypted."""
    return sealed.seal(sealed.packed(Path(directory)), key)


@told
def backup_unsealed(text: str, key: str) -> str:
    """What backup_sealed has encrypted, as module backup_secrets takes it."""
    return sealed.opened(text, key)


class FilterModule:
    """Filters for backups."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name → function."""
        return {
            "backup_lines": backup_lines,
            "backup_moment": backup_moment,
            "backup_sealed": backup_sealed,
            "backup_unsealed": backup_unsealed,
        }
