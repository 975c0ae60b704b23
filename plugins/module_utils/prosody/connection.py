# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options by which modules reach Prosody: the code to the documentation fragment ``connection``."""

from __future__ import annotations

from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import DEFAULT_PATH, AdminSocket


def argument_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of the options ``socket``, ``timeout``, ``config`` and ``prosodyctl``."""
    return {
        "socket": {"type": "path", "default": DEFAULT_PATH},
        "timeout": {"type": "float", "default": 30.0},
        "config": {"type": "path", "default": "/etc/prosody/prosody.cfg.lua"},
        "prosodyctl": {"type": "list", "elements": "str", "default": ["prosodyctl"]},
    }


def connect(params: dict[str, Any]) -> AdminSocket:
    """Open the admin socket that the options name. Raises AdminUnavailable."""
    return AdminSocket(params["socket"], params["timeout"])
