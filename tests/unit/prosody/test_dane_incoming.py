# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module of Prosody that tells a server whose key is not in DNS why it is sent away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lupa.lua54 as lupa
import pytest

SOURCE = Path(__file__).parents[3] / "roles" / "prosody" / "files" / "mod_dane_incoming.lua"
TEXT = "Your server's certificate does not match any DANE TLSA records"

# What the module asks Prosody for, as little of it as the module uses
WORLD = r"""
local options = ...
local world = {}
local set = {}
set.__index = set
function set:contains(item) return self.items[item] or false end
function set.__div(list, prepared)
  local items = {}
  for item in pairs(list.items) do items[prepared(item)] = true end
  return setmetatable({ items = items }, set)
end
function world.require() return { stringprep = { nameprep = string.lower } } end
world.module = {
  set_global = function () end;
  get_option_boolean = function (_, name) return options[name] end;
  get_option_set = function (_, name)
    local items = {}
    for _, item in ipairs(options[name] or {}) do items[item] = true end
    return setmetatable({ items = items }, set)
  end;
  wrap_event = function (_, event, handler) assert(event == "s2s-check-certificate"); world.handler = handler end;
}
return world
"""


def looked_at(answer: Any, direction: str, status: str, **options: Any) -> tuple[Any, list[str]]:
    """What comes of the event where others answered so, and what the other server was told."""
    lua = lupa.LuaRuntime(unpack_returned_tuples=True)
    told: list[str] = []
    world = lua.execute(WORLD, lua.table_from({"s2s_secure_auth": True, **options}, recursive=True))
    load = "function (s, w) return assert(load(s, 'mod', 't', setmetatable(w, {__index = _G}))) end"
    lua.eval(load)(SOURCE.read_text(), world)()
    session = {
        "direction": direction,
        "cert_chain_status": status,
        "log": lambda *_words: None,
        "close": lambda _session, reason, *_more: told.append(str(reason.text)),
    }
    event = lua.table_from({"host": "peer.test", "session": lua.table_from(session)})
    return world.handler(lambda _name, _event: answer, "s2s-check-certificate", event), told


def test_it_is_sent_away_and_told_why():
    assert looked_at(True, "incoming", "invalid") == (False, [TEXT])


@pytest.mark.parametrize(
    ("answer", "direction", "status", "options"),
    [
        (True, "incoming", "valid", {}),
        # Prosody's own answers
        (None, "incoming", "invalid", {}),
        (False, "incoming", "invalid", {}),
        (True, "outgoing", "invalid", {}),
        (True, "incoming", "invalid", {"s2s_insecure_domains": ["Peer.test"]}),
        (True, "incoming", "invalid", {"s2s_secure_auth": False}),
    ],
)
def test_nothing_else_is_changed(answer, direction, status, options):
    assert looked_at(answer, direction, status, **options) == (answer, [])


def test_a_domain_may_be_asked_for_more_than_others():
    found = looked_at(True, "incoming", "invalid", s2s_secure_auth=False, s2s_secure_domains=["peer.test"])
    assert found == (False, [TEXT])
