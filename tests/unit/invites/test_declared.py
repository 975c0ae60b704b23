# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared invitations: made once, what became of each told, revoked when its line is gone. Links stay hidden."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.invites import declared, server
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable
from ansible_collections.allthingslinux.xmpp.plugins.modules import prosody_invites
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner
from ansible_collections.allthingslinux.xmpp.tests.unit.invites.test_invite import ANSWER, NOW

HELPDESK = {"name": "helpdesk", "jid": "example.org", "expires_after": "2d"}


class Server:
    """A Prosody that remembers its invitations, as far as the module asks for them."""

    def __init__(self) -> None:
        self.now = NOW
        self.pending: dict[str, dict[str, Any]] = {}
        self.count = 0
        self.users: set[str] = set()

    def __call__(self, chunk: str) -> Any:
        question = json.loads(json.loads(chunk[chunk.index('json.decode("') + 12 : chunk.index('"); local host') + 1]))
        if question["host"] != "example.org":
            raise XmppError(f"Prosody refused it: {server.NO_HOST} {question['host']}")
        if "create_account" in chunk:
            self.count += 1
            token = f"token{self.count}"
            jid = "@".join(filter(None, [question.get("user"), question["host"]]))
            made = {
                "type": "register",
                "jid": jid,
                "allow_registration": True,
                "uri": f"xmpp:{jid}?register;preauth={token}",
                "created_at": self.now,
                "expires": self.now + question.get("ttl", 604800),
                "additional_data": {"roles": question["roles"]} if "roles" in question else {},
            }
            self.pending[token] = made
            return {**made, "token": token}
        if "store:set" in chunk:
            for token in question["tokens"]:
                self.pending.pop(token)
            return {}
        found = [{**one, "token": token} for token, one in self.pending.items()]
        exists = question.get("user", "") in self.users
        return {**ANSWER, "now": self.now, "invites": found, "contacts": {}, "user_exists": exists}


@pytest.fixture
def prosody(monkeypatch: pytest.MonkeyPatch) -> Server:
    answering = Server()
    module_runner.use(monkeypatch, answering)
    return answering


@pytest.fixture
def run(prosody: Server, tmp_path: Path) -> Any:
    record = tmp_path / "xmpp" / "invitations.json"

    def run(*lines: dict[str, Any], check: bool = False) -> dict[str, Any]:
        result = module_runner.run(prosody_invites, check=check, invitations=list(lines), record=str(record))
        assert "token" not in json.dumps(result)
        assert "preauth" not in json.dumps(result)
        return result

    run.record = record  # type: ignore[attr-defined]
    return run


def states(result: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["state"] for one in result["invitations"]}


def test_each_is_made_once_and_remembered_for_root_alone(run: Any, prosody: Server) -> None:
    foreseen = run(HELPDESK, check=True)
    assert (foreseen["changed"], foreseen["made"], states(foreseen)) == (True, ["helpdesk"], {"helpdesk": "new"})
    assert not prosody.pending
    assert not run.record.exists()
    made = run(HELPDESK)
    assert (made["changed"], made["made"], made["diff"]) == (True, ["helpdesk"], foreseen["diff"])
    assert states(made) == {"helpdesk": "pending"}
    assert stat.S_IMODE(run.record.stat().st_mode) == 0o600
    kept = json.loads(run.record.read_text())["helpdesk"]
    assert kept["link"] == "xmpp:example.org?register;preauth=token1"
    for check in (True, False):
        again = run(HELPDESK, check=check)
        assert (again["changed"], states(again)) == (False, {"helpdesk": "pending"})
    assert len(prosody.pending) == 1


@pytest.mark.parametrize(("later", "became"), [(0, "used"), (3 * 86400, "expired")])
def test_one_that_is_spent_is_not_made_again(run: Any, prosody: Server, later: int, became: str) -> None:
    run(HELPDESK)
    prosody.pending.clear()
    prosody.now += later
    for check in (True, False):
        spent = run(HELPDESK, check=check)
        assert (spent["changed"], states(spent)) == (False, {"helpdesk": became})
    assert not prosody.pending
    # another name is another invitation
    renewed = run({**HELPDESK, "name": "helpdesk-2"})
    assert (renewed["made"], renewed["revoked"], len(prosody.pending)) == (["helpdesk-2"], [], 1)


