# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module of Prosody that goes by lists of spammers: who is kept out; how a list is had, kept and had again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import lupa.lua54 as lupa
import pytest

SOURCE = Path(__file__).parents[3] / "roles" / "prosody" / "files" / "mod_block_lists.lua"
LIST = "lists.test/bans"
SPAMMER, HOUR = "spammer@bad.test", 3600

# What the module asks Prosody for, as little of it as the module uses. Time goes by when the test says so
WORLD = r"""
local options, stored, sha = ...
local world = { now = 1000000, timers = {}, hooks = {}, log = {}, asked = {}, store = stored, figures = {} }
world.contacts = {}

local function promise(act)
  local self = { waiting = {} }
  local function settle(kind, value)
    if self.kind then return end
    self.kind, self.value = kind, value
    for _, one in ipairs(self.waiting) do one() end
  end
  function self:next(kept, broken)
    return promise(function (resolve, reject)
      local function go()
        local handler = broken
        if self.kind == "kept" then handler = kept end
        if not handler then return (self.kind == "kept" and resolve or reject)(self.value) end
        local ok, value = pcall(handler, self.value)
        if not ok then return reject(value) end
        if type(value) == "table" and value.next then return value:next(resolve, reject) end
        resolve(value)
      end
      if self.kind then go() else self.waiting[#self.waiting + 1] = go end
    end)
  end
  function self:catch(broken) return self:next(nil, broken) end
  act(function (value) settle("kept", value) end, function (value) settle("broken", value) end)
  return self
end

local element = {}
element.__index = element
local function new(name, attr) return setmetatable({ name = name, attr = attr or {}, children = {} }, element) end
world.new = new
function element:tag(name, attr)
  local child = new(name, attr)
  local inner = self.last or self
  inner.children[#inner.children + 1] = child
  self.last = child
  return self
end
function element:add(child) self.children[#self.children + 1] = child return self end
function element:get_child(name)
  for _, child in ipairs(self.children) do if child.name == name then return child end end
end
function element:childtags(name)
  local i = 0
  return function ()
    repeat i = i + 1 until not self.children[i] or not name or self.children[i].name == name
    return self.children[i]
  end
end
function element:get_error() return "cancel", self.condition end

local function is_contact(user, host, address) return world.contacts[user .. "@" .. host .. " " .. address] end
local function never() end
local libraries = {
  ["prosody.util.jid"] = {
    bare = function (address) return (address:gsub("/.*", "")) end;
    host = function (address) return (address:gsub("/.*", ""):gsub("^.*@", "")) end;
    prep = function (address) return address:find("%s") and nil or address:lower() end;
    split = function (address) return address:match("^([^@]+)@([^/]+)/?(.*)$") end;
  };
  ["prosody.util.id"] = { medium = function () return "id" end };
  ["prosody.util.hashes"] = { sha256 = sha };
  ["prosody.core.rostermanager"] = {
    is_contact_subscribed = is_contact; is_user_subscribed = never;
    is_contact_pending_out = never; is_contact_preapproved = never;
  };
  ["prosody.core.usermanager"] = { user_exists = function (user) return user ~= "nobody" end };
  ["prosody.util.stanza"] = {
    iq = function (attr) return new("iq", attr) end;
    error_reply = function (_, _, condition, text) return condition .. ": " .. text end;
  };
}
function world.require(name) return libraries[name] or error(name) end
world.os = { time = function () return world.now end; date = os.date }
world.math = { min = math.min, random = function () return 0.5 end }
world.prosody = {
  start_time = 1;
  hosts = { ["a.test"] = { type = "local", sessions = {} }, ["muc.a.test"] = { type = "component" } };
}
local function metric(_, _, name)
  local data = { remove = function (_, label) world.figures[name .. " " .. label] = nil end }
  return { data = data; with_labels = function (_, ...)
    local key = name .. " " .. table.concat({ ... }, " ")
    return {
      set = function (_, value) world.figures[key] = value end;
      add = function (_, value) world.figures[key] = (world.figures[key] or 0) + value end;
    }
  end }
end
local store = {}
function store:get(name) return world.store[name] end
function store:set(name, value) world.store[name] = value return true end
function store:users() return pairs(world.store) end
world.module = {
  set_global = function () end;
  get_option_string = function (_, name) return options[name] end;
  get_option_period = function (_, name, default) return ({ ["30 seconds"] = 30, ["1 hour"] = 3600 })[default] end;
  get_option_array = function (_, name) return options[name] end;
  metric = metric;
  set_status = function (_, kind, text) world.status = kind .. ": " .. text end;
  log = function (_, level, text, ...) world.log[#world.log + 1] = level .. " " .. text:format(...) end;
  hook = function (_, event, handler) world.hooks[event] = handler end;
  add_timer = function (_, delay, call, ...)
    local timer = { at = world.now + delay, call = call, args = { ... } }
    function timer:stop() self.stopped = true end
    world.timers[#world.timers + 1] = timer
    return timer
  end;
  context = function (_, host)
    return {
      hook = function (_, event, handler) world.hooks[host .. " " .. event] = handler end;
      open_store = function () return store end;
      send_iq = function (_, iq)
        return promise(function (resolve, reject)
          local what = iq.children[1].children[1]
          world.asked[#world.asked + 1] = what.name .. " " .. iq.attr.to .. " " .. what.attr.node
          local answer, why = world.answer(what.name, world)
          if answer then resolve({ stanza = answer }) elseif why then reject({ condition = why }) end
        end)
      end;
    }
  end;
}
function world.wait(seconds)
  local till = world.now + seconds
  while true do
    local first
    for _, timer in ipairs(world.timers) do
      if not timer.stopped and timer.at <= till and (not first or timer.at < first.at) then first = timer end
    end
    if not first then break end
    first.stopped, world.now = true, math.max(world.now, first.at)
    first.call(world.now, table.unpack(first.args))
  end
  world.now = till
end
return world
"""

