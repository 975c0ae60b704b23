# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module's main() as Ansible would, and a stand-in for the admin socket that answers from a script."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from typing import Any
from unittest.mock import patch

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminCommandFailed, Reply


def run(module: Any, *, check: bool = False, no_log: bool = False, **options: Any) -> dict[str, Any]:
    """Return what the module printed: its result, as Ansible reads it."""
    flags = {"_ansible_check_mode": check, "_ansible_diff": True, "_ansible_no_log": no_log}
    output = io.StringIO()
    said: list[str] = []
    # where code of the controller was imported too, Ansible takes this for the controller and shows warnings itself
    plain = AnsibleModule.warn

    def note(module: AnsibleModule, text: str) -> None:
        said.append(text)
        plain(module, text)

    warn = patch.object(AnsibleModule, "warn", note)
    with patch_module_args({**options, **flags}), redirect_stdout(output), warn, _exits():
        module.main()
    result = json.loads(output.getvalue())
    return {**result, "warnings": said} if said else result


class _exits:
    """A module ends by SystemExit, always."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, value: Any, trace: Any) -> bool:
        assert kind is SystemExit, value
        return True


class FakeSocket:
    """Answers each command by `answer(line, secrets)`: a Reply, a text, JSON-able data, or an exception to raise."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[Any, ...]] = []

    def __enter__(self) -> FakeSocket:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def _ask(self, *call: Any) -> Any:
        self.calls.append(call)
        reply = self.answer(*call) if callable(self.answer) else self.answer
        if isinstance(reply, Exception):
            raise reply
        return reply

    def command(self, line: str, secrets: Any = (), check: bool = True) -> Reply:
        reply = self._ask(line, tuple(secrets))
        if check and not reply.ok:
            raise AdminCommandFailed(f"Prosody refused it: {reply.text}", reply)
        return reply

    def lua(self, chunk: str) -> str:
        return self._ask(chunk)

    def lua_json(self, chunk: str) -> Any:
        return self._ask(chunk)


def use(monkeypatch: Any, answer: Any) -> FakeSocket:
    """Let modules connect to a FakeSocket; an exception as the answer to connecting itself is raised there."""
    fake = FakeSocket(answer)

    def connect(_params: Any) -> FakeSocket:
        if isinstance(answer, Exception):
            raise answer
        return fake

    monkeypatch.setattr(connection, "connect", connect)
    return fake
