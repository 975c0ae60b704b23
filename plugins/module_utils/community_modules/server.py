# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runner: the modules of a running server, over its admin socket."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules import environment, lua
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.code import ModuleSetError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminSocket
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import quote


class Server:
    """The server behind an open admin socket."""

    def __init__(self, socket: AdminSocket) -> None:
        self._socket = socket
        socket.lua(lua.library())

    def environment(self) -> environment.Environment:
        """Return what the server has, and which modules it runs."""
        return environment.read(self._socket.lua_json("return MODULES.state()"))

    def find(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return name → {path: the file that the server would load} or {error: why it could not}. Loads nothing."""
        answer: dict[str, dict[str, str]] = {}
        for some in _pieces(names):
            answer.update(self._socket.lua_json(f"return MODULES.find({quote(json.dumps(some))})"))
        return answer

    def load(self, host: str, name: str) -> None:
        """Load a module on a host. Raises ModuleSetError with what was seen, as all of these do."""
        self._do(f"load({quote(host)}, {quote(name)})")

    def reload(self, name: str) -> None:
        """Reload a module wherever it is loaded."""
        self._do(f"reload({quote(name)})")

    def unload(self, name: str) -> None:
        """Unload a module wherever it is loaded."""
        self._do(f"unload({quote(name)})")

    def remember(self) -> None:
        """Let the server remember which modules it has loaded."""
        self._socket.lua("return MODULES.remember()")

    def restore(self) -> None:
        """Load and unload what is needed for exactly those to be loaded again."""
        self._do("restore()")

    def _do(self, call: str) -> None:
        answer = self._socket.lua_json(f"return MODULES.{call}")
        if not answer.get("done"):
            error = str(answer.get("error") or "it does not say why")
            raise ModuleSetError(f"{error}.{_logged(answer.get('log') or (), error)}")


def _logged(lines: Sequence[Any], error: str) -> str:
    """What was logged meanwhile, without what the error says already, as a sentence."""
    reason = error.partition(": ")[2] or error
    seen = list(dict.fromkeys(str(line) for line in lines if reason not in str(line)))
    return f" Its log says: {'; '.join(seen)}." if seen else ""


def _pieces(names: Sequence[str], size: int = 100) -> Iterator[list[str]]:
    for start in range(0, len(names), size):
        yield list(names[start : start + size])
