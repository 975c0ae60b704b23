# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Prosody answered (decoded JSON of ``server``) → dataclasses. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.model import (
    Account,
    AccountError,
    Host,
    HostError,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import scram

_REASONS = {
    "no-such-host": "Prosody serves no host {host} (it serves {hosts}). Add it to the configuration first.",
    "component": "{host} is a component; only a VirtualHost has accounts.",
    "authentication": (
        'The accounts of {host} are kept by "{provider}", not by Prosody\'s own "internal_hashed"; manage them there.'
    ),
    "authorization": (
        'The roles of {host} are kept by "{provider}", not by Prosody\'s own "internal"; manage them there.'
    ),
}


def host(answer: Mapping[str, Any], name: str) -> Host:
    """Read the description of a host.

    Raises HostError: its accounts cannot be managed; the message says why.
    """
    if "refused" in answer:
        reason = answer["refused"]
        hosts = ", ".join(sorted(_strings(answer.get("hosts")))) or "none"
        raise HostError(_REASONS[reason].format(host=name, hosts=hosts, provider=answer.get("provider", "?")), reason)
    return Host(
        name=answer["name"],
        hash="SHA-256" if "SCRAM-SHA-256" in _strings(answer["mechanisms"]) else "SHA-1",
        iterations=int(answer["iterations"]),
        roles=frozenset(_strings(answer["roles"])),
        default_role=answer["default_role"],
        flags=bool(answer["flags"]),
        operators=frozenset(_strings(answer["operators"])),
        admins=frozenset(_strings(answer["admins"])),
    )


def accounts(answer: str, about: Host) -> list[Account]:
    """Read what ``xa.read`` returned: data of stores as Prosody gives them, and rows as databases keep them.

    Raises AccountError: it cannot be read.
    """
    stores: dict[str, dict[str, dict[str, Any]]] = {}
    try:
        first, *databases = answer.split("\t")
        prosody = json.loads(first)
        for text in databases:
            for user, store, key, kind, value in json.loads(text.translate(_EXCHANGED)):
                fields = stores.setdefault(user, {}).setdefault(store, {})
                decoded = _value(kind, value)
                if key:
                    fields[key] = decoded
                elif isinstance(decoded, dict):
                    # what has no text as its key is kept together
                    fields.update(decoded)
        for user, store, fields in prosody["data"]:
            stores.setdefault(user, {})[store] = fields if isinstance(fields, dict) else {}
        online = prosody["online"] or {}
        return [_account(name, data, online.get(name, 0), about) for name, data in stores.items() if "accounts" in data]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise AccountError(f"Prosody's answer about accounts cannot be read: {error!r}") from None


# see from_engine of server
_EXCHANGED = str.maketrans('"~', '~"')


def _value(kind: str, text: str) -> Any:
    """Decode a value as mod_storage_sql does."""
    if kind == "string":
        return text
    if kind == "number":
        number = float(text)
        return int(number) if number.is_integer() else number
    if kind == "boolean":
        return text == "true"
    return json.loads(text) if kind == "json" else None


def names(answer: Any) -> list[str]:
    """Read a list of local parts."""
    return _strings(answer)


def failures(answer: Any) -> dict[str, str]:
    """Read what went wrong in a batch: name → reason (an empty Lua table is an empty JSON list)."""
    return {str(name): str(reason) for name, reason in answer.items()} if isinstance(answer, dict) else {}


def _account(name: str, data: Mapping[str, Mapping[str, Any]], sessions: int, about: Host) -> Account:
    stored = data["accounts"]
    roles = data.get("account_roles") or {}
    return Account(
        name=name,
        enabled=not stored.get("disabled"),
        role=roles.get("_default", about.default_role),
        secondary_roles=frozenset(role for role, held in roles.items() if held and role != "_default"),
        has_password=scram.hash_of(str(stored.get("stored_key"))) is not None,
        verifier=_verifier(stored),
        created=_whole(stored.get("created")),
        password_updated=_whole(stored.get("updated")),
        flags={flag: _comment(note) for flag, note in (data.get("account_flags") or {}).items()},
        contact={key: value for key, value in (data.get("account_details") or {}).items() if isinstance(value, str)},
        last_active=_whole((data.get("account_activity") or {}).get("timestamp")),
        sessions=sessions,
    )


def _verifier(stored: Mapping[str, Any]) -> scram.Verifier | None:
    stored_key, server_key, salt = stored.get("stored_key"), stored.get("server_key"), stored.get("salt")
    iterations = _whole(stored.get("iteration_count"))
    if not (isinstance(stored_key, str) and isinstance(server_key, str) and isinstance(salt, str) and salt):
        return None
    hash_name = scram.hash_of(stored_key)
    if not hash_name or iterations is None or iterations < 1:
        return None
    return scram.Verifier(stored_key.lower(), server_key.lower(), salt, iterations, hash_name)


def _comment(data: Any) -> str:
    comment = data.get("comment") if isinstance(data, Mapping) else None
    return comment if isinstance(comment, str) else ""


def _whole(value: Any) -> int | None:
    """A number without its fraction. Lua can also store numbers that count nothing: infinity, and "not a number"."""
    return int(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _strings(value: Any) -> list[str]:
    """A Lua array as JSON; an empty one may come as an object."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
