# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be declared of an account, as argument spec; its documentation is the fragment C(account)."""

from __future__ import annotations

from typing import Any

UPDATE_PASSWORD: dict[str, Any] = {"type": "str", "choices": ["always", "on_create"], "no_log": False}

FIELDS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["present", "disabled", "absent"], "default": "present"},
    "password": {"type": "str", "no_log": True},
    "verifier": {"type": "str", "no_log": True},
    "role": {"type": "str"},
    "secondary_roles": {"type": "list", "elements": "str"},
    "flags": {"type": "dict"},
    "contact": {"type": "dict"},
}

#: One of a list of accounts.
LISTED: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True, "aliases": ["jid"]},
    **FIELDS,
    "update_password": UPDATE_PASSWORD,
}
