# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module of Prosody that serves those slowly who ask too much: how long, whom, and that nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lupa.lua54 as lupa
import pytest

SOURCE = Path(__file__).parents[3] / "roles" / "prosody" / "files" / "mod_stanza_pace.lua"

# What the module asks Prosody for, as little of it as the module uses. Time passes where a stanza is worked off,
# and where the test waits
WORLD = r"""
local given = ...
local world = { log = {}, tasks = {}, filters = {}, now = 1000 }
local libraries = {
  ["prosody.util.filters"] = {
    add_filter_hook = function (hook) world.hook = hook end;
    remove_filter_hook = function (hook) assert(world.hook == hook); world.hook = nil end;
    add_filter = function (session, kind, filter, priority)
      assert(kind == "stanzas/in" and priority > 999); world.filters[session] = filter
    end;
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
  ["prosody.util.timer"] = {
    add_task = function (seconds, task) table.insert(world.tasks, { at = world.now + seconds, task = task }) end;
  };
}
world.prosody = { full_sessions = given.here, incoming_s2s = given.servers }
-- what a stanza takes it computes, unless it waits for something
world.os = { clock = function () return world.now - (world.waited or 0) end }
function world.require(name) return assert(libraries[name], name) end
world.module = {
  hook_global = function (_, event, handler) world[event] = handler end;
  set_global = function () end;
  get_option_integer = function (_, name, default) return given.options[name] or default end;
  log = function (_, level, text, ...) table.insert(world.log, level .. " " .. text:format(...)) end;
}
-- one round of the network backend: the tasks that are due when it begins
function world.round()
  local tasks, now = world.tasks, world.now
  world.tasks = {}
  for _, one in ipairs(tasks) do
    if one.at <= now then one.task() else table.insert(world.tasks, one) end
  end
end
-- util.async's runner, whose functions lie in its metatable
local runner = { __index = {
  run = function (self, item)
    if item == nil then self.went_on = (self.went_on or 0) + 1; return true end
    if self.fails == item then error("a fault") end
    world.now = world.now + self.takes
    if self.waits then world.waited = (world.waited or 0) + self.takes end
    table.insert(self.done, item)
    if self.ends == item then self.session.type = "c2s_destroyed"; self.session.destroyed = true end
    world.last = self.done
    return true, "ready", 0
  end;
} }
function world.thread() return setmetatable({ takes = 0, done = {} }, runner) end
return world
"""


class Server:
    """A server with a clock of its own."""

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
            conn["heard"] = self.lua.table()
            conn["on"] = self.lua.eval(
                "function (self, what, why) table.insert(self.heard, what .. ': ' .. why); return 'heard' end"
            )
            conn["set_mode"] = self.lua.eval("function (self, bytes) self.read_size = bytes end")
        kind = known.pop("type")
        made = self.lua.table_from(
            {"type": kind + "_unauthed", "conn": self.lua.table_from(conn), "closed": "", **known}
        )
        made.close = self.lua.eval(
            "function (self, why) self.closed = why and why.condition or 'goodbye'; self.destroyed = true end"
        )
        self.world.hook(made)
        made.filter = self.lua.eval(
            "function (world, session) return function (kind, stanza)"
            " local filter = world.filters[session]; if filter then stanza = filter(stanza, session) end"
            " if stanza ~= nil then session.counted = (session.counted or 0) + 1 end return stanza end end"
        )(self.world, made)
        made.type = kind
        made.thread = self.world.thread()
        made.thread.session = made
        return made

    def person(self, name: str = "alice", **more: Any) -> Any:
        return self.session(**{"type": "c2s", "username": name, "host": "a.test", **more})

    def sends(self, session: Any, count: int, each: float = 0) -> None:
        """So many stanzas in one go, each of which takes so many seconds."""
        session.thread.takes = each
        for _number in range(count):
            session.sent = (session.sent or 0) + 1
            stanza = session.filter("stanzas/in", session.sent)
            session.thread.run(session.thread, stanza)

    def passes(self, seconds: float) -> None:
        end = self.world.now + seconds
        while self.world.now < end:
            self.world.round()
            self.world.now += 0.001


def done(session: Any) -> int:
    """How many of its stanzas are worked off: all of them once and as they came."""
    numbers = list(session.thread.done.values())
    assert numbers == list(range(1, len(numbers) + 1))
    return len(numbers)


def pauses(session: Any) -> list[float]:
    return [round(one, 3) for one in session.conn.pauses.values()]