# answers of a pubsub service: to subscribe, and the items; or why there is none
SERVICE = r"""
function (world, state)
  return function (what)
    if state.away then return nil, state.away end
    local answer = world.new("iq", { type = "result" })
    if what == "subscribe" then
      if state.closed then return nil, state.closed end
      return answer:add(world.new("pubsub"):add(world.new("subscription", { subscription = "subscribed" })))
    end
    local items = world.new("items")
    for _, id in ipairs(state.items) do items:add(world.new("item", { id = id })) end
    return answer:add(world.new("pubsub"):add(items))
  end
end
"""


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Server:
    """A server a.test with rooms that goes by one list, and the service of it."""

    def __init__(self, *items: str, away: str | None = None, closed: str | None = None, kept: Any = None) -> None:
        self.lua = lupa.LuaRuntime(unpack_returned_tuples=True)
        self.sent: list[str] = []
        self.state = self.table({"items": list(items), "away": away, "closed": closed})
        options = {"block_lists_host": "a.test", "block_lists": [{"jid": "lists.test", "node": "bans"}]}
        stored = self.table(kept or {})
        self.world = self.lua.execute(WORLD, self.table(options), stored, lambda text, _hex: sha256(text))
        self.world.answer = self.lua.eval(SERVICE)(self.world, self.state)
        self.load()

    def table(self, value: Any) -> Any:
        return self.lua.table_from(value, recursive=True)

    def load(self) -> None:
        load = self.lua.eval(
            "function (source, world) return assert(load(source, 'mod', 't', setmetatable(world, {__index = _G}))) end"
        )
        load(SOURCE.read_text(), self.world)()

    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    @property
    def log(self) -> list[str]:
        return [str(line) for line in self.world.log.values() if not line.startswith("debug")]

    def changes(self, service: str = "lists.test", node: str = "bans", kind: str | None = None, **parts: str) -> Any:
        """The service tells of an item (item="…"), of one that is gone (retract="…"), or of all (purge="")."""
        new = self.world.new
        message = new("message", self.table({"from": service, "to": "a.test", "type": kind}))
        event = new("event")
        for name, entry in parts.items():
            attr = self.table({"node": node})
            if name in ("item", "retract"):
                event.add(event, new("items", attr))
                items = event.get_child(event, "items")
                items.add(items, new(name, self.table({"id": entry})))
            else:
                event.add(event, new(name, attr))
        message.add(message, event)
        return self.world.hooks["a.test message/host"](self.lua.table_from({"stanza": message}))

    def event(self, name: str, attr: dict[str, Any], **more: Any) -> Any:
        origin = {"send": lambda reply: self.sent.append(str(reply))}
        return self.table({"origin": origin, "stanza": {"name": name, "attr": attr}, **more})

    def writes(self, who: str, to: str = "alice@a.test", name: str = "message", kind: str | None = "chat") -> Any:
        """Out: true where that is the end of it."""
        event = self.event(name, {"from": who, "to": to, "type": kind})
        whole = "full" if "/" in to else "bare"
        return self.world.hooks[f"a.test {name}/{whole}"](event)

    def enters(self, who: str, affiliation: Any = None, event: str = "muc-occupant-pre-join") -> Any:
        room = {
            "get_affiliation": lambda _room, _who: affiliation,
            "get_occupant_by_nick": lambda _room, _nick: self.table({"bare_jid": who.split("/")[0]}),
        }
        attr = {"from": who, "to": "room@muc.a.test/nick"}
        return self.world.hooks[f"muc.a.test {event}"](self.event("presence", attr, room=room))


