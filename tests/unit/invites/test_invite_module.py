# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module prosody_invite as Ansible runs it: options, flags → what is asked of the server, and the result."""

from __future__ import annotations

import json

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.invites.server import moment
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable
from ansible_collections.allthingslinux.xmpp.plugins.modules import prosody_invite, prosody_invite_info
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner
from ansible_collections.allthingslinux.xmpp.tests.unit.invites.test_invite import ANSWER, NOW


@pytest.fixture
def server(monkeypatch):
    """Answers as recorded, and creates what it is asked for."""

    def answer(chunk):
        if "create_account" in chunk:
            return {**ANSWER["invites"][0], "token": "newtoken", "uri": "xmpp:example.org?register;preauth=newtoken"}
        return {} if "store:set" in chunk else ANSWER

    return module_runner.use(monkeypatch, answer)


def run(check=False, **options):
    return module_runner.run(prosody_invite, check=check, **{"jid": "example.org", **options})


def test_a_pending_one_is_handed_out_again(server):
    for check in (False, True):
        result = run(check, roles=["prosody:member"])
        assert not result["changed"]
        assert result["link"] == "xmpp:example.org?register;preauth=registration"
        assert result["invite"]["roles"] == ["prosody:member"]
        assert result["diff"] == {"before": "", "after": ""}
    assert len(server.calls) == 2


def test_a_new_one_is_made_and_predicted(server):
    predicted = run(True, expires_after="2h")
    assert predicted["changed"]
    assert (predicted["link"], predicted["invite"]) == ("", None)
    assert predicted["diff"]["after"].startswith("registration invitation for example.org until 2026-")
    assert len(server.calls) == 1
    made = run(expires_after="2h")
    assert made["changed"]
    assert made["link"].endswith("newtoken")
    assert '\\"ttl\\": 7200' in server.calls[-1][0]
    assert "newtoken" not in json.dumps(made["diff"])


def test_one_for_an_account_that_exists_is_fulfilled(server):
    result = run(jid="alice@example.org")
    assert (result["changed"], result["fulfilled"], result["invite"]) == (False, True, None)
    assert len(server.calls) == 1


def test_prosody_invite_info_lists_what_is_pending(server):
    for check in (False, True):
        listed = module_runner.run(prosody_invite_info, check=check, jid="alice@example.org")
        assert not listed["changed"]
        assert [one["type"] for one in listed["invites"]] == ["password_reset", "registration", "contact", "contact"]
        assert listed["invites"][2]["created"] == ""
        assert "preauth" not in json.dumps(listed)
        assert "token" not in json.dumps(listed)
    listed = module_runner.run(prosody_invite_info, jid="alice@example.org", links=True)
    assert listed["invites"][0]["landing_page"] == "https://example.org/invite?reset"


def test_prosody_invite_info_tells_errors(server, monkeypatch):
    assert "has a resource" in module_runner.run(prosody_invite_info, jid="a@example.org/x")["msg"]
    module_runner.use(monkeypatch, AdminUnavailable("nobody listens", "refused"))
    assert module_runner.run(prosody_invite_info, jid="example.org")["msg"] == "nobody listens"


def test_absent(server):
    predicted = run(True, state="absent")
    assert (predicted["changed"], len(server.calls)) == (True, 1)
    revoked = run(state="absent")
    assert revoked["changed"]
    assert '[\\"registration\\"]' in server.calls[-1][0]
    assert revoked["diff"]["before"].count("\n") == 1
    assert not run(jid="bob@example.org", state="absent")["changed"]


def test_one_token_is_revoked_and_not_shown(server):
    result = run(state="absent", token="reset")
    assert result["changed"]
    assert '[\\"reset\\"]' in server.calls[-1][0]
    assert "preauth=reset" not in json.dumps(result)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"type": "contact"}, "give the JID of an account"),
        ({"jid": "alice@example.org", "type": "contact", "roles": ["prosody:member"]}, "Roles and groups are for"),
        ({"expires_after": "soon"}, "'soon' is not a duration"),
        ({"min_remaining": "-1d"}, "'-1d' is not a duration"),
        ({"roles": ["prosody:king"]}, "has no role prosody:king"),
        ({"jid": "@example.org"}, "example.org"),
    ],
)
def test_errors_are_failures(server, options, message):
    result = run(**options)
    assert result["failed"]
    assert message in result["msg"]


def test_a_server_that_is_down_is_told(monkeypatch):
    module_runner.use(monkeypatch, AdminUnavailable("nobody listens", "refused"))
    assert run()["msg"] == "nobody listens"


def test_times_are_told_in_utc():
    assert moment(NOW) == "2026-11-22T13:16:12Z"
    assert moment(0) == ""
