# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module of Prosody that refuses what is nested or wide without end: how much, whose, and the sender's end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lupa.lua54 as lupa
import pytest

SOURCE = Path(__file__).parents[3] / "roles" / "prosody" / "files" / "mod_stanza_shape.lua"
# What the module asks Prosody for
WORLD = r"""
local given = ...
local world = { log = {}, filters = {} }
local libraries = { ["prosody.util.filters"] = {
  add_filter_hook = function (hook) world.hook = hook end;
  remove_filter_hook = function (hook) assert(world.hook == hook); world.hook = nil end;
  add_filter = function (session, kind, filter) assert(kind == "stanzas/in"); world.filters[session] = filter end;
  remove_filter = function (session, _, filter)
    assert(world.filters[session] == filter); world.filters[session] = nil
  end;
} }
world.prosody = { full_sessions = { given.here }, incoming_s2s = {} }
function world.require(name) return assert(libraries[name], name) end
world.module = {
  set_global = function () end;
  get_option_integer = function (_, name, default) return given.options[name] or default end;
  log = function (_, level, text, ...) table.insert(world.log, level .. " " .. text:format(...)) end;
}
-- a stanza of so many levels, with some flat children beside
function world.nested(levels)
  local stanza = { tags = {} }
  local inner = stanza
  for _ = 2, levels do
    local child = { tags = {} }
    inner.tags = { child, { tags = {} } }
    inner = child
  end
  return stanza
end
-- a stanza of so many elements, itself among them
function world.wide(elements)
  local stanza = { tags = {} }
  for number = 2, elements do stanza.tags[number - 1] = { tags = {} } end
  return stanza
end
return world
"""


class Server:
    def __init__(self, **options: int) -> None:
        self.lua = lupa.LuaRuntime(unpack_returned_tuples=True)
        table = self.lua.table_from
        self.here = table({"type": "c2s"})
        self.world = self.lua.execute(WORLD, table({"options": table(options), "here": self.here}))
        load = self.lua.eval(
            "function (source, world) return assert(load(source, 'mod', 't', setmetatable(world, {__index = _G}))) end"
        )
        load(SOURCE.read_text(), self.world)()

    def session(self, kind: str) -> Any:
        made = self.lua.table_from({"type": kind, "closed": "", "username": "alice", "from_host": "far.test"})
        made.close = self.lua.eval("function (self, why) self.closed = why.condition end")
        self.world.hook(made)
        return made


@pytest.mark.parametrize("kind", ["c2s_unauthed", "s2sin_unauthed", "s2sout"])
def test_who_sends_deeper_ones_is_disconnected_and_nobody_gets_them(kind: str) -> None:
    server = Server()
    session = server.session(kind)
    fits = server.world.nested(100)
    assert server.world.filters[session](fits, session) is not None
    assert session.closed == ""
    assert server.world.filters[session](server.world.nested(101), session) is None
    assert session.closed == "policy-violation"
    assert "more than 100 levels" in server.world.log[1]


def test_twenty_thousand_levels_are_looked_at_without_recursion() -> None:
    server = Server()
    session = server.session("c2s")
    assert server.world.filters[session](server.world.nested(200000), session) is None


@pytest.mark.parametrize(("kind", "most"), [("c2s", 5000), ("s2sin", 20000), ("s2sout", 20000)])
def test_a_server_may_have_more_elements_than_a_client(kind: str, most: int) -> None:
    server = Server()
    session = server.session(kind)
    assert server.world.filters[session](server.world.wide(most), session) is not None
    assert server.world.filters[session](server.world.wide(most + 1), session) is None
    assert session.closed == "policy-violation"
    assert f"more than {most} elements" in server.world.log[1]


def test_a_component_is_left_alone_and_the_figure_is_an_option() -> None:
    server = Server(stanza_shape_levels=10)
    assert server.world.filters[server.session("component")] is None
    session = server.session("c2s")
    assert server.world.filters[session](server.world.nested(11), session) is None


def test_sessions_that_were_there_are_looked_at_and_an_unloaded_module_looks_at_none() -> None:
    server = Server()
    assert server.world.filters[server.here]
    server.world.module.unload()
    assert server.world.hook is None
    assert server.world.filters[server.here] is None
