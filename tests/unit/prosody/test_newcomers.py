# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of Prosody for accounts that anybody may make: who is new, and what he may not do yet."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import lupa.lua54 as lupa
import pytest

FILES = Path(__file__).parents[3] / "roles" / "prosody" / "files"
NOW, DAY = 1_000_000_000, 86400

# What the modules ask Prosody for, as little of it as they use
WORLD = r"""
local details, accepted, truncate = ...
local world = { now = 1000000000, hooks = {}, rooms = { ["there@muc.a.test"] = true }, figures = {} }
local function caches()
  local kept = {}
  return { get = function (_, key) return kept[key] end, set = function (_, key, value) kept[key] = value end }
end
local function split(address) return (address:match("^([^@/]+)@")), (address:gsub("/.*", ""):gsub("^.*@", "")) end
local function knows(user, host, address) return accepted[user .. " " .. address] end
local function never() end
local libraries = {
  ["prosody.util.jid"] = {
    bare = function (address) return (address:gsub("/.*", "")) end;
    host = function (address) return (select(2, split(address))) end;
    node = function (address) return (split(address)) end;
    prep = function (address) return address:lower() end;
  };
  ["prosody.util.cache"] = { new = caches };
  ["prosody.util.ip"] = {
    new_ip = function (address) return { addr = address, proto = address:find(":") and "IPv6" or "IPv4" } end;
    truncate = function (ip, bits) return { addr = truncate(ip.addr, bits) } end;
  };
  ["prosody.core.rostermanager"] = {
    is_user_subscribed = knows; is_contact_subscribed = never; is_contact_pending_in = never;
  };
  ["prosody.core.usermanager"] = { get_user_role = function () return { name = "prosody:registered" } end };
  ["prosody.util.stanza"] = {
    error_reply = function (_, kind, condition, text) return kind .. " " .. condition .. " " .. text end;
    stanza = function () return { childtags = function () return never end } end;
  };
}
function world.require(name) return libraries[name] or error(name) end
world.os = { time = function () return world.now end }
world.prosody = { hosts = {
  ["a.test"] = { modules = {} };
  ["muc.a.test"] = { modules = { muc = { get_room_from_jid = function (room) return world.rooms[room] end } } };
} }
world.module = {
  host = "a.test";
  get_option_number = function (_, _, default) return default end;
  get_option_integer = function (_, _, default) return default end;
  open_store = function () return { get = function (_, name) return details[name] end } end;
  metric = function () return { with_labels = function (_, what)
    return { add = function () world.figures[what] = (world.figures[what] or 0) + 1 end }
  end } end;
  log = function () end;
  hook = function (_, event, handler)
    local before = world.hooks[event]
    world.hooks[event] = function (given) return before and before(given) or handler(given) end
  end;
  hook_global = function (_, event, handler) world.hooks[event] = handler end;
}
function world.stanza(name, attr, invited, tag)
  local stanza = { name = name, attr = attr, tags = { tag.name and tag or nil } }
  function stanza:get_child(wanted)
    if not invited[1] or wanted ~= "x" then return nil end
    local at = 0
    local function another() at = at + 1 return invited[at] and { attr = { to = invited[at] } } end
    return { childtags = function () return another end }
  end
  return stanza
end
return world
"""


class Server:
    """A server a.test where new registered yesterday, old a year ago, and made has been made by an operator."""

    def __init__(self, *names: str, accepted: tuple[str, ...] = ()) -> None:
        self.lua = lupa.LuaRuntime(unpack_returned_tuples=True)
        self.sent: list[str] = []
        ages = {"new": DAY, "old": 365 * DAY}
        self.details = self.table({name: {"registered": NOW - age} for name, age in ages.items()})

        def truncate(address: str, bits: int) -> str:
            return str(ipaddress.ip_network(f"{address}/{bits}", strict=False).network_address)

        friends = self.table(dict.fromkeys(accepted, True))
        self.world = self.lua.execute(WORLD, self.details, friends, truncate)
        load = self.lua.eval(
            "function (source, world) return assert(load(source, 'mod', 't', setmetatable(world, {__index = _G}))) end"
        )
        for name in names or ("newcomers",):
            load((FILES / f"mod_{name}.lua").read_text(), self.world)()

    def table(self, value: Any) -> Any:
        return self.lua.table_from(value, recursive=True)

    def does(
        self,
        event: str,
        name: str,
        to: str,
        kind: str | None = None,
        *,
        who: str = "new",
        role: str = "prosody:registered",
        entered: str | None = None,
        invited: list[str] | None = None,
        asks: dict[str, Any] | None = None,
    ) -> Any:
        """Somebody sends something. Out: true where that is the end of it."""
        origin = {
            "type": "c2s",
            "username": who,
            "host": "a.test",
            "full_jid": f"{who}@a.test/x",
            "role": {"name": role},
            "directed": {entered: True} if entered else {},
            "send": lambda reply: self.sent.append(str(reply)),
        }
        attr = self.table({"from": f"{who}@a.test/x", "to": to, "type": kind})
        stanza = self.world.stanza(name, attr, self.table(invited or []), self.table(asks or {}))
        return self.world.hooks[event](self.lua.table_from({"origin": self.table(origin), "stanza": stanza}))

    def writes(self, to: str, kind: str | None = "chat", **more: Any) -> Any:
        return self.does("pre-message/bare", "message", to, kind, **more)

    def uploads(self, **more: Any) -> Any:
        asks = {"name": "request", "attr": {"xmlns": "urn:xmpp:http:upload:0"}}
        return self.does("pre-iq/host", "iq", "upload.a.test", "get", asks=asks, **more)

    def registers(self, **event: Any) -> Any:
        given = self.table({"username": "x", "host": "a.test", "role": "prosody:registered", "allowed": True, **event})
        self.world.hooks["user-registering"](given)
        return given