def test_what_people_send_is_done_as_it_comes() -> None:
    server = Server()
    alice = server.person()
    server.sends(alice, 500)
    for second in range(20):
        server.passes(1)
        server.sends(alice, 50)
        assert done(alice) == 550 + second * 50
    assert pauses(alice) == []
    assert list(server.world.log.values()) == []


@pytest.mark.parametrize(("session", "size"), [({}, 4096), ({"bosh_responses": True}, None)])
def test_little_is_read_in_one_go(session, size) -> None:
    """Uploads behind a proxy are read by a quarter of a megabyte (network_default_read_size)."""
    assert Server().person(**session).conn.read_size == size


def test_who_sends_more_is_served_as_slowly_as_he_may_write_and_loses_nothing() -> None:
    server = Server()
    alice = server.person()
    server.sends(alice, 700)
    assert 500 <= done(alice) <= 506
    for second in range(1, 4):
        server.passes(1)
        assert abs(done(alice) - (503 + second * 50)) <= 4
    server.passes(2)
    assert done(alice) == 700
    assert list(server.world.log.values()) == [
        "info alice@a.test asks for more than 50 stanzas a second (500 at once) or 20 % of the time, "
        "and is served so slowly"
    ]


def test_no_more_is_read_until_what_came_is_done() -> None:
    server = Server()
    alice = server.person()
    server.sends(alice, 560)
    server.passes(0.01)
    assert pauses(alice) == [5]
    assert alice.conn.timeout is False, "a pause of ours is no dead connection"
    # the network backend reads on after the longest pause, or because of one that bytes asked for
    server.sends(alice, 10)
    server.passes(0.01)
    assert pauses(alice) == [5, 5]
    server.passes(2)
    assert done(alice) == 570
    assert pauses(alice) == [5, 5, 0.001]


def test_stanzas_that_take_long_count_by_their_time() -> None:
    """Questions of a few bytes with answers that take 50 ms each: two seconds at once, then a fifth of the time."""
    server = Server()
    alice = server.person()
    server.sends(alice, 100, each=0.05)
    server.passes(4)
    after = done(alice)
    assert 40 <= after <= 60
    server.passes(5)
    assert 18 <= done(alice) - after <= 22
    server.passes(20)
    assert done(alice) == 100


def test_work_is_done_in_turns() -> None:
    """What comes in one go, in a frame or a request, keeps others waiting for no longer than a turn and a stanza."""
    server = Server()
    alice, bob = server.person(), server.person("bob")
    server.sends(alice, 200, each=0.006)
    assert done(alice) == 4
    server.sends(bob, 100, each=0.006)
    longest = 0.0
    while done(bob) < 100:
        begun = server.world.now
        server.world.round()
        longest = max(longest, server.world.now - begun)
        server.world.now += 0.0001
    assert 90 <= done(alice) <= 110
    assert longest < 0.026
    server.passes(2)
    assert done(alice) == 200


@pytest.mark.parametrize(("waits", "seconds"), [(True, 0.2), (False, 290)])
def test_for_a_stanza_that_waited_for_a_database_nobody_waits_long_and_for_one_that_computed_he_does(
    waits: bool, seconds: float
) -> None:
    server = Server()
    alice = server.person()
    alice.thread.waits = waits
    server.sends(alice, 1, each=60)
    server.sends(alice, 50)
    server.passes(seconds - 0.1)
    assert done(alice) == (51 if waits else 1)
    server.passes(2)
    assert done(alice) == 51


def test_it_is_told_again_only_after_a_minute() -> None:
    server = Server()
    alice = server.person()
    for _minute in range(3):
        server.sends(alice, 900)
        server.passes(31)
    assert len(server.world.log) == 2


def test_another_device_of_an_account_is_counted_with_it_and_another_account_is_not() -> None:
    server = Server()
    server.sends(server.person(), 510)
    other, bob = server.person(), server.person("bob")
    server.sends(other, 1)
    server.sends(bob, 500)
    server.passes(0.05)
    assert (done(other), done(bob)) == (0, 500)
    server.passes(1)
    assert done(other) == 1