def test_a_changed_line_makes_another_and_revokes_the_first(run: Any, prosody: Server) -> None:
    run(HELPDESK)
    changed = {**HELPDESK, "roles": ["prosody:member"]}
    foreseen = run(changed, check=True)
    assert list(prosody.pending) == ["token1"]
    done = run(changed)
    assert (done["made"], done["revoked"]) == (foreseen["made"], foreseen["revoked"]) == (["helpdesk"], ["helpdesk"])
    assert list(prosody.pending) == ["token2"]
    # written another way, it is the same line
    assert not run({**changed, "expires_after": "48h"})["changed"]


def test_a_deleted_line_revokes_what_was_made_of_it_and_nothing_else(run: Any, prosody: Server) -> None:
    run(HELPDESK, {"name": "other", "jid": "example.org"})
    prosody.pending["by-hand"] = {**prosody.pending["token1"]}
    done = run({"name": "other", "jid": "example.org"})
    assert (done["changed"], done["revoked"]) == (True, ["helpdesk"])
    assert sorted(prosody.pending) == ["by-hand", "token2"]
    assert run()["revoked"] == ["other"]
    assert not run()["changed"]


def test_who_has_an_account_is_not_invited(run: Any, prosody: Server) -> None:
    prosody.users.add("juliet")
    done = run({"name": "juliet", "jid": "juliet@example.org"})
    assert (done["changed"], states(done)) == (False, {"juliet": "fulfilled"})


def test_a_domain_that_is_served_no_more_holds_nothing_up(run: Any, prosody: Server) -> None:
    run(HELPDESK)
    made = declared.read(run.record)
    away = {name: declared.Made(one.line, "gone.test", "", one.expires, "t", "l") for name, one in made.items()}
    declared.write(run.record, away)
    done = run()
    assert (done["changed"], done["revoked"]) == (True, [])
    foreseen = run({"name": "new", "jid": "gone.test"}, check=True)
    assert states(foreseen) == {"new": "new"}
    assert server.NO_HOST in run({"name": "new", "jid": "gone.test"})["msg"]


def test_check_mode_before_prosody_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module_runner.use(monkeypatch, AdminUnavailable("nobody listens", "refused"))
    options: dict[str, Any] = {"invitations": [HELPDESK], "record": str(tmp_path / "record")}
    foreseen = module_runner.run(prosody_invites, check=True, **options)
    assert (foreseen["made"], states(foreseen)) == (["helpdesk"], {"helpdesk": "new"})
    assert module_runner.run(prosody_invites, **options)["msg"] == "nobody listens"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"name": "../../etc/passwd"}, "cannot be the name of an invitation"),
        ({"name": ".hidden"}, "cannot be the name of an invitation"),
        ({"name": "a", "jid": "example.org", "expires_after": "soon"}, "Invitation a: 'soon' is not a duration"),
        ({"name": "a", "type": "contact"}, "Invitation a: 'example.org' is a host"),
        ({"name": "a", "type": "contact", "jid": "b@example.org", "roles": ["x"]}, "roles and groups are for"),
        ({"name": "a", "roles": ["prosody:king"]}, "has no role prosody:king"),
        ({"name": "helpdesk"}, "Two invitations have the name helpdesk"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    run: Any, prosody: Server, line: dict[str, Any], told: str
) -> None:
    for check in (True, False):
        result = run(HELPDESK, {"jid": "example.org", **line}, check=check)
        assert result["failed"]
        assert told in result["msg"]
    assert not prosody.pending


@pytest.mark.parametrize("text", ["{", "[]", '{"a": {"link": "xmpp:secret"}}', '{"a": 5}'])
def test_a_record_that_is_none_is_told_without_what_it_says(run: Any, text: str) -> None:
    run.record.parent.mkdir()
    run.record.write_text(text)
    result = run(HELPDESK)
    assert "remove it to have all that are declared made anew" in result["msg"]
    assert "secret" not in result["msg"]


def test_a_link_follows_the_page_it_leads_to(run: Any, prosody: Server) -> None:
    run(HELPDESK)
    prosody.pending["token1"]["landing_page"] = "https://example.org:8443/invite/?token1"
    foreseen = run(HELPDESK, check=True)
    assert json.loads(run.record.read_text())["helpdesk"]["link"].startswith("xmpp:")
    moved = run(HELPDESK)
    assert (foreseen["changed"], foreseen["diff"]) == (moved["changed"], moved["diff"])
    assert moved["changed"]
    assert (states(moved), moved["made"]) == ({"helpdesk": "pending"}, [])
    assert moved["diff"]["after"] == "helpdesk: registration invitation for example.org, its link at another address\n"
    assert json.loads(run.record.read_text())["helpdesk"]["link"] == "https://example.org:8443/invite/?token1"
    assert not run(HELPDESK)["changed"]
