# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module of Prosody that reads those slowly who send too much: how long, whom, and that nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lupa.lua54 as lupa
import pytest

SOURCE = Path(__file__).parents[3] / "roles" / "prosody" / "files" / "mod_stanza_pace.lua"

# What the module asks Prosody for, as little of it as the module uses
WORLD = r"""
local given = ...
local world = { log = {}, tasks = {}, filters = {}, now = 1000 }
local libraries = {
  ["prosody.util.filters"] = {
    add_filter_hook = function (hook) world.hook = hook end;
    remove_filter_hook = function (hook) assert(world.hook == hook); world.hook = nil end;
    add_filter = function (session, kind, filter) assert(kind == "stanzas/in"); world.filters[session] = filter end;
    remove_filter = function (session, _, filter)
      assert(world.filters[session] == filter); world.filters[session] = nil
    end;
  };
  ["prosody.util.cache"] = {
    new = function ()
      local items = {}
      return { get = function (_, key) return items[key] end, set = function (_, key, value) items[key] = value end }
    end;
  };
  ["prosody.util.time"] = { monotonic = function () return world.now end };
  ["prosody.util.timer"] = { add_task = function (_, task) table.insert(world.tasks, task) end };
}
world.prosody = { full_sessions = given.here, incoming_s2s = given.servers }
function world.require(name) return assert(libraries[name], name) end
world.module = {
  set_global = function () end;
  get_option_integer = function (_, name, default) return given.options[name] or default end;
  log = function (_, level, text, ...) table.insert(world.log, level .. " " .. text:format(...)) end;
}
-- the network backend has read: what was to be done after it is done
function world.done()
  local tasks = world.tasks
  world.tasks = {}
  for _, task in ipairs(tasks) do task() end
end
return world
"""


class Server:
    """A server that has read a chunk of a connection when `reads` returns."""

    def __init__(self, **options: int) -> None:
        self.lua = lupa.LuaRuntime(unpack_returned_tuples=True)
        table = self.lua.table_from
        self.here = {name: table({"type": name, "username": name, "host": "a.test"}) for name in ("c2s", "component")}
        self.peer = table({"type": "s2sin", "from_host": "far.test"})
        given = {"options": table(options), "here": table(self.here), "servers": table({self.peer: True})}
        self.world = self.lua.execute(WORLD, table(given))
        load = self.lua.eval(
            "function (source, world) return assert(load(source, 'mod', 't', setmetatable(world, {__index = _G}))) end"
        )
        load(SOURCE.read_text(), self.world)()

    def session(self, **known: Any) -> Any:
        conn: dict[str, Any] = {"pauses": self.lua.table(), "timeout": True}
        if known.pop("pausing", True):
            conn["pausefor"] = self.lua.eval("function (self, seconds) table.insert(self.pauses, seconds) end")
            conn["setreadtimeout"] = self.lua.eval("function (self, seconds) self.timeout = seconds end")
            conn["set_mode"] = self.lua.eval("function (self, bytes) self.read_size = bytes end")
        kind = known.pop("type")
        made = self.lua.table_from(
            {"type": kind + "_unauthed", "conn": self.lua.table_from(conn), "closed": "", **known}
        )
        made.close = self.lua.eval("function (self, why) self.closed = why.condition end")
        self.world.hook(made)
        made.type = kind
        return made

    def person(self, name: str = "alice", **more: Any) -> Any:
        return self.session(**{"type": "c2s", "username": name, "host": "a.test", **more})

    def reads(self, session: Any, count: int, seconds: float = 0) -> list[float]:
        """After some seconds, so many stanzas. Out: the pause that was made of it, in seconds."""
        self.world.now += seconds
        before = len(session.conn.pauses)
        for number in range(count):
            assert self.world.filters[session](number, session) == number
        self.world.done()
        return [round(one, 2) for one in list(session.conn.pauses.values())[before:]]


def test_what_people_send_is_read_as_it_comes() -> None:
    server = Server()
    alice = server.person()
    assert server.reads(alice, 500) == []
    for _second in range(20):
        assert server.reads(alice, 50, 1) == []
    assert list(server.world.log.values()) == []


@pytest.mark.parametrize(("session", "size"), [({}, 4096), ({"bosh_responses": True}, None)])
def test_little_is_read_in_one_go_since_all_of_it_is_worked_off_before_a_pause(session, size) -> None:
    """Uploads behind a proxy are read by a quarter of a megabyte (network_default_read_size)."""
    assert Server().person(**session).conn.read_size == size


