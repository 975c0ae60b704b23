# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared invitations: all that is wrong with them is told before anything is changed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.invites import declared
from ansible_collections.allthingslinux.xmpp.plugins.modules import prosody_invites
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import findings
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.invitations import (
    declared_invitations,
    invitation_problems,
)


def settings(*invitations: Any, **others: Any) -> dict[str, Any]:
    hosts = [{"name": "op.test"}, {"name": "closed.test", "registration": "closed"}]
    return {
        "domain": "op.test",
        "hosts": hosts,
        "registration": "invite",
        "storage": "internal",
        "invitations": list(invitations),
        **others,
    }


def test_invitations_to_this_server_are_fine() -> None:
    given = settings(
        {"name": "helpdesk", "expires_after": "2d"},
        {"name": "juliet", "jid": "Juliet@op.test", "roles": ["prosody:member"]},
        {"name": "friend", "jid": "juliet@op.test", "type": "contact"},
    )
    assert invitation_problems(given) == []
    assert findings.problems(given) == []
    assert [line["jid"] for line in declared_invitations(given)] == ["op.test", "Juliet@op.test", "juliet@op.test"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"jid": "op.test"}, " has no name: give it."),
        (
            {"name": "a", "expire_after": "2d"},
            " has a key expire_after, which there is not: did you mean expires_after?",
        ),
        ({"name": "a", "expires_after": 3600}, ".expires_after is a number where a text belongs"),
        ({"name": "a", "expires_after": "0"}, "'0' is no time, and nobody could use the invitation"),
        ({"name": "a", "expires_after": "0d"}, "'0d' is no time"),
        ({"name": "a", "groups": "team"}, ".groups is a text where a list belongs"),
        ({"name": "a", "allow_registration": "no"}, ".allow_registration is a text where true or false belongs"),
        ({"name": 5}, ".name is a number where a text belongs"),
        ({"name": "a", "type": "password_reset"}, "type"),
        ({"name": "a/b"}, "cannot be the name of an invitation"),
        ({"name": "a", "expires_after": "soon"}, "is not a duration"),
        (
            {"name": "a", "jid": "other.test"},
            "other.test is none of the domains in prosody_hosts (closed.test, op.test)",
        ),
        ({"name": "a", "jid": "closed.test"}, "registration is closed: set xmpp_registration to invite"),
        ({"name": "a", "jid": "x y@op.test"}, "Invitation a: "),
        ({"name": "first"}, "the name first is already that of prosody_invitations[0]"),
    ],
)
def test_what_is_wrong_with_an_invitation_is_told_with_its_place(line: dict[str, Any], told: str) -> None:
    given = settings({"name": "first"}, line)
    (found,) = invitation_problems(given)
    assert re.match(r"prosody_invitations\[1\](: | has |\.)", found)
    assert "Supported parameters" not in found
    assert told in found
    assert found in [problem["problem"] for problem in findings.problems(given)]


def test_whether_a_domain_invites_is_read_as_the_model_writes_it() -> None:
    line = {"name": "a"}
    assert invitation_problems(settings(line, registration="closed"))
    assert not invitation_problems(settings(line, registration="closed", modules=["invites"]))
    assert not invitation_problems(settings(line, registration="public"))
    own = [{"name": "op.test", "registration": "invite"}]
    assert not invitation_problems(settings(line, registration="closed", hosts=own))
    off = ["invites", "invites_adhoc", "invites_register", "invites_page"]
    assert invitation_problems(settings(line, modules_disabled=off))


def test_the_module_takes_what_is_checked_here() -> None:
    assert prosody_invites.declared.INVITATION is declared.INVITATION