@pytest.mark.parametrize(("kind", "domain"), [("s2sin", "from_host"), ("s2sout", "to_host")])
def test_servers_send_more_and_are_counted_as_a_whole(kind: str, domain: str) -> None:
    server = Server()
    one, other, near = (
        server.session(**{"type": kind, domain: name}) for name in ("far.test", "far.test", "near.test")
    )
    server.sends(one, 3000)
    assert done(one) == 3000
    server.sends(other, 300)
    assert done(other) <= 31
    server.sends(near, 3000)
    assert done(near) == 3000
    server.passes(1.1)
    assert done(other) == 300


def test_who_has_not_signed_in_has_a_tenth_for_himself() -> None:
    server = Server()
    one, other = (server.session(type="c2s", ip="192.0.2.1") for _number in range(2))
    server.sends(one, 60)
    assert 50 <= done(one) <= 55
    server.sends(other, 50)
    assert done(other) == 50


def test_figures_are_options() -> None:
    server = Server(stanza_pace_clients=10, stanza_pace_clients_at_once=20, stanza_pace_clients_percent=100)
    alice, bob = server.person(), server.person("bob")
    server.sends(alice, 30)
    assert 20 <= done(alice) <= 21
    server.sends(bob, 30, each=0.09)
    server.passes(2.8)
    assert done(bob) >= 21


def test_a_component_is_served_as_it_comes() -> None:
    server = Server()
    bridge = server.session(type="component", host="bridge.a.test")
    assert server.world.filters[bridge] is None


def test_a_connection_that_is_lost_loses_nothing_that_came() -> None:
    """A session that can be resumed (XEP-0198) has acknowledged it."""
    server = Server()
    alice = server.person()
    server.sends(alice, 600)
    alice.conn = None
    server.passes(3)
    assert done(alice) == 600


def test_a_session_that_ended_is_not_served() -> None:
    server = Server()
    alice = server.person(pausing=False)
    server.sends(alice, 600)
    alice.destroyed = True
    server.passes(3)
    assert done(alice) <= 506


def test_over_bosh_the_session_ends_since_others_may_share_its_connection() -> None:
    server = Server()
    alice = server.person(bosh_responses=True)
    server.sends(alice, 500)
    assert (alice.closed, done(alice)) == ("", 500)
    server.sends(alice, 10)
    assert alice.closed == "policy-violation"
    assert pauses(alice) == []


def test_over_bosh_a_request_is_worked_off_in_turns_and_a_goodbye_comes_last() -> None:
    server = Server()
    alice = server.person(bosh_responses=True)
    alice.bosh_terminate = True
    server.sends(alice, 50, each=0.006)
    assert (done(alice), alice.bosh_terminate, alice.closed) == (4, None, "")
    server.passes(1)
    assert (done(alice), alice.closed) == (50, "goodbye")


def test_what_the_thread_goes_on_with_by_itself_does_not_wait() -> None:
    """The thread calls its own function when what it waited for has come (util.async)."""
    server = Server()
    alice = server.person()
    server.sends(alice, 600)
    before = alice.thread.went_on or 0
    alice.thread.run(alice.thread)
    assert alice.thread.went_on == before + 1


def test_sessions_that_were_there_when_it_came_are_counted_as_well() -> None:
    server = Server()
    assert server.world.filters[server.here["c2s"]]
    assert server.world.filters[server.peer]
    assert server.world.filters[server.here["component"]] is None


def test_a_pause_that_bytes_ask_for_is_not_made_shorter() -> None:
    server = Server()
    alice = server.person()
    alice.conn._limit = 1 / 2048
    server.sends(alice, 560)
    server.passes(2)
    assert pauses(alice) == [5, 2.0]


def test_who_has_bound_no_resource_yet_is_counted_as_the_account() -> None:
    server = Server()
    alice, other = server.person(), server.person()
    alice.type = "c2s_unbound"
    server.sends(alice, 560)
    server.sends(other, 1)
    assert done(other) == 0


def test_a_module_that_is_unloaded_lets_all_go_that_waits_and_counts_no_more() -> None:
    server = Server()
    alice = server.person()
    server.sends(alice, 600)
    server.world.module.unload()
    assert done(alice) == 600
    assert server.world.filters[alice] is None
    assert server.world.hook is None
    for number in range(601, 2000):
        alice.thread.run(alice.thread, number)
    assert done(alice) == 1999


def resumes(server: Server, session: Any) -> None:
    """As mod_smacks does it: what belongs to the new session becomes part of the old one."""
    server.lua.execute(
        """
        local handler, to = ...
        -- util.startup of Prosody: what is set in a function is an upvalue of it
        debug.setmetatable(print, { __newindex = function (f, name, value)
          for i = 1, 9 do if debug.getupvalue(f, i) == name then debug.setupvalue(f, i, value) end end
        end })
        local session = {}
        local from = { data = function () return "the new parser", session == to end }
        handler({ session = to, from_session = from })
        """,
        server.world["c2s-session-updated"],
        session,
    )


