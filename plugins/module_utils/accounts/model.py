# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is known and what is wanted of accounts: plain data, no behaviour beyond it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.scram import Verifier

STATES = ("present", "disabled", "absent")


class AccountError(XmppError):
    """One account cannot be had as it is wanted; the message names it and says why."""


class HostError(XmppError):
    """Accounts of the host cannot be managed at all. ``reason``: no-such-host, component, authentication, …"""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Host:
    """What the running server says about a host."""

    name: str
    hash: str
    iterations: int
    roles: frozenset[str]
    default_role: str
    #: does the module ``flags`` run here
    flags: bool
    #: local parts that the configuration makes operators (global ``admins``) or admins (the host's own)
    operators: frozenset[str] = frozenset()
    admins: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Account:
    """An account as the server stores it. Times are seconds since 1970; None when unknown."""

    name: str
    enabled: bool
    #: primary role; the host's default when none is stored
    role: str
    secondary_roles: frozenset[str] = frozenset()
    #: are there keys to sign in with
    has_password: bool = False
    #: the keys, where they were asked for
    verifier: Verifier | None = None
    created: int | None = None
    password_updated: int | None = None
    flags: Mapping[str, str] = field(default_factory=dict)
    contact: Mapping[str, str] = field(default_factory=dict)
    last_active: int | None = None
    sessions: int = 0


@dataclass(frozen=True)
class Wanted:
    """An account as it is declared. None means: leave as it is."""

    name: str
    state: str = "present"
    password: str | None = field(default=None, repr=False)
    verifier: Verifier | None = field(default=None, repr=False)
    update_password: str = "always"
    role: str | None = None
    secondary_roles: frozenset[str] | None = None
    flags: Mapping[str, str] | None = None
    #: empty values remove the field
    contact: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Step:
    """One change to one existing account, in the words of the server side (``server.lua_step``)."""

    verb: str
    arguments: tuple[str | Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Update:
    """The changes to one existing account: what it was, what it will be, and the steps between (password apart)."""

    before: Account
    wanted: Wanted
    steps: tuple[Step, ...]
    #: compute (or take over) a new verifier and store it, before the steps
    new_password: bool
    #: the names of the options that differ
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """All there is to do, decided before anything is done."""

    create: tuple[Wanted, ...]
    update: tuple[Update, ...]
    remove: tuple[Account, ...]
    #: name → why it cannot be had
    errors: Mapping[str, str]
    unchanged: int
    #: undeclared accounts that an exemption keeps
    kept: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Is there anything to do."""
        return bool(self.create or self.update or self.remove)
