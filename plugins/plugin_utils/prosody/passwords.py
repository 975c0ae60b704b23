# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Passwords that an operator declares keep the policy that users have: what is wrong with them, never what they are.

Source: mod_password_policy of Prosody 13, as role prosody configures it (length, exclude_username).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import InvalidJid, parse
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.scram import ScramError, prepare_password
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import Settings

_NAME_LENGTH = 3


def password_problems(values: Mapping[str, Any]) -> list[str]:
    """Return one line for each declared password that cannot or must not be used. values: settings of role prosody."""
    settings = Settings(values)
    least = settings.number("password_min_length")
    found = []
    for account in settings.entries("accounts"):
        password = account.values.get("password")
        if password is None or password == "" or account.values.get("state") == "absent":
            continue
        reason = _reason(password, str(account.values.get("jid") or ""), least)
        if reason:
            whose = f" of {account.values['jid']}" if account.has("jid") else ""
            found.append(f"{account.where('password')}: the password{whose} {reason}")
    return found


def _reason(password: Any, jid: str, least: int) -> str:
    if not isinstance(password, str):
        return "is no text: put it between quotes"
    try:
        prepare_password(password)
    except ScramError as error:
        return f"cannot be used: {str(error).partition(': ')[2]}"
    if len(password) < least:
        return f"is shorter than the {least} characters that prosody_password_min_length asks of everybody"
    try:
        name = parse(jid).local
    except InvalidJid:
        return ""
    # a name of one or two letters stands in most texts, and says nothing of a password
    named = len(name) >= _NAME_LENGTH and name.lower() in password.lower()
    return "has the name of the account in it, which nobody may" if named else ""
