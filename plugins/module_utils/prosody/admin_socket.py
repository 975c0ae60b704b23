# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runner: talk to a running Prosody over its admin socket, as prosodyctl shell does.

One connection serves any number of commands. Nothing that is sent can be seen in a process list, an environment or
a file. Needs ``admin_shell`` in Prosody's ``modules_enabled``.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import admin_stream

DEFAULT_PATH = "/var/lib/prosody/prosody.sock"


class AdminUnavailable(XmppError):
    """Prosody cannot be talked to. ``reason``: missing, refused, denied, timeout, closed, protocol or failed."""

    def __init__(self, message: str, reason: str = "failed") -> None:
        super().__init__(message)
        self.reason = reason


class AdminCommandFailed(XmppError):
    """Prosody ran the command and answered with an error. ``reply`` is the whole answer."""

    def __init__(self, message: str, reply: Reply) -> None:
        super().__init__(message)
        self.reply = reply


@dataclass(frozen=True)
class Reply:
    """One answer: did it work, the text of the result (``OK: …``, ``Error: …``), the lines printed before it."""

    ok: bool
    text: str
    output: tuple[str, ...]


class AdminSocket:
    """A connection to Prosody's admin socket. Use it as a context manager.

    path: the socket; in a container setup the path at which it is mounted.
    timeout: seconds that connecting, and then each command as a whole, may take.
    Raises AdminUnavailable: no socket, nobody listening, not permitted, no answer in time. After such an error the
        connection is of no further use: an answer could belong to an older question.
    """

    def __init__(self, path: str = DEFAULT_PATH, timeout: float = 30.0) -> None:
        self.path = path
        self.timeout = float(timeout)
        self._reader = admin_stream.StreamReader()
        self._broken: AdminUnavailable | None = None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(self.timeout)
            self._socket.connect(path)
            self._socket.sendall(admin_stream.OPENING)
        except OSError as error:
            self._socket.close()
            raise _unavailable(error, path, self.timeout) from None

    def __enter__(self) -> AdminSocket:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye and close the connection; never raises."""
        try:
            if not self._broken:
                self._socket.sendall(admin_stream.CLOSING)
        except OSError:
            pass
        finally:
            self._socket.close()

    def command(self, line: str, secrets: Sequence[str] = (), check: bool = True) -> Reply:
        """Run one line of Prosody's shell and return the answer.

        secrets: what to answer to password prompts, in order; a prompt beyond them is refused.
        check: raise AdminCommandFailed when the answer is an error, instead of returning it.
        Raises XmppError: the line is too long or cannot be sent.
        """
        self._usable()
        data = admin_stream.repl_input(line)
        pending = list(secrets)
        output: list[str] = []
        unfinished = False
        deadline = time.monotonic() + self.timeout
        self._send(data, deadline)
        while True:
            stanza = self._receive(deadline)
            if stanza.name == "repl-output":
                if unfinished:
                    output[-1] += stanza.text
                else:
                    output.append(stanza.text)
                unfinished = stanza.attributes.get("eol") == "0"
            elif stanza.name == "repl-request-input":
                kind = stanza.attributes.get("type", "")
                secret = pending.pop(0) if kind == "password" and pending else None
                self._send(admin_stream.requested_input(kind, stanza.attributes.get("id", ""), secret), deadline)
            elif stanza.name == "repl-result":
                reply = Reply(stanza.attributes.get("type") != "error", stanza.text, tuple(output))
                if check and not reply.ok:
                    raise AdminCommandFailed(f"Prosody refused {_label(line)}: {_why(reply)}", reply)
                return reply

    def lua(self, chunk: str) -> str:
        """Evaluate Lua inside the server and return its text.

        The chunk ends with ``return true, text``, or with ``return nil, why``, which raises AdminCommandFailed.
        Its globals last as long as the connection.
        """
        reply = self.command(f"> {chunk}")
        if not reply.text.startswith("OK: "):
            raise AdminCommandFailed(f"Prosody answered a Lua command without a text: {reply.text[:200]!r}", reply)
        return reply.text[4:]

    def lua_json(self, chunk: str) -> Any:
        """Evaluate Lua that returns ``true, json``; return the decoded value."""
        text = self.lua(chunk)
        try:
            return json.loads(text)
        except ValueError as error:
            raise AdminCommandFailed(
                f"Prosody answered a Lua command with something that is not JSON ({error}): {text[:200]!r}",
                Reply(True, text, ()),
            ) from None

    def _usable(self) -> None:
        if self._broken:
            raise self._broken

    def _fail(self, error: Exception) -> AdminUnavailable:
        self._broken = _unavailable(error, self.path, self.timeout)
        return self._broken

    def _send(self, data: bytes, deadline: float) -> None:
        try:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            self._socket.sendall(data)
        except OSError as error:
            # the reason may already lie in what the server sent before it hung up
            with contextlib.suppress(AdminUnavailable):
                self._receive(time.monotonic() + 0.2)
            raise self._broken or self._fail(error) from None

    def _receive(self, deadline: float) -> admin_stream.Stanza:
        try:
            while True:
                stanza = self._reader.next()
                if stanza:
                    return stanza
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                self._socket.settimeout(left)
                data = self._socket.recv(65536)
                if not data or self._reader.closed:
                    raise EOFError
                self._reader.feed(data)
        except (OSError, EOFError, admin_stream.StreamError) as error:
            raise self._fail(error) from None


def _label(line: str) -> str:
    """Name a command for a message without its arguments, which may be secret."""
    return "a Lua command" if line.startswith(">") else f'the command "{line.partition("(")[0][:60]}"'


def _why(reply: Reply) -> str:
    text = reply.text
    if text.startswith("Error: "):
        text = text[len("Error: ") :]
    return text or "\n".join(reply.output) or "no reason given"


def _unavailable(error: Exception, path: str, timeout: float) -> AdminUnavailable:
    """Say what an error of the socket means for the operator."""
    cases: list[tuple[type[Exception], str, str]] = [
        (
            FileNotFoundError,
            "missing",
            "there is no such socket. Is Prosody running, is admin_shell among its modules_enabled, "
            "and is this the path of its admin_socket?",
        ),
        (ConnectionRefusedError, "refused", "nobody listens on it. Prosody is not running (or crashed): start it"),
        (
            PermissionError,
            "denied",
            "permission denied. Run this task as root or as the user of Prosody (become: true)",
        ),
        (
            TimeoutError,
            "timeout",
            f"no answer within {timeout:g} seconds. Prosody is busy or hangs: look at its log, or raise the timeout",
        ),
        (admin_stream.StreamError, "protocol", str(error)),
        (EOFError, "closed", "Prosody closed the connection. It is stopping, or restarted: look at its log"),
        (ConnectionError, "closed", "Prosody closed the connection. It is stopping, or restarted: look at its log"),
    ]
    for kind, reason, text in cases:
        if isinstance(error, kind):
            return AdminUnavailable(f"Cannot talk to Prosody through its admin socket {path}: {text}.", reason)
    return AdminUnavailable(f"Cannot talk to Prosody through its admin socket {path}: {error}.", "failed")
