# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module xmpp_check: its options, its documentation, its result."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import run
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import Outcome
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import DEFAULT_PORTS
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.modules import xmpp_check

ACCOUNTS = [
    {"jid": "one@example.org", "password": "secret-one"},
    {"jid": "two@example.org", "password": "secret-two"},
]


def result_of(capsys, monkeypatch, outcomes, **options):
    """Run main() with these outcomes instead of real checks: (result, target the checks were given)."""
    seen = []

    async def fake(target, names):
        seen.append((target, names))
        return run.Report(outcomes, "marker", "id-1", "two@example.org")

    monkeypatch.setattr(xmpp_check, "run", fake)
    with patch_module_args({"domain": "example.org", "accounts": ACCOUNTS, **options}), pytest.raises(SystemExit):
        xmpp_check.main()
    return json.loads(capsys.readouterr().out), *seen


def test_all_well(capsys, monkeypatch):
    outcomes = [
        Outcome("starttls", "STARTTLS 5222", "ok", "signed in"),
        Outcome("turn_tls", "TURN", "not_offered", "no"),
    ]
    result, (target, names) = result_of(capsys, monkeypatch, outcomes, ports={"c2s": 15222}, without=["muc"], timeout=3)
    assert result["changed"] is False
    assert "failed" not in result
    assert result["lines"] == ["ok      STARTTLS 5222: signed in", "absent  TURN: no"]
    assert [check["ok"] for check in result["checks"]] == [True, True]
    assert result["archived"] == {"jid": "two@example.org", "id": "id-1", "marker": "marker"}
    assert dict(target.ports) == {**DEFAULT_PORTS, "c2s": 15222}
    assert (target.without, target.timeout, target.ca) == (("muc",), 3.0, None)
    assert names == list(run.CHECKS)


def test_one_that_failed_fails_the_module_and_all_lines_are_told(capsys, monkeypatch):
    outcomes = [
        Outcome("starttls", "STARTTLS 5222", "ok", "signed in"),
        Outcome("room", "room", "failed", "refused", "Look there"),
        Outcome("archive", "archive", "not_tried", "not tried"),
    ]
    result, _seen = result_of(capsys, monkeypatch, outcomes)
    assert result["failed"] is True
    assert result["msg"] == "2 of 3 checks failed: room, archive"
    assert len(result["lines"]) == 3


def test_passwords_are_kept_out_of_the_result(capsys, monkeypatch):
    leaky = [Outcome("room", "room", "failed", "heard secret-one", "say secret-two")]
    result, _seen = result_of(capsys, monkeypatch, leaky)
    assert "secret-one" not in json.dumps(result)
    assert "secret-two" not in json.dumps(result)


@pytest.mark.parametrize(
    ("accounts", "text"),
    [
        (ACCOUNTS[:1], "two different accounts"),
        ([ACCOUNTS[0], ACCOUNTS[0]], "two different accounts"),
        ([*ACCOUNTS, {"jid": "three@example.org", "password": "three-words"}], "two different accounts"),
        (
            [ACCOUNTS[0], {"jid": "two@example.net", "password": "three-words"}],
            "two@example.net is not a bare JID of example.org",
        ),
        ([ACCOUNTS[0], {"jid": "two@example.org/phone", "password": "three-words"}], "not a bare JID"),
        ([ACCOUNTS[0], {"jid": "@example.org", "password": "three-words"}], "not a bare JID"),
    ],
)
def test_accounts_that_cannot_be_used_are_refused(capsys, monkeypatch, accounts, text):
    result, *seen = result_of(capsys, monkeypatch, [], accounts=accounts)
    assert result["failed"] is True
    assert text in result["msg"]
    assert seen == []


def test_a_ca_bundle_that_cannot_be_read_is_told_once_before_all(capsys, monkeypatch, tmp_path):
    result, *seen = result_of(capsys, monkeypatch, [], ca=str(tmp_path / "missing.pem"))
    assert "missing.pem cannot be read" in result["msg"]
    assert seen == []


@pytest.mark.parametrize("library", ["slixmpp", "aioice", "websockets"])
def test_a_missing_library_is_named(capsys, monkeypatch, library):
    monkeypatch.setattr(xmpp_check.REQUIRED[library], "MISSING", "No module named x")
    result, *seen = result_of(capsys, monkeypatch, [])
    assert library in result["msg"]
    assert seen == []


def test_an_error_outside_the_checks_is_told(capsys, monkeypatch):
    async def fails(_target, _names):
        raise XmppError("no way")

    monkeypatch.setattr(xmpp_check, "run", fails)
    with patch_module_args({"domain": "example.org", "accounts": ACCOUNTS}), pytest.raises(SystemExit):
        xmpp_check.main()
    assert json.loads(capsys.readouterr().out)["msg"] == "no way"


def test_the_documentation_names_the_checks_there_are():
    options = yaml.safe_load(xmpp_check.DOCUMENTATION)["options"]
    assert options["checks"]["choices"] == list(run.CHECKS)
    assert options["checks"]["default"] == list(run.CHECKS)
    assert set(options) == set(xmpp_check.argument_spec())
    ports = {name: option["default"] for name, option in options["ports"]["suboptions"].items()}
    assert ports == DEFAULT_PORTS