def test_a_newcomer_writes_first_to_twenty_people_a_day() -> None:
    server = Server()
    assert [server.writes(f"p{number}@b.test") for number in range(20)] == [None] * 20
    assert server.writes("one-more@b.test") is True
    assert server.does("pre-presence/bare", "presence", "one-more@b.test", "subscribe") is True
    assert server.sent[0].startswith("wait policy-violation This account is new")
    assert server.world.figures["strangers"] == 2
    # whom he wrote to already he may write to, and tomorrow to others
    assert server.writes("p3@b.test") is None
    server.world.now += DAY
    assert server.writes("one-more@b.test") is None


def test_whom_he_knows_is_no_stranger() -> None:
    server = Server(accepted=("new friend@b.test",))
    for number in range(20):
        server.writes(f"p{number}@b.test")
    assert server.writes("friend@b.test/phone") is None
    assert server.writes("room@muc.b.test/nick", entered="room@muc.b.test/new") is None
    assert server.writes("bot.b.test") is None
    assert server.writes("new@a.test") is None
    assert server.writes("room@muc.b.test", "groupchat") is None
    assert server.writes("one-more@b.test", "error") is None
    assert server.does("pre-presence/bare", "presence", "one-more@b.test", "unsubscribed") is None
    # nor is who wrote to him
    attr = {"from": "asks@b.test/x", "to": "new@a.test", "type": "chat"}
    assert server.world.hooks["message/bare"](server.table({"stanza": {"attr": attr}})) is None
    assert server.writes("asks@b.test") is None


def test_who_is_invited_into_a_room_by_him_is_counted() -> None:
    server = Server()
    for number in range(10):
        invited = [f"p{number}@b.test", f"q{number}@b.test"]
        assert server.writes("room@muc.b.test", None, entered="room@muc.b.test/new", invited=invited) is None
    assert server.writes("room@muc.b.test", None, entered="room@muc.b.test/new", invited=["r@b.test"]) is True


def test_a_newcomer_uploads_nothing_and_makes_no_rooms() -> None:
    server = Server()
    assert server.uploads() is True
    assert server.does("pre-presence/full", "presence", "mine@muc.a.test/new") is True
    assert server.does("pre-presence/full", "presence", "there@muc.a.test/new") is None
    assert server.does("pre-presence/full", "presence", "mine@muc.a.test/new", "unavailable") is None
    assert server.does("pre-presence/full", "presence", "mine@muc.b.test/new") is None
    assert dict(server.world.figures) == {"uploads": 1, "rooms": 1}
    assert server.sent == [
        "auth forbidden This account is new, and may share files in some days",
        "cancel not-allowed This account is new, and may make rooms in some days",
    ]
    asks = {"name": "query", "attr": {"xmlns": "http://jabber.org/protocol/disco#info"}}
    assert server.does("pre-iq/host", "iq", "upload.a.test", "get", asks=asks) is None


@pytest.mark.parametrize(
    "who",
    [{"who": "old"}, {"who": "made"}, {"role": "prosody:member"}, {"role": "prosody:admin"}],
    ids=["registered long ago", "made by an operator", "a member", "an admin"],
)
def test_nobody_else_is_bounded(who: dict[str, Any]) -> None:
    server = Server()
    assert {server.writes(f"p{number}@b.test", **who) for number in range(100)} == {None}
    assert server.uploads(**who) is None
    assert server.does("pre-presence/full", "presence", "mine@muc.a.test/new", **who) is None
    assert server.sent == []


def test_it_ends_by_itself_after_three_days() -> None:
    server = Server()
    assert server.uploads() is True
    server.world.now += 2 * DAY - 10
    assert server.uploads() is True
    server.world.now += 20
    assert server.uploads() is None


def test_a_name_that_is_registered_anew_is_new_again() -> None:
    server = Server()
    assert server.uploads(who="old") is None
    server.details["old"] = server.table({"registered": NOW})
    server.world.hooks["user-registered"](server.table({"username": "old", "host": "a.test"}))
    assert server.uploads(who="old") is True


@pytest.mark.parametrize(
    ("invite", "role"),
    [
        (None, "prosody:registered"),
        ({}, "prosody:member"),
        ({"inviter": "old"}, "prosody:member"),
        ({"inviter": "made"}, "prosody:member"),
        ({"inviter": "new"}, "prosody:registered"),
    ],
)
def test_who_is_invited_by_somebody_who_is_not_new_is_none(invite: Any, role: str) -> None:
    assert Server().registers(validated_invite=invite).role == role
    assert Server().registers(session={"validated_invite": invite}).role == role


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", None),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("::1", None),
        ("::ffff:192.0.2.7", None),
    ],
)
def test_those_of_one_64_are_counted_as_one(address: str, counted: str | None) -> None:
    server = Server("register_networks")
    assert server.registers(session={"ip": address}).ip == counted
    assert server.registers(ip=address).ip == (counted or address)
