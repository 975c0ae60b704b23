# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters for keys of SSH. Each is documented beside this file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import ssh_keys
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.filters import told


@told
def ssh_public_key(text: str, otherwise: str | None = None) -> str:
    """Its public key, as authorized_keys has it; otherwise, where that is given, for a text that is no key."""
    try:
        return ssh_keys.public(text)
    except ssh_keys.KeyUnreadable:
        if otherwise is None:
            raise
        return otherwise


class FilterModule:
    """Filters for keys of SSH."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name → function."""
        return {"ssh_public_key": ssh_public_key}
