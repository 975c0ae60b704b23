# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of one room, as Ansible reads them: for module prosody_room, and for who checks rooms before it."""

from __future__ import annotations

from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.rooms import model

_PEOPLE: dict[str, Any] = {kind: {"type": "list", "elements": "str"} for kind in model.AFFILIATIONS}
_TEXT: dict[str, Any] = {"type": "str"}
_FLAG: dict[str, Any] = {"type": "bool"}
ROOM: dict[str, Any] = {
    "jid": _TEXT,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **dict.fromkeys(model.TEXTS, _TEXT),
    **dict.fromkeys(("public", "members_only", "member_invites", "moderated", "change_subject", "archiving"), _FLAG),
    "persistent": {"type": "bool", "default": True},
    "whois": {"type": "str", "choices": ["moderators", "anyone"]},
    "private_messages": {"type": "str", "choices": ["visitor", "participant", "moderator", "affiliated", "none"]},
    "password": {"type": "str", "no_log": True},
    "history_length": {"type": "int"},
    "affiliations": {"type": "dict", "options": _PEOPLE},
    "purge": {"type": "bool", "default": False},
    "reason": _TEXT,
}