def heard(session: Any) -> list[str]:
    return list(session.conn.heard.values())


def test_who_writes_and_hangs_up_has_written() -> None:
    """A script that sends a few messages and ends: its session ends when they are done."""
    server = Server()
    alice = server.person()
    server.sends(alice, 20, each=0.012)
    alice.conn.on(alice.conn, "disconnect", "closed")
    assert (done(alice), heard(alice)) == (2, [])
    server.passes(1)
    assert (done(alice), heard(alice)) == (20, ["disconnect: closed"])


@pytest.mark.parametrize("session", [{"username": None}, {"resumption_token": "abc"}])
def test_a_session_ends_at_once_that_is_nobodys_or_can_be_resumed(session: dict[str, Any]) -> None:
    server = Server()
    alice = server.person(**session)
    server.sends(alice, 20, each=0.012)
    alice.conn.on(alice.conn, "disconnect", "closed")
    assert heard(alice) == ["disconnect: closed"]


def test_what_else_happens_to_a_connection_is_heard_at_once() -> None:
    server = Server()
    alice = server.person()
    server.sends(alice, 20, each=0.012)
    assert alice.conn.on(alice.conn, "drain", "") == "heard"


def test_who_has_more_waiting_than_a_stream_brings_is_disconnected() -> None:
    """A frame of WebSocket may hold thousands, and what waits outlives a connection."""
    server = Server()
    first, second = server.person(), server.person()
    server.sends(first, 1400)
    assert first.closed == ""
    server.sends(second, 200)
    assert second.closed == "policy-violation"
    server.passes(20)
    third = server.person()
    server.sends(third, 1000)
    assert third.closed == ""


def test_what_waits_is_not_counted_as_handled() -> None:
    """What is acknowledged (XEP-0198, counted by a filter) is forgotten by who sent it, and Prosody may be stopped."""
    server = Server()
    alice = server.person()
    server.sends(alice, 60, each=0.012)
    assert alice.counted == done(alice) == 2
    server.passes(3)
    assert alice.counted == done(alice) == 60


def test_who_resumes_a_session_sends_what_waits_again() -> None:
    server = Server()
    alice = server.person()
    server.sends(alice, 60, each=0.012)
    resumes(server, alice)
    server.passes(3)
    assert alice.counted == done(alice) == 2
    assert pauses(alice)[-1] == 0.001, "the new connection may have waited before"


def test_what_comes_on_a_new_connection_is_read_by_its_own_parser() -> None:
    server = Server()
    alice = server.person()
    resumes(server, alice)
    assert alice.data() == ("the new parser", True)


def test_a_fault_ends_nothing() -> None:
    server = Server()
    alice = server.person()
    alice.thread.fails = 10
    server.sends(alice, 20, each=0.012)
    server.passes(1)
    assert list(alice.thread.done.values()) == [*range(1, 10), *range(11, 21)]


def test_what_a_session_ended_with_is_counted_as_well() -> None:
    """Resuming a session sends again what was not acknowledged, and ends the one that asked for it."""
    server = Server()
    for _number in range(3):
        ends = server.person()
        ends.thread.ends = 1
        server.sends(ends, 1, each=1)
    other = server.person()
    server.sends(other, 1)
    assert done(other) == 0


def test_a_server_that_stops_has_written() -> None:
    """It sends that its people are gone, an error of the stream, and ends the connection: before all of it is done."""
    server = Server()
    peer = server.session(type="s2sin", from_host="far.test", direction="incoming")
    server.sends(peer, 60, each=0.012)
    peer.close(peer)
    peer.conn.on(peer.conn, "disconnect", "closed")
    assert (peer.closed, heard(peer)) == ("", [])
    server.passes(3)
    assert (done(peer), peer.closed, heard(peer)) == (60, "goodbye", ["disconnect: closed"])


def test_a_server_that_is_refused_ends_at_once() -> None:
    server = Server()
    peer = server.session(type="s2sin", from_host="far.test", direction="incoming")
    server.sends(peer, 60, each=0.012)
    peer.close(peer, server.lua.table_from({"condition": "not-authorized"}))
    assert peer.closed == "not-authorized"
