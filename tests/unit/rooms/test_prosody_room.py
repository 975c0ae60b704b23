# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""prosody_room: states recorded from Prosody 13.0.1, and what is wanted → exact commands and result."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import lupa
import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import admin_stream
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import (
    AdminCommandFailed,
    AdminUnavailable,
    Reply,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.rooms import lua, model, planner, runner
from ansible_collections.allthingslinux.xmpp.plugins.modules import prosody_room
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner
from hypothesis import given
from hypothesis import strategies as st

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "prosody_rooms.json").read_text())
LOBBY, TEAM, NONE = "lobby@muc.example.test", "team@muc.example.test", "none@muc.example.test"


class Server:
    """Answers as Prosody does: the recorded states, and a digest under whichever key is asked for."""

    def __init__(self, fail: dict[str, str] | None = None) -> None:
        self.fail = fail or {}
        self.runtime = lupa.LuaRuntime(encoding="utf-8")

    def __call__(self, chunk: str) -> object:
        for start, why in self.fail.items():
            if chunk.startswith(start):
                return AdminCommandFailed("refused", Reply(False, f"Error: {why}", ()))
        if not chunk.startswith("return ROOMS.read"):
            return "done"
        asked = json.loads(self.runtime.eval(chunk[len("return ROOMS.read(") : -1]))
        answer = {jid: copy.deepcopy(RECORDED.get(jid, {"exists": False})) for jid in asked["jids"]}
        if answer.get(TEAM):
            answer[TEAM]["password"] = planner.digest(asked["key"], "geheim-pw")
        return answer


def state(jid: str) -> model.RoomState:
    return model.read(RECORDED, [model.WantedRoom(jid)])[jid]


def test_the_library_is_lua_and_fits_into_one_command():
    assert admin_stream.command_size("> " + lua.library()) < admin_stream.MAX_COMMAND_BYTES
    assert lupa.LuaRuntime().eval("load")(lua.library())


def test_a_recorded_state():
    lobby = state(LOBBY)
    assert lobby.exists
    assert lobby.settings["name"] == 'Lobby "quoted" ]] ünïcode'
    assert lobby.affiliations == {"alice@example.test": "owner", "evil.example": "outcast"}
    assert lobby.password == ""
    assert set(lobby.settings) <= set(model.SETTINGS)
    assert "geheim-pw" not in json.dumps(RECORDED)
    assert state(TEAM).password == planner.digest("k", "geheim-pw")


@pytest.mark.parametrize(
    ("jid", "why"),
    [
        ("x@example.test", "example.test is no component of type muc"),
        ("x@nowhere.test", "there is no host nowhere.test on this server"),
    ],
)
def test_a_recorded_error(jid, why):
    assert state(jid).error == why


PLANS = [
    # room, options, create, destroy, changes
    ({"jid": LOBBY, "persistent": True}, Ellipsis, []),
    ({"jid": LOBBY, "name": "Lobby"}, Ellipsis, [{"name": "name", "value": "Lobby"}]),
    ({"jid": LOBBY, "public": True, "whois": "anyone", "history_length": 7, "archiving": None}, Ellipsis, []),
    ({"jid": LOBBY, "affiliations": {"owner": ["Alice@Example.test/phone"]}}, Ellipsis, []),
    ({"jid": LOBBY, "affiliations": {"owner": ["bob@example.test"]}}, Ellipsis, ["bob@example.test owner"]),
    (
        {"jid": LOBBY, "affiliations": {"owner": ["bob@example.test"]}, "purge": True},
        Ellipsis,
        ["alice@example.test none", "bob@example.test owner"],
    ),
    ({"jid": LOBBY, "affiliations": {"outcast": []}, "purge": True}, Ellipsis, ["evil.example none"]),
    ({"jid": LOBBY, "affiliations": {"outcast": []}}, Ellipsis, []),
    ({"jid": LOBBY, "affiliations": {"none": ["evil.example", "nobody.example"]}}, Ellipsis, ["evil.example none"]),
    (
        {"jid": LOBBY, "affiliations": {"admin": ["alice@example.test"], "owner": []}, "purge": True},
        Ellipsis,
        ["alice@example.test admin"],
    ),
    ({"jid": LOBBY, "password": ""}, Ellipsis, []),
    ({"jid": LOBBY, "password": "new"}, Ellipsis, [{"name": "password", "value": "new"}]),
    ({"jid": TEAM, "password": "geheim-pw"}, Ellipsis, []),
    ({"jid": TEAM, "password": "geheim-pW"}, Ellipsis, [{"name": "password", "value": "geheim-pW"}]),
    ({"jid": TEAM, "password": ""}, Ellipsis, [{"name": "password", "value": ""}]),
    ({"jid": TEAM, "state": "absent", "name": "ignored"}, "destroy", []),
    ({"jid": NONE, "state": "absent"}, Ellipsis, []),
    ({"jid": NONE}, "create", []),
    ({"jid": NONE, "public": False}, "create", [{"name": "public", "value": False}]),
]


