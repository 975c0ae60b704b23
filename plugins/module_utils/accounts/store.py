# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runner: accounts of one host through the admin socket, in batches that fit its commands. All I/O of the package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from ansible_collections.allthingslinux.xmpp.plugins.module_utils import admin_stream
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts import reader, server
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.model import Account, Host
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

# so many accounts in one command at most, so that none keeps the server busy for long
_MOST = 200


class Console(Protocol):
    """What is needed of an AdminSocket."""

    def lua(self, chunk: str) -> str:
        """Evaluate Lua, return its text."""

    def lua_json(self, chunk: str) -> Any:
        """Evaluate Lua, return its decoded JSON."""


class AccountStore:
    """The accounts of one host of a running Prosody.

    :raises HostError: accounts of this host cannot be managed.
    :raises AdminUnavailable: the connection is lost.
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

        :param extra: what to read besides state and roles: any of ``k`` keys, ``c`` times of creation and change,
            ``f`` flags, ``t`` contact data, ``a`` last activity.
        """
        found: dict[str, Account] = {}
        for batch in batches((server.literal(name) for name in names), len(server.call("read", [], extra))):
            answer = self._console.lua(server.call("read", batch, extra))
            found.update((account.name, account) for account in reader.accounts(answer, self.host))
        return found

    def create(self, items: list[str]) -> dict[str, str]:
        """Create the accounts of a batch (see :func:`server.created_literal`); return name → failure."""
        return reader.failures(self._console.lua_json(server.call("create", items)))

    def change(self, items: list[str]) -> dict[str, str]:
        """Change the accounts of a batch (see :func:`server.changed_literal`); return name → failure."""
        return reader.failures(self._console.lua_json(server.call("change", items)))


class Batcher:
    """Collects literals until one more would not fit into a command."""

    def __init__(self, overhead: int = 0) -> None:
        # the frame of the command, "> ", the call around the list
        frame = admin_stream.command_size("> return xa.function({})") + overhead + 100
        self._room = admin_stream.MAX_COMMAND_BYTES - frame
        self._items: list[str] = []
        self._size = 0

    def add(self, item: str) -> list[str] | None:
        """Take one literal; return the batch that had to be closed for it, if any.

        :raises XmppError: it is too large for any command.
        """
        size = admin_stream.command_size(item) - admin_stream.command_size("") + 1
        if size > self._room:
            raise XmppError(f"What is declared takes {size} bytes; one account must not take more than {self._room}.")
        full = None
        if self._size + size > self._room or len(self._items) >= _MOST:
            full = self.take()
        self._items.append(item)
        self._size += size
        return full

    def take(self) -> list[str]:
        """Return what is there and begin anew."""
        items, self._items, self._size = self._items, [], 0
        return items


def batches(items: Iterable[str], overhead: int = 0) -> Iterator[list[str]]:
    """Divide literals into lists that each fit into one command."""
    batcher = Batcher(overhead)
    for item in items:
        full = batcher.add(item)
        if full:
            yield full
    rest = batcher.take()
    if rest:
        yield rest
