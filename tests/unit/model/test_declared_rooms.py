# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared rooms: all that is wrong with them is told before anything is changed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.rooms.spec import ROOM
from ansible_collections.allthingslinux.xmpp.plugins.modules import prosody_room
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import findings
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.declared_accounts import account_hosts
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.rooms import room_problems


def settings(*rooms: Any) -> dict[str, Any]:
    hosts = [{"name": "op.test", "components": [{"name": "talk.op.test", "module": "muc"}]}]
    return {"hosts": hosts, "standard_components": ["muc", "upload"], "rooms": list(rooms)}


def test_rooms_of_this_server_are_fine():
    lobby = {"jid": "lobby@muc.op.test", "name": "Lobby", "public": True, "affiliations": {"owner": ["a@op.test"]}}
    given = settings(
        lobby, {"jid": "team@talk.op.test", "password": "of the team"}, {"jid": "old@muc.op.test", "state": "absent"}
    )
    assert room_problems(given) == []
    assert findings.problems(given) == []


@pytest.mark.parametrize(
    ("room", "told"),
    [
        (
            {"jid": "lobby@muc.other.test"},
            "other.test is no service for rooms of prosody_hosts and prosody_components (muc.op.test, talk.op.test)",
        ),
        ({"jid": "lobby@upload.op.test"}, "upload.op.test is no service for rooms"),
        ({"jid": "muc.op.test"}, "is not the address of a room"),
        ({"name": "Lobby"}, "has no jid: give it."),
        (
            {"jid": "a@muc.op.test", "member_only": True},
            " has a key member_only, which there is not: did you mean members_only?",
        ),
        ({"jid": "a@muc.op.test", "title": "A"}, " has a key title, which there is not: did you mean name?"),
        ({"jid": "a@muc.op.test", "titel": "A"}, " has a key titel, which there is not: did you mean name?"),
        ({"jid": "a@muc.op.test", "whois": "nobody"}, "whois"),
        ({"jid": "a@muc.op.test", "history_length": "many"}, "history_length"),
        (
            {"jid": "a@muc.op.test", "affiliations": {"boss": ["a@op.test"]}},
            ".affiliations has a key boss, which there is",
        ),
        (
            {"jid": "a@muc.op.test", "affiliations": {"ownr": ["a@op.test"]}},
            ".affiliations has a key ownr, which there is not: did you mean owner?",
        ),
        ({"jid": "a@muc.op.test", "password": ["x"]}, "password is a list where a text belongs: write one text"),
        ({"jid": "a@muc.op.test", "name": 2024}, "name is a number where a text belongs: put it between quotes"),
        ({"jid": "a@muc.op.test", "public": "yes please"}, "public is a text where true or false belongs"),
        ({"jid": "a@muc.op.test", "affiliations": {"owner": "a@op.test"}}, "owner is a text where a list belongs"),
        ({"jid": "a@muc.op.test", "affiliations": {"owner": ["alice"]}}, "affiliations.owner[0] is no account"),
        ({"jid": "first@muc.op.test"}, "first@muc.op.test is already declared by prosody_rooms[0]"),
    ],
)
def test_what_is_wrong_with_a_room_is_told_with_its_place(room: dict[str, Any], told: str):
    given = settings({"jid": "first@muc.op.test"}, room)
    (line,) = room_problems(given)
    assert re.match(r"prosody_rooms\[1\](: | has |\.)", line)
    assert "Supported parameters" not in line
    assert told in line
    assert line in [problem["problem"] for problem in findings.problems(given)]


def test_a_password_is_never_told():
    (line,) = room_problems(settings({"jid": "a@muc.op.test", "password": "hunter2\x00", "name": "A"}))
    assert "hunter2" not in line


@pytest.mark.parametrize("password", [["hunter2"], {"hunter2": 1}, 7778889990])
def test_a_password_of_another_type_is_not_told_either(password: Any):
    (line,) = room_problems(settings({"jid": "a@muc.op.test", "password": password}))
    assert "hunter2" not in line
    assert "777" not in line


def test_whole_servers_may_be_members():
    assert room_problems(settings({"jid": "a@muc.op.test", "affiliations": {"member": ["op.test"]}})) == []


def test_the_module_takes_what_is_checked_here():
    assert prosody_room.ROOM is ROOM


def test_hosts_with_accounts_are_those_that_prosody_keeps_and_those_with_declared_ones():
    hosts = [{"name": "one.test"}, {"name": "guests.test", "authentication": "anonymous"}, {"name": "Two.test"}]
    assert account_hosts({"hosts": hosts}) == ["one.test", "two.test"]
    elsewhere = {"hosts": hosts[:2], "authentication": "sql", "accounts": [{"jid": "a@one.test"}]}
    assert account_hosts(elsewhere) == ["one.test"]