@pytest.mark.parametrize(("options", "what", "changes"), PLANS)
def test_plan(options, what, changes):
    wanted = model.wanted_room(options)
    plan = planner.plan(state(wanted.jid), wanted, "k")
    found = [f"{change['jid']} {change['affiliation']}" if "jid" in change else change for change in plan.changes]
    assert (plan.create, plan.destroy, found) == (what == "create", what == "destroy", changes)
    assert bool(plan) == (bool(changes) or what in ("create", "destroy"))


WRONG = [
    ({}, "One of the rooms has no jid"),
    ({"jid": "rooms.example.test"}, "is not the address of a room"),
    ({"jid": f"{LOBBY}/nick"}, "is not the address of a room"),
    ({"jid": "a@b@c"}, "is not a valid JID"),
    ({"jid": LOBBY, "history_length": -1}, "history_length is -1"),
    ({"jid": LOBBY, "language": "german please"}, "is not a language tag"),
    ({"jid": LOBBY, "name": "bell\x07"}, "the name has the character U+0007 at position 5"),
    ({"jid": LOBBY, "password": "\x00"}, "the password has the character U+0000"),
    ({"jid": LOBBY, "description": "ä" * 2001}, "the description has more than 4000 bytes"),
    ({"jid": LOBBY, "affiliations": {"owner": ["a@"]}}, f"Room {LOBBY}, affiliation owner:"),
    ({"jid": LOBBY, "affiliations": {"owner": ["a@b"], "none": ["A@b"]}}, "a@b is listed as owner and as none"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_declarations(monkeypatch, options, message):
    socket = module_runner.use(monkeypatch, Server())
    result = module_runner.run(prosody_room, rooms=[options, {"jid": "fine@muc.example.test"}])
    assert result["failed"] is True
    assert message in result["msg"]
    assert socket.calls == []


def test_twice_and_all_problems_at_once(monkeypatch):
    module_runner.use(monkeypatch, Server())
    rooms = [{"jid": LOBBY}, {"jid": LOBBY.upper()}, {"jid": "a@b", "history_length": -1}]
    message = module_runner.run(prosody_room, rooms=rooms)["msg"]
    assert f"Room {LOBBY} is declared twice" in message
    assert "history_length is -1" in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "one of the following is required: jid, rooms"),
        ({"jid": LOBBY, "rooms": []}, "mutually exclusive: rooms|jid"),
        ({"name": "x", "rooms": [{"jid": LOBBY}]}, "mutually exclusive: rooms|name"),
        ({"rooms": [{"jid": LOBBY, "colour": "blue"}]}, "rooms.colour"),
        ({"jid": LOBBY, "whois": "everybody"}, "value of whois must be one of"),
    ],
)
def test_wrong_options(monkeypatch, options, message):
    module_runner.use(monkeypatch, Server())
    assert message in module_runner.run(prosody_room, **options)["msg"]


def test_apply(monkeypatch):
    socket = module_runner.use(monkeypatch, Server())
    result = module_runner.run(prosody_room, jid=TEAM, name='"T"', affiliations={"owner": ["dave@example.test"]})
    assert [call[0] for call in socket.calls[2:]] == [
        f'return ROOMS.open("{TEAM}", false)',
        'return ROOMS.apply("[{\\"jid\\":\\"dave@example.test\\",\\"affiliation\\":\\"owner\\"},'
        '{\\"name\\":\\"name\\",\\"value\\":\\"\\\\\\"T\\\\\\"\\"}]")',
        "return ROOMS.commit()",
    ]
    assert result["changed"] is True
    assert result["rooms"] == [{"jid": TEAM, "actions": ["owner dave@example.test", "set name"]}]
    assert json.loads(result["diff"]["after"])[TEAM]["affiliations"] == {"dave@example.test": "owner"}
    assert json.loads(result["diff"]["before"])[TEAM]["affiliations"] == {"dave@example.test": "none"}