@pytest.fixture
def server() -> Server:
    """One that has the list."""
    one = Server(sha256(SPAMMER), sha256("rotten.test"), "plain.test", "Plain@c.test")
    one.wait(2)
    return one


@pytest.mark.parametrize(
    ("who", "listed"),
    [
        (SPAMMER, True),
        (f"{SPAMMER}/phone", True),
        ("other@bad.test/x", False),
        ("any@rotten.test/x", True),
        ("any@sub.rotten.test", False),
        ("any@plain.test", True),
        ("plain@c.test", True),
        ("other@c.test", False),
    ],
)
def test_an_entry_is_an_address_or_a_domain_hashed_or_not(server: Server, who: str, listed: bool) -> None:
    wanted = True if listed else None
    assert server.writes(who) == wanted
    assert server.writes(who, "alice@a.test/phone") == wanted
    assert server.writes(who, name="presence", kind="subscribe") == wanted
    assert server.enters(who) == wanted
    assert server.enters(who, event="muc-occupant-groupchat") == wanted
    assert server.enters(who, event="muc-private-message") == (False if listed else None)
    assert len(server.sent) == (5 if listed else 0)
    if listed:
        assert server.sent[0] == "policy-violation: Your address, or your server, is on the list of spammers lists.test"
        assert server.world.figures["refused lists.test/bans people"] == 3
        assert server.world.figures["refused lists.test/bans rooms"] == 3


@pytest.mark.parametrize(
    ("name", "kind"), [("message", "error"), ("message", "groupchat"), ("presence", "unavailable"), ("presence", None)]
)
def test_what_is_no_beginning_passes(server: Server, name: str, kind: str | None) -> None:
    assert server.writes(SPAMMER, name=name, kind=kind) is None


def test_whom_somebody_knows_reaches_him_and_nobody_else(server: Server) -> None:
    server.world.contacts[f"alice@a.test {SPAMMER}"] = True
    assert server.writes(f"{SPAMMER}/x") is None
    assert server.writes(f"{SPAMMER}/x", "bob@a.test") is True
    server.world.contacts["bob@a.test rotten.test"] = True
    assert server.writes("gateway@rotten.test", "bob@a.test") is None


def test_a_room_that_somebody_has_entered_reaches_him(server: Server) -> None:
    session = {"directed": {"room@rotten.test/alice": True}}
    server.world.prosody.hosts["a.test"].sessions["alice"] = server.table({"sessions": {"phone": session}})
    assert server.writes("room@rotten.test/carol", "alice@a.test/phone") is None
    assert server.writes("other@rotten.test/carol", "alice@a.test/phone") is True


def test_somebody_writes_to_himself(server: Server) -> None:
    server.changes(item="bob@a.test")
    assert server.writes("bob@a.test/phone", "bob@a.test") is None
    assert server.writes("bob@a.test/phone") is True


def test_who_is_not_there_is_not_told_apart(server: Server) -> None:
    server.world.contacts[f"nobody@a.test {SPAMMER}"] = True
    assert server.writes(SPAMMER, "nobody@a.test") is True


@pytest.mark.parametrize("affiliation", ["member", "owner"])
def test_whom_a_room_has_let_in_enters(server: Server, affiliation: str) -> None:
    assert server.enters(SPAMMER, affiliation) is None
    assert server.enters(SPAMMER, "none") is True


def test_our_own_domain_is_never_taken_for_listed_but_told() -> None:
    server = Server("a.test", "mallory@a.test")
    server.wait(2)
    assert server.writes("bob@a.test") is None
    assert server.enters("bob@a.test/x") is None
    assert server.writes("mallory@a.test") is True
    assert [line for line in server.log if line.startswith("warn")] == [
        f"warn Our domain a.test is on the list {LIST}: servers that go by it refuse our users"
    ]
    server.wait(5 * HOUR)
    assert sum("Our domain" in line for line in server.log) == 1


