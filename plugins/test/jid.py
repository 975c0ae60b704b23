# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The test ``jid``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import jid


def is_jid(value: Any, bare: bool = False) -> bool:
    """Tell whether a value is a valid JID; with ``bare`` whether it is that of an account."""
    try:
        address = jid.parse(value)
    except jid.InvalidJid:
        return False
    return bool(address.local and not address.resource) or not bare


class TestModule:
    """The test ``jid``."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        """Return test name → function."""
        return {"jid": is_jid}
