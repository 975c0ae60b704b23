# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runner: accounts of one host through the admin socket, in batches that fit its commands. All I/O of the package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts import reader, server
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.model import Account, Host
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import admin_stream

# so many accounts at most are read, and so many are written at a time, so that the server is never busy for long
_MOST_READ = 500
MOST_WRITTEN = 200


class Console(Protocol):
    """What is needed of an AdminSocket."""

    def lua(self, chunk: str) -> str:
        """Evaluate Lua, return its text."""

    def lua_json(self, chunk: str) -> Any:
        """Evaluate Lua, return its decoded JSON."""


class AccountStore:
    """The accounts of one host of a running Prosody.

    Raises HostError: accounts of this host cannot be managed.
    Raises AdminUnavailable: the connection is lost.
    """

    def __init__(self, console: Console, host: str) -> None:
        self._console = console
        for definition in server.DEFINITIONS:
            console.lua(definition)
        self.host: Host = reader.host(console.lua_json(f"return xa.open({server.literal(host)})"), host)

    def names(self) -> list[str]:
        """Return the local parts of all accounts."""
        return reader.names(self._console.lua_json("return xa.names()"))

    def read(self, names: Iterable[str], extra: str = "") -> dict[str, Account]:
        """Return those of the named accounts that exist.

        extra: what to read besides state and roles: any of ``k`` keys, ``c`` times of creation and change,
            ``f`` flags, ``t`` contact data, ``a`` last activity.
        """
        found: dict[str, Account] = {}
        for batch in batches(map(server.literal, names), _MOST_READ, 10):
            answer = self._console.lua(server.call("read", batch, extra))
            found.update((account.name, account) for account in reader.accounts(answer, self.host))
        return found

    def create(self, items: list[str]) -> dict[str, str]:
        """Create accounts (see :func:`server.created_literal`) in one transaction; return name → failure.

        If the transaction fails, each is tried alone.
        """
        for batch in batches(items):
            self._console.lua(server.call("stage", batch))
        return reader.failures(self._console.lua_json("return xa.create()"))

    def change(self, items: list[str]) -> dict[str, str]:
        """Change accounts (see :func:`server.changed_literal`); return name → failure."""
        failures: dict[str, str] = {}
        for batch in batches(items):
            failures.update(reader.failures(self._console.lua_json(server.call("change", batch))))
        return failures


def room(overhead: int = 0) -> int:
    """Return how many bytes of literals fit into a command, besides so many bytes of further arguments."""
    return admin_stream.MAX_COMMAND_BYTES - admin_stream.command_size("> return xa.function({},)") - overhead


def size(item: str) -> int:
    """Return how many bytes a literal takes in a command, with its comma.

    Raises XmppError: it is too large for any command.
    """
    taken = admin_stream.command_size(item) - admin_stream.command_size("") + 1
    if taken > room():
        raise XmppError(f"What is declared takes {taken} bytes; one account must not take more than {room()}.")
    return taken


def batches(items: Iterable[str], most: int = MOST_WRITTEN, overhead: int = 0) -> Iterator[list[str]]:
    """Divide literals into lists that each fit into one command."""
    batch: list[str] = []
    taken = 0
    for item in items:
        more = size(item)
        if batch and (taken + more > room(overhead) or len(batch) >= most):
            yield batch
            batch, taken = [], 0
        batch.append(item)
        taken += more
    if batch:
        yield batch