def test_what_the_service_tells_counts_at_once(server: Server) -> None:
    assert server.changes(item=sha256("new@c.test")) is True
    assert server.writes("new@c.test") is True
    assert server.changes(retract=sha256("new@c.test")) is True
    assert server.writes("new@c.test") is None
    assert server.world.figures[f"entries {LIST}"] == 4
    assert server.changes(purge="") is True
    assert server.writes(SPAMMER) is None


@pytest.mark.parametrize(
    "said", [{"service": "liar.test"}, {"node": "others"}, {"kind": "error"}], ids=["service", "node", "error"]
)
def test_what_others_tell_does_not(server: Server, said: dict[str, str]) -> None:
    assert server.changes(item=sha256("new@c.test"), **said) is None
    assert server.writes("new@c.test") is None


def test_a_list_that_was_away_at_the_start_is_had_later() -> None:
    server = Server(SPAMMER, away="remote-server-not-found")
    server.wait(600)
    assert server.writes(SPAMMER) is None
    assert server.world.figures[f"had_timestamp {LIST}"] == 0
    tried = sum(line.startswith("items") for line in server.world.asked.values())
    assert 4 <= tried <= 6, "30, 60, 120 … seconds between"
    assert len(server.log) == 1, "the same is not told again"
    server.state.away = None
    server.wait(600)
    assert server.writes(SPAMMER) is True
    assert server.world.figures[f"had_timestamp {LIST}"] > 1000000
    assert server.log[1] == f"info The list {LIST} is there, 1 entries"


def test_one_that_cannot_be_had_is_told_to_operators(server: Server) -> None:
    assert server.world.status == "info: every list is there"
    server.state.away = "remote-server-not-found"
    server.wait(HOUR + 60)
    assert server.world.status == f"warn: {LIST} cannot be had (had last 1970-01-12 13:46 UTC): remote-server-not-found"
    server.state.away = None
    server.wait(HOUR)
    assert server.world.status == "info: every list is there"
    never = Server(away="remote-server-not-found")
    never.wait(2)
    assert never.world.status == f"warn: {LIST} cannot be had (never had): remote-server-not-found"


def test_nothing_is_said_of_a_list_that_is_none_of_ours_any_more(server: Server) -> None:
    figures = {f"entries {LIST}", f"had_timestamp {LIST}"}
    assert figures <= set(server.world.figures)
    server.world.module.unload()
    assert not figures & set(server.world.figures)


def test_one_that_stays_away_is_asked_every_hour_at_least_and_at_most() -> None:
    server = Server(away="remote-server-not-found")
    server.wait(10 * HOUR)
    before = len(server.world.asked)
    server.wait(10 * HOUR)
    assert len(server.world.asked) - before == 20


def test_what_was_not_told_is_known_within_an_hour(server: Server) -> None:
    """The service forgot the subscription, or could not reach us."""
    server.state["items"] = server.table([sha256("new@c.test")])
    server.wait(HOUR + 60)
    assert server.writes("new@c.test") is True
    assert server.writes(SPAMMER) is None
    assert [line.split()[0] for line in server.world.asked.values()] == ["subscribe", "items"] * 2


def test_one_that_tells_no_changes_is_read_all_the_same() -> None:
    server = Server(SPAMMER, closed="not-allowed")
    server.wait(2)
    assert server.writes(SPAMMER) is True
    assert server.log == [f"info The list {LIST} is there, 1 entries, but no changes are told: not-allowed"]


def test_a_list_outlives_a_restart_and_what_is_no_list_of_ours_does_not(server: Server) -> None:
    server.changes(item="late@c.test")
    server.world.module.unload()
    kept = {name: {"had": one.had, "entries": list(one.entries.values())} for name, one in server.world.store.items()}
    assert list(kept) == [LIST]
    again = Server(away="remote-server-timeout", kept={**kept, "former.test/old": {"had": 5, "entries": ["a"]}})
    assert again.writes("late@c.test") is True
    assert list(again.world.store) == [LIST]
    assert "unsubscribe former.test old" in list(again.world.asked.values())


def test_one_that_could_not_be_had_for_two_weeks_is_not_gone_by(server: Server) -> None:
    server.state.away = "remote-server-not-found"
    server.wait(13 * 24 * HOUR)
    assert server.writes(SPAMMER) is True
    server.wait(2 * 24 * HOUR)
    assert server.writes(SPAMMER) is None


def test_it_is_kept_within_seconds_and_once_for_many(server: Server) -> None:
    server.wait(10)
    for number in range(5):
        server.changes(item=f"x{number}@c.test")
    assert len(server.world.store[LIST].entries) == 4
    server.wait(6)
    assert len(server.world.store[LIST].entries) == 9