def test_who_sends_more_is_read_as_slowly_as_he_may_write() -> None:
    server = Server()
    alice = server.person()
    assert server.reads(alice, 560) == [1.2]
    assert alice.conn.timeout is False, "a pause of ours is no dead connection"
    # as long as he goes on, so many a second are read, a chunk at a time
    for _chunk in range(5):
        assert server.reads(alice, 60, 1.2) == [1.2]
    assert server.reads(alice, 60, 12) == []
    assert list(server.world.log.values()) == [
        "info alice@a.test sends more than 50 stanzas a second (500 at once), and is read so slowly"
    ]


def test_it_is_told_again_only_after_a_minute() -> None:
    server = Server()
    alice = server.person()
    for _minute in range(3):
        server.reads(alice, 700, 31)
        server.reads(alice, 700, 1)
    assert len(server.world.log) == 2


def test_a_pause_is_never_longer_than_some_seconds_and_what_is_owed_stays() -> None:
    server = Server()
    alice = server.person()
    assert server.reads(alice, 2000) == [5]
    assert server.reads(alice, 1, 5) == [5]
    assert server.reads(alice, 1, 24.5) == [0.54]


def test_one_that_is_hardly_over_is_not_paused() -> None:
    server = Server()
    assert server.reads(server.person(), 504) == []


def test_another_device_of_an_account_is_counted_with_it_and_another_account_is_not() -> None:
    server = Server()
    assert server.reads(server.person(), 560) == [1.2]
    assert server.reads(server.person(), 1) == [1.22]
    assert server.reads(server.person("bob"), 500) == []


@pytest.mark.parametrize(("kind", "domain"), [("s2sin", "from_host"), ("s2sout", "to_host")])
def test_servers_send_more_and_are_counted_as_a_whole(kind: str, domain: str) -> None:
    server = Server()
    one, other = (server.session(**{"type": kind, domain: "far.test"}) for _number in range(2))
    assert server.reads(one, 3000) == []
    assert server.reads(other, 300) == [1.0]
    assert server.reads(server.session(**{"type": kind, domain: "near.test"}), 3000) == []


def test_who_has_not_signed_in_is_counted_for_himself() -> None:
    server = Server()
    one, other = (server.session(type="c2s", ip="192.0.2.1") for _number in range(2))
    assert server.reads(one, 600) == [2.0]
    assert server.reads(other, 500) == []


def test_figures_are_options() -> None:
    server = Server(stanza_pace_clients=10, stanza_pace_clients_at_once=20)
    assert server.reads(server.person(), 30) == [1.0]


def test_a_component_is_read_as_it_comes() -> None:
    server = Server()
    bridge = server.session(type="component", host="bridge.a.test")
    assert server.world.filters[bridge] is None


def test_one_that_is_gone_when_its_turn_comes_stops_nobody() -> None:
    server = Server()
    alice = server.person()
    alice.conn = None
    for number in range(600):
        server.world.filters[alice](number, alice)
    server.world.done()
    assert server.reads(server.person("bob", pausing=False), 600) == []


def test_over_bosh_the_session_ends_since_others_may_share_its_connection() -> None:
    server = Server()
    alice = server.person(bosh_responses=True)
    assert server.reads(alice, 500) == []
    assert alice.closed == ""
    assert server.reads(alice, 1) == []
    assert alice.closed == "policy-violation"


def test_sessions_that_were_there_when_it_came_are_counted_as_well() -> None:
    server = Server()
    assert server.world.filters[server.here["c2s"]]
    assert server.world.filters[server.peer]
    assert server.world.filters[server.here["component"]] is None


def test_a_pause_that_bytes_ask_for_is_not_made_shorter() -> None:
    server = Server()
    alice = server.person()
    alice.conn._limit = 1 / 2048
    assert server.reads(alice, 560) == [2.0]
    assert server.reads(alice, 1) == [2.0]
    assert server.reads(alice, 100) == [3.22]


def test_who_has_bound_no_resource_yet_is_counted_as_the_account() -> None:
    server = Server()
    alice = server.person()
    alice.type = "c2s_unbound"
    assert server.reads(alice, 560) == [1.2]
    assert server.reads(server.person(), 1) == [1.22]


def test_a_module_that_is_unloaded_counts_no_more() -> None:
    server = Server()
    alice = server.person()
    server.world.module.unload()
    assert server.world.filters[alice] is None
    assert server.world.hook is None
