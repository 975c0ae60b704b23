# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module: options in, the right request; results and failures out, without secrets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.planner import Action
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.probes import Failure, Options
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.run import (
    Request,
    Result,
    RollbackFailed,
    Undone,
)
from ansible_collections.allthingslinux.xmpp.plugins.modules import prosody_config
from ansible_collections.allthingslinux.xmpp.tests.unit.module_runner import run


class Transaction:
    """Stands for the real one: notes the request, answers as the test says."""

    answer: Any = None
    errors: tuple[Undone, ...] = ()
    requests: list[tuple[str, Request]]

    def __init__(self, request: Request, *_more: Any) -> None:
        self.request = request

    def _end(self, how: str) -> Result:
        type(self).requests.append((how, self.request))
        for error in self.errors:
            raise error
        return self.answer

    def run(self) -> Result:
        return self._end("run")

    def predict(self) -> Result:
        return self._end("predict")


@pytest.fixture
def transaction(monkeypatch: pytest.MonkeyPatch) -> type[Transaction]:
    Transaction.requests = []
    Transaction.errors = ()
    Transaction.answer = Result(
        actions=[Action("config:reload", "", "limits changed")],
        files=[Action("write", "/etc/prosody/prosody.cfg.lua", "content differs")],
        before=b"old\n",
        remarks=["remark"],
    )
    monkeypatch.setattr(prosody_config, "Transaction", Transaction)
    return Transaction


ME: dict[str, Any] = {"owner": str(os.geteuid()), "group": str(os.getegid())}


def test_options_become_a_request(transaction: type[Transaction]) -> None:
    secrets = {"database": "hunter22", "number": 5}
    result = run(prosody_config, content="new\n", secrets=secrets, probe={"ignore": ["log"]}, **ME)
    ((how, request),) = transaction.requests
    assert how == "run"
    assert request == Request(
        path="/etc/prosody/prosody.cfg.lua",
        content=b"new\n",
        secrets={"database": b"hunter22", "number": b"5"},
        secrets_dir="/etc/prosody/secrets",
        uid=os.geteuid(),
        gid=os.getegid(),
        mode=0o640,
        start=True,
        probe=True,
        options=Options("", 5.0, ("log",)),
        socket="/var/lib/prosody/prosody.sock",
        timeout=30.0,
        prosodyctl=("prosodyctl",),
    )
    assert result["changed"] is True
    assert [action["action"] for action in result["actions"]] == ["write", "config:reload"]
    assert result["remarks"] == ["remark"]
    assert result["diff"][0]["before"] == "old\n"
    assert result["diff"][0]["after"] == "new\n"
    assert "hunter22" not in str(result)


def test_check_mode_only_predicts(transaction: type[Transaction]) -> None:
    result = run(prosody_config, check=True, content="new\n", group="not-there-yet", owner="root")
    assert [how for how, _request in transaction.requests] == ["predict"]
    assert result["changed"] is True


def test_a_file_of_the_host_is_the_content(transaction: type[Transaction], tmp_path: Path) -> None:
    source = tmp_path / "prosody.cfg.lua"
    source.write_bytes(b"caf\xc3\xa9\n")
    run(prosody_config, src=str(source), service_state="unchanged", **ME)
    ((_how, request),) = transaction.requests
    assert (request.content, request.start, request.secrets) == (b"caf\xc3\xa9\n", False, None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"content": "x", "mode": "rw"}, "octal"),
        ({"src": "/no/such/file"}, "/no/such/file"),
        ({"content": "x", "group": "no-such-group"}, "no-such-group"),
        ({}, "one of"),
        ({"content": "x", "src": "/y"}, "mutually exclusive"),
    ],
)
def test_what_cannot_be_meant_is_refused(transaction: type[Transaction], options: dict[str, Any], message: str) -> None:
    result = run(prosody_config, **{**ME, **options})
    assert result["failed"] is True
    assert message in result["msg"]
    assert transaction.requests == []


@pytest.mark.parametrize(("kind", "undone"), [(Undone, True), (RollbackFailed, False)])
def test_a_failure_tells_everything_but_secrets(
    transaction: type[Transaction], kind: type[Undone], undone: bool
) -> None:
    tried, seen = [Action("restart", "", "sql changed")], [Failure("storage:x", "hunter22")]
    transaction.errors = (kind("It failed: hunter22 was refused", tried, seen),)
    result = run(prosody_config, content="new\n", secrets={"database": "hunter22"}, **ME)
    assert result["failed"] is True
    assert result["changed"] is False
    assert result["undone"] is undone
    assert result["failures"] == [{"probe": "storage:x", "seen": "********"}]
    assert result["actions"] == [{"action": "restart", "target": "", "why": "sql changed"}]
    assert "hunter22" not in str(result)


def test_the_documentation_names_every_option() -> None:
    import yaml

    documented = yaml.safe_load(prosody_config.DOCUMENTATION)["options"]
    assert set(documented) == set(prosody_config.ARGUMENT_SPEC)
    for name, option in documented.items():
        assert option.get("default") == prosody_config.ARGUMENT_SPEC[name].get("default"), name