def test_check_mode_plans_the_same_and_changes_nothing(monkeypatch):
    rooms = [{"jid": NONE, "name": "New"}, {"jid": TEAM, "state": "absent"}, {"jid": LOBBY}]
    module_runner.use(monkeypatch, Server())
    real = module_runner.run(prosody_room, rooms=rooms)
    socket = module_runner.use(monkeypatch, Server())
    checked = module_runner.run(prosody_room, check=True, rooms=rooms)
    assert {key: checked[key] for key in ("changed", "rooms", "diff")} == {
        key: real[key] for key in ("changed", "rooms", "diff")
    }
    assert [room["jid"] for room in checked["rooms"]] == [NONE, TEAM]
    assert len(socket.calls) == 2
    assert socket.calls[1][0].startswith("return ROOMS.read")


def test_destroy(monkeypatch):
    socket = module_runner.use(monkeypatch, Server())
    module_runner.run(prosody_room, jid=TEAM, state="absent", reason="We moved")
    assert socket.calls[-1] == (f'return ROOMS.destroy("{TEAM}", "We moved")',)


def test_nothing_to_do(monkeypatch):
    module_runner.use(monkeypatch, Server())
    result = module_runner.run(prosody_room, jid=TEAM, password="geheim-pw", members_only=True)
    assert (result["changed"], result["rooms"], result["diff"]) == (False, [], {"before": "", "after": ""})


def test_a_password_is_in_no_result(monkeypatch):
    module_runner.use(monkeypatch, Server())
    result = module_runner.run(prosody_room, jid=TEAM, password="correct horse")
    assert "correct horse" not in json.dumps(result)
    assert json.loads(result["diff"]["after"])[TEAM]["password"] == "(set anew)"


def test_one_room_fails_and_the_others_do_not(monkeypatch):
    why = "archiving needs the module muc_mam on its host"
    module_runner.use(monkeypatch, Server({f'return ROOMS.open("{LOBBY}"': why}))
    rooms = [{"jid": LOBBY, "name": "L"}, {"jid": NONE}, {"jid": "x@example.test"}]
    result = module_runner.run(prosody_room, rooms=rooms)
    assert result["failed"] is True
    assert result["failed_rooms"] == [LOBBY, "x@example.test"]
    assert result["msg"] == (
        f"Room {LOBBY}: {why}; the room was left as it was. "
        "Room x@example.test: example.test is no component of type muc."
    )
    assert result["rooms"] == [{"jid": NONE, "actions": ["create", "set persistent"]}]


def test_a_room_with_a_value_too_long_is_not_even_opened(monkeypatch):
    socket = module_runner.use(monkeypatch, Server())
    result = module_runner.run(prosody_room, jid=NONE, description='"' * 4000)
    assert result["msg"].startswith(f"Room {NONE}: a value takes ")
    assert len(socket.calls) == 2


def test_server_down(monkeypatch):
    module_runner.use(monkeypatch, AdminUnavailable("Cannot talk to Prosody", "missing"))
    assert module_runner.run(prosody_room, jid=LOBBY)["msg"] == "Cannot talk to Prosody"


@pytest.mark.parametrize("answer", [None, [], {LOBBY: 3}, {LOBBY: {}}])
def test_an_answer_that_is_none(answer):
    with pytest.raises(model.RoomError, match="cannot be read"):
        model.read(answer, [model.WantedRoom(LOBBY)])


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=700), max_size=40))
def test_batches_fit_into_a_command_and_lose_nothing(texts):
    items = [{"name": "description", "value": text} for text in texts]
    batches = list(runner.batches(items))
    assert [item for batch in batches for item in batch] == items
    for batch in batches:
        size = admin_stream.command_size(f"> return ROOMS.apply({runner._json(batch)})")
        assert size < admin_stream.MAX_COMMAND_BYTES


def test_many_affiliations_take_several_commands():
    items = [
        {"jid": f"somebody-with-a-long-name-{number}@example.test", "affiliation": "member"} for number in range(500)
    ]
    batches = list(runner.batches(items))
    assert len(batches) > 3
    assert [item for batch in batches for item in batch] == items
    sizes = [admin_stream.command_size(f"> return ROOMS.apply({runner._json(batch)})") for batch in batches]
    assert max(sizes) < admin_stream.MAX_COMMAND_BYTES


def test_a_value_that_fits_into_no_command():
    with pytest.raises(model.RoomError, match=r"takes 1[0-9]{4} bytes to send"):
        list(runner.batches([{"name": "description", "value": '"' * 4000}]))
