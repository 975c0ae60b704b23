# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Invitations that are declared by name: each is made once, and what became of it is told.

Prosody forgets an invitation that was used or has expired, so that nothing there tells it from one that was never
made. A file on the host remembers: name → the line it was made from, its token and its link. It is for root alone.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files import durable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.invites import server

# How Ansible reads one line: for module prosody_invites, and for who looks at them before it
INVITATION: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "jid": {"type": "str", "required": True},
    "type": {"type": "str", "choices": [server.REGISTRATION, server.CONTACT], "default": server.REGISTRATION},
    "expires_after": {"type": "str"},
    "allow_registration": {"type": "bool", "default": True},
    "roles": {"type": "list", "elements": "str", "default": []},
    "groups": {"type": "list", "elements": "str", "default": []},
}
PENDING = "pending"
# It becomes the name of a file
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Made:
    """An invitation that was made. line: what it was made from; link: what to hand out, a credential."""

    line: Mapping[str, Any]
    host: str
    user: str
    expires: int
    token: str = field(repr=False)
    link: str = field(repr=False)


@dataclass(frozen=True)
class Plan:
    """What to do about all lines: names.

    forget: those whose line is gone or says something else; revoke: those of them whose invitation is still pending.
    became: name → pending, used, expired or fulfilled, for those that stay. moved: name → link of those that wait for
    somebody and are at another address since, as with another port.
    """

    make: tuple[str, ...] = ()
    revoke: tuple[str, ...] = ()
    forget: tuple[str, ...] = ()
    became: Mapping[str, str] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict, repr=False)


def wanted_of(line: Mapping[str, Any]) -> server.Wanted:
    """One line as a value; in: options as INVITATION reads them. Raises XmppError, which names the invitation."""
    name = line["name"]
    if not _NAME.fullmatch(name):
        raise server.InviteError(
            f"'{name}' cannot be the name of an invitation, which is that of a file: use letters of ASCII, digits, "
            "dot, hyphen and underscore, up to 100, a letter or a digit first."
        )
    kind = line["type"]
    if kind != server.REGISTRATION and (line["roles"] or line["groups"]):
        raise server.InviteError(
            f"Invitation {name}: roles and groups are for those of type registration: leave them out."
        )
    try:
        host, user = server.host_and_user(line["jid"], kind)
        ttl = server.lifetime(line["expires_after"]) if line["expires_after"] else None
    except XmppError as error:
        raise server.InviteError(f"Invitation {name}: {error}") from error
    return server.Wanted(
        kind=kind,
        host=host,
        user=user,
        allow_registration=line["allow_registration"] or kind != server.CONTACT,
        roles=tuple(line["roles"]),
        groups=tuple(line["groups"]),
        ttl=ttl,
    )


def line_of(wanted: server.Wanted) -> dict[str, Any]:
    """What of a line makes another invitation of it when it changes; no secret."""
    return {
        "jid": f"{wanted.user}@{wanted.host}" if wanted.user else wanted.host,
        "type": wanted.kind,
        "valid_for": wanted.ttl,
        "allow_registration": wanted.allow_registration,
        "roles": list(wanted.roles),
        "groups": sorted(wanted.groups),
    }


def wanted_all(lines: list[Mapping[str, Any]]) -> dict[str, server.Wanted]:
    """Name → what is asked for, in order. Raises XmppError for the first line that cannot be; a name is given once."""
    found: dict[str, server.Wanted] = {}
    for line in lines:
        wanted = wanted_of(line)
        if line["name"] in found:
            raise server.InviteError(f"Two invitations have the name {line['name']}: give each its own.")
        found[line["name"]] = wanted
    return found


def plan(
    wanted: Mapping[str, server.Wanted],
    made: Mapping[str, Made],
    state_of: Callable[[str, str], server.State | None],
) -> Plan:
    """What to do. state_of: what the server knows, given host and user; None for a host that is not there.

    Raises what state_of raises, and InviteError for what Prosody would accept and never honour.
    """
    make, revoke, forget = [], [], []
    became, moved = {}, {}
    for name, one in made.items():
        if name not in wanted or line_of(wanted[name]) != one.line:
            forget.append(name)
            if _pending(one, state_of(one.host, one.user)):
                revoke.append(name)
    for name, ask in wanted.items():
        state = state_of(ask.host, ask.user)
        if name in made and name not in forget:
            became[name] = _fate(made[name], state)
            there = _pending(made[name], state)
            if there and there.link != made[name].link:
                moved[name] = there.link
        elif state and server.plan(state, dataclasses.replace(ask, force=True)).fulfilled:
            became[name] = "fulfilled"
        else:
            make.append(name)
    return Plan(tuple(make), tuple(revoke), tuple(forget), became, moved)


def _pending(one: Made, state: server.State | None) -> server.Invite | None:
    return next((other for other in state.invites if other.token == one.token), None) if state else None


def _fate(one: Made, state: server.State | None) -> str:
    if _pending(one, state):
        return PENDING
    return "expired" if state and one.expires <= state.now else "used"


def read(path: Path) -> dict[str, Made]:
    """Return name → what was made. Raises XmppError for a file that cannot be read; without one nothing was made."""
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): Made(**one) for name, one in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        # what lies in the file is not told: links
        raise XmppError(
            f"Cannot read from {path} which invitations were made ({type(error).__name__}): mend the file, or remove "
            "it to have all that are declared made anew."
        ) from None


def write(path: Path, made: Mapping[str, Made]) -> None:
    """Put what was made in the place of what the file said before, for root alone. Raises XmppError."""
    try:
        durable.write_json(path, {key: dict(vars(one)) for key, one in made.items()})
    except OSError as error:
        raise XmppError(f"Cannot write to {path} which invitations were made: {error}.") from None
