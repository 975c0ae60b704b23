# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Prosody answered (decoded JSON of ``server``) → dataclasses. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils import scram
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.model import Account, Host, HostError

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

    :raises HostError: its accounts cannot be managed; the message says why.
    """
    if "refused" in answer:
        reason = answer["refused"]
        hosts = ", ".join(sorted(_strings(answer.get("hosts")))) or "none"
        raise HostError(
            _REASONS[reason].format(host=name, hosts=hosts, provider=answer.get("provider", "?")), reason
        )
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


def accounts(answer: Any, about: Host) -> list[Account]:
    """Read the records of accounts."""
    return [_account(record, about) for record in (answer or [])]


def names(answer: Any) -> list[str]:
    """Read a list of local parts."""
    return _strings(answer)


def failures(answer: Any) -> dict[str, str]:
    """Read what went wrong in a batch: name → reason (an empty Lua table is an empty JSON list)."""
    return {str(name): str(reason) for name, reason in answer.items()} if isinstance(answer, dict) else {}


def _account(record: Mapping[str, Any], about: Host) -> Account:
    roles = record.get("r") or {}
    flags = record.get("f") or {}
    contact = record.get("t") or {}
    return Account(
        name=record["n"],
        enabled=not record.get("d"),
        role=roles.get("_default", about.default_role),
        secondary_roles=frozenset(role for role, held in roles.items() if held and role != "_default"),
        verifier=_verifier(record),
        created=_time(record.get("c")),
        password_updated=_time(record.get("u")),
        flags={flag: _comment(data) for flag, data in flags.items()},
        contact={key: value for key, value in contact.items() if isinstance(value, str)},
        last_active=_time(record.get("a")),
        sessions=int(record.get("o") or 0),
    )


def _verifier(record: Mapping[str, Any]) -> scram.Verifier | None:
    stored_key, server_key, salt, iterations = (record.get(key) for key in ("k", "v", "s", "i"))
    if not (isinstance(stored_key, str) and isinstance(server_key, str) and isinstance(salt, str) and salt):
        return None
    hash_name = scram.hash_of(stored_key)
    if not hash_name or not isinstance(iterations, (int, float)) or iterations < 1:
        return None
    return scram.Verifier(stored_key.lower(), server_key.lower(), salt, int(iterations), hash_name)


def _comment(data: Any) -> str:
    comment = data.get("comment") if isinstance(data, Mapping) else None
    return comment if isinstance(comment, str) else ""


def _time(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, float)) else None


def _strings(value: Any) -> list[str]:
    """A Lua array as JSON; an empty one may come as an object."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
