# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Declarations (options of the modules) → Wanted. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.model import AccountError, Wanted
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import jid, scram


def local_part(name: str, host: str, strict: bool = False) -> str:
    """Return the normalised local part of an account: given as such, or as a JID of this host.

    strict: refuse what Prosody refuses for new accounts; what exists already may be older than that.
    Raises AccountError: not a valid name, or an account of another host.
    """
    try:
        if "@" not in name:
            return jid.nodeprep(name, strict)
        address = jid.parse(name, strict)
    except jid.InvalidJid as error:
        raise AccountError(str(error)) from None
    if address.resource:
        raise AccountError(f'"{name}" has a resource; an account is a JID without one.')
    if address.domain != host:
        raise AccountError(f'"{name}" is not an account of {host}.')
    return address.local


def wanted(declaration: Mapping[str, Any], host: str, update_password: str) -> Wanted:
    """Read one declaration.

    update_password: what applies when the declaration does not say.
    Raises AccountError: naming the account.
    """
    state = declaration.get("state") or "present"
    name = local_part(declaration["name"], host, strict=state != "absent")
    where = f"{name}@{host}"
    password, verifier = declaration.get("password"), declaration.get("verifier")
    if password is not None and verifier is not None:
        raise AccountError(f"{where}: give a password or a verifier, not both.")
    secondary = declaration.get("secondary_roles")
    role = declaration.get("role")
    if role is not None and secondary and role in secondary:
        raise AccountError(f"{where}: {role} cannot be its primary and a secondary role at once.")
    try:
        if password is not None:
            scram.prepare_password(password)
        read_verifier = None if verifier is None else scram.parse(verifier)
    except XmppError as error:
        raise AccountError(f"{where}: {error}") from None
    flags = declaration.get("flags")
    contact = declaration.get("contact")
    return Wanted(
        name=name,
        state=state,
        password=password,
        verifier=read_verifier,
        update_password=declaration.get("update_password") or update_password,
        role=role,
        secondary_roles=None if secondary is None else frozenset(secondary),
        flags=None if flags is None else {str(flag): str(note or "") for flag, note in flags.items()},
        contact=None if contact is None else {str(key): str(value or "") for key, value in contact.items()},
    )


def wanted_all(
    declarations: Iterable[Mapping[str, Any]], host: str, update_password: str
) -> tuple[list[Wanted], dict[str, str]]:
    """Read all declarations; return those that can be used, and for the others name → reason."""
    usable: dict[str, Wanted] = {}
    errors: dict[str, str] = {}
    for declaration in declarations:
        try:
            entry = wanted(declaration, host, update_password)
            if entry.name in usable or entry.name in errors:
                usable.pop(entry.name, None)
                errors[entry.name] = f"{entry.name}@{host} is declared more than once."
                continue
            usable[entry.name] = entry
        except AccountError as error:
            errors[str(declaration.get("name"))] = str(error)
    return list(usable.values()), errors
