# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module of Prosody that knows whom to talk to: both lists, both directions, and every way in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lupa.lua54 as lupa
import pytest

SOURCE = Path(__file__).parents[3] / "roles" / "prosody" / "files" / "mod_peers_allowed.lua"
POLICY = "The policy of this server does not allow communication with that server"

# What the module asks Prosody for, as little of it as the module uses
WORLD = r"""
local lists, sessions = ...
local world = { log = {}, hooks = {}, sent = {}, sessions = sessions }
local set = {}
set.__index = set
function set:contains(item) return self.items[item] or false end
function set:empty() return next(self.items) == nil end
function set.__div(list, prepared)
  local items = {}
  for item in pairs(list.items) do items[prepared(item)] = true end
  return setmetatable({ items = items }, set)
end
local libraries = {
  ["prosody.util.stanza"] = {
    error_reply = function (stanza, ...) return table.concat({ stanza.attr.to, ... }, " ") end;
  };
  ["prosody.util.encodings"] = { stringprep = { nameprep = string.lower } };
}
function world.require(name) return assert(libraries[name], name) end
world.prosody = { hosts = { ["a.test"] = {}, ["muc.a.test"] = {} } }
world.module = {
  set_global = function () end;
  get_option_set = function (_, name)
    local items = {}
    for _, item in ipairs(lists[name] or {}) do items[item] = true end
    return setmetatable({ items = items }, set)
  end;
  context = function (_, host)
    return {
      hook = function (_, event, handler) world.hooks[host .. " " .. event] = handler end;
      send = function (_, reply) world.sent[#world.sent + 1] = host .. ": " .. reply end;
    }
  end;
  hook = function (_, event, handler) world.hooks[event] = handler end;
  shared = function () return world.sessions end;
  log = function (_, level, text, ...) world.log[#world.log + 1] = level .. " " .. text:format(...) end;
}
return world
"""


class Server:
    """A server a.test with rooms, and both lists."""

    def __init__(self, allow: list[str], deny: list[str], connected: list[dict[str, str]] | None = None) -> None:
        self.lua = lupa.LuaRuntime(unpack_returned_tuples=True)
        self.closed: list[tuple[str, str]] = []
        sessions = [self.session(**one) for one in connected or []]
        lists = {"s2s_allow": allow, "s2s_deny": deny}
        make = self.lua.table_from
        self.world = self.lua.execute(WORLD, make(lists, recursive=True), make(sessions))
        load = self.lua.eval(
            "function (source, world) return assert(load(source, 'mod', 't', setmetatable(world, {__index = _G}))) end"
        )
        load(SOURCE.read_text(), self.world)()

    def session(self, **known: str) -> Any:
        who = known.get("from_host") if known.get("direction") == "incoming" else known.get("to_host")

        def close(_session: Any, reason: Any) -> None:
            self.closed.append((str(who), str(reason.text)))

        return self.lua.table_from({**known, "close": close})

    def writes(self, peer: str, host: str = "a.test", kind: str | None = None, xmlns: str | None = None) -> Any:
        """Somebody of a host of ours writes to another server. Out: true where that is the end of it."""
        attr = {"to": f"x@{peer}", "type": kind, "xmlns": xmlns}
        event = {"from_host": host, "to_host": peer, "stanza": {"attr": attr}}
        return self.world.hooks[f"{host} route/remote"](self.lua.table_from(event, recursive=True))

    def comes_in(self, peer: str | None, host: str = "a.test") -> Any:
        session = self.session(direction="incoming", from_host=peer) if peer else self.session(direction="incoming")
        return self.world.hooks[f"{host} s2s-stream-features"](self.lua.table_from({"origin": session}))

    def proves(self, peer: str, begun_as: str, host: str = "a.test") -> Any:
        """A server proves a name on a connection that it began under another one."""
        session = self.session(direction="incoming", from_host=begun_as)
        return self.world.hooks[f"{host} s2s-authenticated"](self.lua.table_from({"session": session, "host": peer}))


@pytest.mark.parametrize(
    ("allow", "deny", "peer", "talks"),
    [
        ([], [], "b.test", True),
        ([], ["b.test"], "b.test", False),
        ([], ["B.test"], "b.test", False),
        ([], ["b.test"], "muc.b.test", False),
        ([], ["b.test"], "ab.test", True),
        ([], ["muc.b.test"], "b.test", True),
        (["b.test"], [], "b.test", True),
        (["b.test"], [], "muc.b.test", True),
        (["b.test"], [], "c.test", False),
        (["b.test"], ["bad.b.test"], "b.test", True),
        (["b.test"], ["bad.b.test"], "x.bad.b.test", False),
        (["test"], [], "b.test", True),
    ],
)
def test_a_domain_stands_for_all_below_it_and_what_is_denied_counts(
    allow: list[str], deny: list[str], peer: str, talks: bool
) -> None:
    for host in ("a.test", "muc.a.test"):
        server = Server(allow, deny)
        assert server.writes(peer, host) == (None if talks else True)
        assert server.comes_in(peer, host) == (None if talks else True)
        assert server.proves(peer, "b.test", host) == (None if talks else False)
        assert len(server.closed) == (0 if talks else 2)
        assert len(server.world.log) == (0 if talks else 3)


def test_who_writes_is_told_but_not_the_name() -> None:
    """Which may be half of an address that a room keeps to itself."""
    server = Server([], ["b.test"])
    server.writes("b.test", "muc.a.test")
    assert list(server.world.sent.values()) == [f"muc.a.test: x@b.test cancel not-allowed {POLICY}"]
    assert "b.test" not in POLICY
    assert list(server.world.log.values()) == ["info Refused to send from muc.a.test to b.test: it is on s2s_deny"]


@pytest.mark.parametrize(("kind", "xmlns"), [("error", None), ("result", None), (None, "jabber:server:dialback")])
def test_an_error_and_what_servers_say_to_one_another_is_not_answered(kind: str | None, xmlns: str | None) -> None:
    server = Server(["c.test"], [])
    assert server.writes("b.test", kind=kind, xmlns=xmlns) is True
    assert len(server.world.sent) == 0


def test_one_that_does_not_say_who_it_is_yet_may_go_on() -> None:
    assert Server(["c.test"], []).comes_in(None) is None


def test_those_that_are_connected_already_are_sent_away_and_no_others() -> None:
    connected = [
        {"direction": "incoming", "from_host": "b.test", "to_host": "a.test"},
        {"direction": "outgoing", "from_host": "a.test", "to_host": "muc.b.test"},
        {"direction": "outgoing", "from_host": "a.test", "to_host": "c.test"},
        {"direction": "incoming"},
    ]
    server = Server([], ["b.test"], connected)
    assert sorted(server.closed) == [("b.test", POLICY), ("muc.b.test", POLICY)]


def test_a_host_that_comes_later_is_guarded_as_well() -> None:
    server = Server([], ["b.test"])
    server.world.hooks["host-activated"]("new.test")
    assert server.comes_in("b.test", "new.test") is True
