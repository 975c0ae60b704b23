# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/invites/server.py: answers recorded from Prosody 13.0.1 → values, values → what to do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.invites.server import (
    CONTACT,
    PASSWORD_RESET,
    REGISTRATION,
    InviteError,
    Invites,
    Wanted,
    host_and_user,
    plan,
    read,
    seconds,
    to_revoke,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = 1795353372
# recorded; tokens are not valid anywhere
ANSWER: dict[str, Any] = {
    "now": NOW,
    "user_exists": True,
    "groups": False,
    "roles": ["prosody:member", "prosody:admin"],
    "contacts": {"contactonly": NOW + 600000, "contactreg": NOW + 600000, "old": NOW - 5},
    "invites": [
        {
            "token": "registration",
            "type": "register",
            "jid": "example.org",
            "allow_registration": True,
            "additional_data": {"roles": ["prosody:member"]},
            "uri": "xmpp:example.org?register;preauth=registration",
            "created_at": NOW - 10,
            "expires": NOW + 259190,
        },
        {
            "token": "reset",
            "type": "register",
            "jid": "alice@example.org",
            "allow_registration": True,
            "additional_data": {"allow_reset": "alice"},
            "uri": "xmpp:alice@example.org?register;preauth=reset",
            "landing_page": "https://example.org/invite?reset",
            "created_at": NOW - 10,
            "expires": NOW + 86390,
        },
        {
            "token": "contactreg",
            "type": "roster",
            "jid": "alice@example.org",
            "allow_registration": True,
            "uri": "xmpp:alice@example.org?roster;preauth=contactreg;ibr=y",
            "created_at": NOW - 10,
            "expires": NOW + 600000,
        },
        {
            "token": "expired",
            "type": "register",
            "jid": "example.org",
            "allow_registration": True,
            "additional_data": {"roles": {}, "groups": {}},
            "created_at": NOW - 1000,
            "expires": NOW,
        },
    ],
}
STATE = read(ANSWER, "example.org", "alice")
MEMBER = Wanted(REGISTRATION, "example.org", roles=("prosody:member",))


def test_recorded_answers_are_read():
    by_token = {one.token: one for one in STATE.invites}
    assert list(by_token) == ["reset", "registration", "contactonly", "contactreg"]
    assert [(one.kind, one.jid) for one in STATE.invites] == [
        (PASSWORD_RESET, "alice@example.org"),
        (REGISTRATION, "example.org"),
        (CONTACT, "alice@example.org"),
        (CONTACT, "alice@example.org"),
    ]
    assert by_token["registration"].roles == ("prosody:member",)
    assert by_token["reset"].link == "https://example.org/invite?reset"
    assert by_token["contactonly"].uri == "xmpp:alice@example.org?roster;preauth=contactonly"
    assert not by_token["contactonly"].allow_registration
    assert by_token["contactreg"].link.endswith(";ibr=y")
    assert STATE.user_exists is True


def test_lua_writes_empty_lists_as_objects():
    empty = read({"now": NOW, "invites": {}, "roles": {}, "groups": False}, "example.org")
    assert (empty.invites, empty.roles, empty.user_exists) == ((), (), None)


def test_a_token_shows_in_no_representation():
    assert all(one.token not in repr(one).replace(one.kind, "") for one in STATE.invites)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (MEMBER, "registration"),
        (replace(MEMBER, force=True), "create"),
        (replace(MEMBER, remaining=259190), "registration"),
        (replace(MEMBER, remaining=259191), "create"),
        (replace(MEMBER, roles=()), "create"),
        (replace(MEMBER, roles=("prosody:member", "prosody:admin")), "create"),
        (Wanted(REGISTRATION, "example.org", "alice"), "fulfilled"),
        (Wanted(REGISTRATION, "example.org", "alice", force=True), "fulfilled"),
        (Wanted(PASSWORD_RESET, "example.org", "alice"), "reset"),
        (Wanted(CONTACT, "example.org", "alice"), "contactreg"),
        (Wanted(CONTACT, "example.org", "alice", allow_registration=False), "contactonly"),
    ],
)
def test_a_pending_invitation_is_handed_out_again(wanted, expected):
    done = plan(STATE, wanted)
    found = done.reuse.token if done.reuse else "create" if done.create else "fulfilled" if done.fulfilled else ""
    assert found == expected


@pytest.mark.parametrize(
    ("name", "taken", "words"),
    [
        ("zed", "looks like zeb", "Nobody could register the name zed: it looks like zeb. Choose another one"),
        ("zed", "gone", "was somebody's whose account was removed"),
        (".zed", "odd", "begins with a dot or a hyphen"),
    ],
)
def test_a_name_that_nobody_could_register_gets_no_invitation(name, taken, words):
    state = read({**ANSWER, "user_exists": False, "taken": taken}, "example.org", name)
    with pytest.raises(InviteError, match=words):
        plan(state, Wanted(REGISTRATION, "example.org", name, force=True))
    assert plan(state, Wanted(REGISTRATION, "example.org")).reuse or plan(state, MEMBER).reuse


