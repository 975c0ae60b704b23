# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account modules as Ansible runs them, against a stand-in for the admin socket; and the runner of prosodyctl."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.prosodyctl import Prosodyctl, ProsodyctlFailed
from ansible_collections.allthingslinux.xmpp.plugins.modules import (
    prosody_account,
    prosody_account_info,
    prosody_accounts,
)
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner
from ansible_collections.allthingslinux.xmpp.tests.unit.accounts.test_accounts import EXISTING, Console

DOWN = AdminUnavailable("Cannot talk to Prosody: nobody listens.", "refused")


class Admin(Console):
    """The console as a context manager, as connection.connect returns it."""

    def __enter__(self) -> Admin:
        return self

    def __exit__(self, *_: object) -> None:
        return None


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> Admin:
    console = Admin()
    monkeypatch.setattr(connection, "connect", lambda _params: console)
    return console


@pytest.fixture
def down(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(_params: Any) -> None:
        raise DOWN

    monkeypatch.setattr(connection, "connect", connect)


#: options of prosody_account, in check mode → result
ONE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"jid": "Romeo@pg.example", "password": "hunter22"}, {"changed": False, "action": "none", "changes": []}),
    (
        {"name": "romeo@pg.example", "password": "other"},
        {"changed": True, "action": "updated", "changes": ["password"]},
    ),
    ({"jid": "romeo@pg.example", "password": "other", "update_password": "on_create"}, {"changed": False}),
    ({"jid": "romeo@pg.example", "state": "absent"}, {"changed": True, "action": "removed"}),
    ({"jid": "romeo@pg.example", "state": "disabled"}, {"changed": True, "changes": ["state"]}),
    (
        {"jid": "new@pg.example", "password": "hunter22"},
        {"changed": True, "action": "created", "jid": "new@pg.example"},
    ),
    ({"jid": "new@pg.example", "state": "absent"}, {"changed": False, "action": "none"}),
]


@pytest.mark.parametrize(("options", "expected"), ONE)
@pytest.mark.parametrize("check", [False, True])
def test_one_account(admin: Admin, options: dict[str, Any], expected: dict[str, Any], check: bool) -> None:
    result = module_runner.run(prosody_account, check=check, **options)
    assert {key: result[key] for key in expected} == expected
    assert result["predicted"] is False
    assert bool(admin.sent("create") + admin.sent("change")) == (expected["changed"] and not check)
    assert bool(result["diff"]["before"] or result["diff"]["after"]) == expected["changed"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"jid": "pg.example"}, "is not an account; one is written local@host"),
        ({"jid": "a@pg.example/x"}, "is not an account"),
        ({"jid": "a b@pg.example"}, "is not a valid JID"),
        ({"jid": "new@pg.example"}, "new@pg.example: it does not exist yet"),
        ({"jid": "romeo@pg.example", "role": "nope"}, "no role is called nope"),
        ({"jid": "a@pg.example", "password": "hunter22", "verifier": "hunter23"}, "mutually exclusive"),
    ],
)
def test_one_account_that_cannot_be_had(admin: Admin, options: dict[str, Any], reason: str) -> None:
    result = module_runner.run(prosody_account, **options)
    assert result["failed"]
    assert reason in result["msg"]
    assert not admin.sent("create") + admin.sent("change")


def test_one_account_without_a_server(down: None) -> None:
    result = module_runner.run(prosody_account, jid="a@x", password="hunter22")
    assert result["failed"]
    assert "nobody listens" in result["msg"]
    result = module_runner.run(prosody_account, check=True, jid="a@x", password="hunter22")
    assert (result["changed"], result["predicted"], result["action"]) == (True, True, "created")
    assert result["warnings"] == [f"{DOWN} Predicting what this task would do once it runs."]


def test_accounts_with_nothing_to_do(admin: Admin) -> None:
    result = module_runner.run(prosody_accounts, host="PG.example", accounts=EXISTING)
    assert (result["changed"], result["unchanged"], result["host"]) == (False, 3, "pg.example")
    assert (result["created"], result["updated"], result["removed"], result["errors"]) == ([], {}, [], {})
    assert "kept" not in result


@pytest.mark.parametrize("check", [False, True])
def test_accounts_with_everything(admin: Admin, check: bool) -> None:
    secrets = ["first-secret", "second-secret"]
    result = module_runner.run(
        prosody_accounts,
        check=check,
        host="pg.example",
        purge=True,
        purge_exempt=["tyb*"],
        accounts=[{"name": "new", "password": secrets[0]}, {"jid": "romeo@pg.example", "password": secrets[1]}],
    )
    assert result["created"] == ["new"]
    assert result["updated"] == {"romeo": ["password"]}
    assert result["removed"] == ["juliet"]
    assert result["kept"] == ["tybalt"]
    assert result["changed"]
    assert bool(admin.sent("create")) == (not check)
    # neither the result nor what was sent holds a password, though the result is not searched for them
    for secret in secrets:
        assert secret not in str(result)
        assert secret not in "".join(admin.calls)
    assert result["invocation"]["module_args"]["accounts"] == "2 accounts"


def test_accounts_of_which_some_fail(admin: Admin) -> None:
    admin.fail = {"taken": "it exists by now"}
    result = module_runner.run(
        prosody_accounts,
        host="pg.example",
        accounts=[
            {"name": "new", "password": "secret"},
            {"name": "taken", "password": "secret"},
            {"name": "no way"},
        ],
    )
    assert result["failed"]
    assert result["changed"]
    assert result["created"] == ["new"]
    assert set(result["errors"]) == {"taken", "no way"}
    assert "2 accounts of pg.example cannot be had as declared" in result["msg"]


def test_accounts_when_the_connection_is_lost(admin: Admin) -> None:
    admin.break_at = "create"
    result = module_runner.run(
        prosody_accounts,
        host="pg.example",
        accounts=[
            {"name": "romeo", "role": "prosody:member"},
            {"name": "new", "password": "secret"},
        ],
    )
    assert result["failed"]
    assert result["msg"] == "the connection is lost"
    # what was done until then is told
    assert result["changed"]
    assert result["updated"] == {"romeo": ["role"]}


def test_accounts_without_a_server(down: None) -> None:
    accounts = [{"name": "b", "password": "hunter22"}, {"name": "a", "state": "absent"}]
    options: dict[str, Any] = {"host": "x", "accounts": accounts}
    result = module_runner.run(prosody_accounts, **options)
    assert result["failed"]
    assert "nobody listens" in result["msg"]
    result = module_runner.run(prosody_accounts, check=True, **options)
    assert (result["changed"], result["predicted"], result["created"], result["unchanged"]) == (True, True, ["b"], 1)


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("muc.pg.example", "is a component"),
        ("ldap.example", "anonymous"),
        ("nohost.example", "serves no host"),
    ],
)
def test_accounts_of_a_host_that_has_none(admin: Admin, host: str, reason: str) -> None:
    admin.host = host
    result = module_runner.run(prosody_accounts, host=host, accounts=[])
    assert result["failed"]
    assert reason in result["msg"]


def test_accounts_of_a_host_that_is_not_one(admin: Admin) -> None:
    result = module_runner.run(prosody_accounts, host="a\u2028b", accounts=[])
    assert result["failed"]
    assert "its domain is not allowed" in result["msg"]


def test_a_host_that_comes_later_is_predicted(admin: Admin) -> None:
    admin.host = "nohost.example"
    result = module_runner.run(prosody_accounts, check=True, host="nohost.example", accounts=EXISTING)
    assert result["created"] == ["juliet", "romeo", "tybalt"]
    assert result["predicted"]


def test_info(admin: Admin) -> None:
    result = module_runner.run(prosody_account_info, host="pg.example")
    assert [entry["jid"] for entry in result["accounts"]] == [
        "juliet@pg.example",
        "romeo@pg.example",
        "tybalt@pg.example",
    ]
    assert result["accounts"][0]["contact"] == {"email": "j@x.example"}
    assert (result["default_role"], result["password_hash"], result["missing"]) == ("prosody:registered", "SHA-256", [])
    assert "stored_key" not in str(result)
    result = module_runner.run(prosody_account_info, host="pg.example", names=["Juliet@pg.example", "nobody"])
    assert [entry["name"] for entry in result["accounts"]] == ["juliet"]
    assert result["missing"] == ["nobody"]
    result = module_runner.run(prosody_account_info, host="pg.example", names=["a@other"])
    assert "not an account of pg.example" in result["msg"]


def test_info_without_a_server(down: None) -> None:
    assert "nobody listens" in module_runner.run(prosody_account_info, host="x")["msg"]


# --- prosodyctl ---


def ran(code: int = 0, stdout: str = "", stderr: str = "") -> Any:
    calls: list[tuple[list[str], dict[str, Any]]] = []

    def run(line: list[str], **options: Any) -> Any:
        calls.append((line, options))
        return subprocess.CompletedProcess(line, code, stdout, stderr)

    run.calls = calls  # type: ignore[attr-defined]
    return run


def test_prosodyctl_gets_secrets_by_standard_input() -> None:
    run = ran(1, "out\n", "err\n")
    output = Prosodyctl(run=run).call("adduser", "romeo@example.org", secrets=["hunter2", "hunter2"])
    [(line, options)] = run.calls
    assert line == ["prosodyctl", "adduser", "romeo@example.org"]
    assert options["input"] == "hunter2\nhunter2\n"
    assert "hunter2" not in str(options["env"])
    assert (output.code, output.text) == (1, "out\nerr")


def test_prosodyctl_of_another_place() -> None:
    run = ran()
    Prosodyctl(["docker", "exec", "prosody", "prosodyctl"], "/etc/other.cfg.lua", run=run).call("about")
    assert run.calls[0][0] == ["docker", "exec", "prosody", "prosodyctl", "--config", "/etc/other.cfg.lua", "about"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FileNotFoundError(), "there is no prosodyctl here"),
        (PermissionError(), "Run this task as root"),
        (subprocess.TimeoutExpired("x", 60), "did not end within 60 seconds"),
    ],
)
def test_prosodyctl_that_cannot_be_run(error: Exception, reason: str) -> None:
    def run(*_arguments: Any, **_options: Any) -> None:
        raise error

    with pytest.raises(ProsodyctlFailed, match=reason) as caught:
        Prosodyctl(run=run).call("adduser", "x@y", "third", secrets=["hunter2"])
    assert "hunter2" not in str(caught.value)
    assert "third" not in str(caught.value)


def test_a_real_program_that_waits_is_stopped() -> None:
    with pytest.raises(ProsodyctlFailed, match=r"did not end within 0\.2 seconds"):
        Prosodyctl(["sleep"], timeout=0.2).call("5")