def test_an_invitation_for_many_is_not_handed_out_as_one_for_one():
    state = replace(STATE, invites=tuple(replace(one, reusable=True) for one in STATE.invites))
    assert plan(state, MEMBER).create


def test_groups_are_compared_as_a_set():
    one = replace(STATE.invites[1], groups=("b", "a"))
    state = replace(STATE, invites=(one,), groups_supported=True)
    assert plan(state, replace(MEMBER, groups=("a", "b"))).reuse == one
    assert plan(state, replace(MEMBER, groups=("a",))).create


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (replace(MEMBER, roles=("king", "prosody:admin")), "no role king; it has prosody:admin, prosody:member"),
        (replace(MEMBER, groups=("x",)), "invites_groups"),
        (Wanted(CONTACT, "example.org", "bob"), "no account bob@example.org that could have contacts"),
        (Wanted(PASSWORD_RESET, "example.org", "bob"), "no account bob@example.org that could have its password reset"),
    ],
)
def test_what_prosody_would_accept_and_never_honour_is_refused(wanted, message):
    with pytest.raises(InviteError, match=message):
        plan(replace(STATE, user_exists=False), wanted)


def test_what_is_revoked():
    assert [one.token for one in to_revoke(STATE, Wanted(CONTACT, "example.org", "alice"), "")] == [
        "contactonly",
        "contactreg",
    ]
    assert [one.token for one in to_revoke(STATE, Wanted(REGISTRATION, "example.org"), "")] == ["registration"]
    assert [one.token for one in to_revoke(STATE, Wanted(REGISTRATION, "example.org"), "reset")] == ["reset"]
    assert to_revoke(STATE, Wanted(REGISTRATION, "example.org"), "unknown") == ()
    assert to_revoke(STATE, None, "") == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90", 90), ("0", 0), ("90s", 90), ("2 m", 120), ("36h", 129600), (" 7d ", 604800), ("2w", 1209600)],
)
def test_durations(text, expected):
    assert seconds(text) == expected


@given(st.text(max_size=8).filter(lambda text: not any(character.isdigit() for character in text)))
def test_text_without_a_number_is_no_duration(text):
    with pytest.raises(InviteError, match="is not a duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("Example.ORG", REGISTRATION, ("example.org", "")),
        ("Alice@Example.ORG", PASSWORD_RESET, ("example.org", "alice")),
    ],
)
def test_jids_are_normalised(text, kind, expected):
    assert host_and_user(text, kind) == expected


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("example.org", CONTACT, "for a contact invitation give the JID of an account"),
        ("example.org", PASSWORD_RESET, "for a password reset invitation"),
        ("a@example.org/phone", REGISTRATION, "has a resource"),
    ],
)
def test_jids_that_do_not_fit_are_refused(text, kind, message):
    with pytest.raises(InviteError, match=message):
        host_and_user(text, kind)


class Recorder:
    """Answers like a server, and keeps what it was asked."""

    def __init__(self, answer):
        self.answer, self.chunks = answer, []

    def lua_json(self, chunk):
        self.chunks.append(chunk)
        return self.answer

    def question(self):
        literal = self.chunks[-1].partition("json.decode(")[2].partition("); local host")[0]
        return json.loads(json.loads(literal))


def test_the_server_is_asked_with_data_not_with_text_in_code():
    recorder = Recorder(ANSWER)
    host = 'a"..os.exit()..".example'
    Invites(recorder, host, "al\\ice").state()
    assert recorder.question() == {"host": host, "user": "al\\ice"}


def test_an_invitation_is_created_as_asked_for():
    recorder = Recorder(ANSWER["invites"][0])
    made = Invites(recorder, "example.org").create(replace(MEMBER, ttl=60))
    assert recorder.question() == {
        "host": "example.org",
        "type": REGISTRATION,
        "allow_registration": True,
        "roles": ["prosody:member"],
        "ttl": 60,
    }
    assert made.link == "xmpp:example.org?register;preauth=registration"
    assert len(recorder.chunks[0]) < 9000


def test_invitations_are_revoked_by_their_tokens():
    recorder = Recorder({})
    server = Invites(recorder, "example.org", "alice")
    server.revoke(())
    assert recorder.chunks == []
    server.revoke(STATE.invites[:1])
    assert recorder.question() == {"host": "example.org", "user": "alice", "tokens": ["reset"]}
