# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Lua of rooms and module_set against a make-believe Prosody: what a real one cannot easily be brought to do."""

from __future__ import annotations

import hashlib
import hmac
import json

import lupa
import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules import lua as modules_lua
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import quote
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.rooms import lua as rooms_lua

PRELUDE = r"""
local decode, encode, hmac = ...
package.preload["prosody.util.json"] = function () return { decode = decode, encode = encode } end
NOW = 1000
package.preload["prosody.util.time"] = function () return { now = function () return NOW end } end
package.preload["prosody.util.hashes"] = function () return { hmac_sha256 = hmac } end
package.preload["prosody.util.array"] = function ()
    local mt = { __index = { push = function (t, v) t[#t + 1] = v return t end,
        sort = function (t) table.sort(t) return t end } }
    return setmetatable({}, { __call = function () return setmetatable({}, mt) end })
end
package.preload["prosody.util.jid"] = function ()
    return { split = function (jid) local node, host = jid:match("^([^@]*)@(.*)$") return node, host or jid end }
end
package.preload["prosody.util.logger"] = function ()
    return { add_simple_sink = function (f) SINK = f return f end, remove_sink = function () SINK = nil end }
end
package.preload["prosody.core.configmanager"] = function () return {} end
package.preload["prosody.core.features"] = function () return { available = { _items = { loader = true } } } end
package.preload["lfs"] = function () return {} end
SENT = {}
package.preload["prosody.util.stanza"] = function ()
    local mt = {}
    mt.__index = { tag = function (t, name, attr) t.text = t.text..name..(attr.code or "").." " return t end,
        up = function (t) return t end }
    return { message = function () return setmetatable({ text = "" }, mt) end }
end
LOADED = { ["*"] = {} }
package.preload["prosody.core.modulemanager"] = function ()
    return {
        get_module = function (host, name) return LOADED[host] and LOADED[host][name] end,
        get_modules = function (host) return LOADED[host] end,
        is_loaded = function (host, name) return LOADED[host] and LOADED[host][name] and true end,
        load = function (host, name) return LOAD(host, name) end,
        unload = function (host, name) return UNLOAD(host, name) end,
        reload = function (host, name) return RELOAD(host, name) end,
    }
end
prosody = { hosts = {} }
function ROOM(jid)
    local room = { jid = jid, _data = { history_length = 20 }, _affiliations = {}, saved = 0, inside = false }
    local function pair(name)
        room["get_"..name] = function (r) return r._data[name] end
        room["set_"..name] = function (r, v) r._data[name] = v end
    end
    for _, name in ipairs { "name", "description", "language", "public", "persistent", "members_only", "moderated",
        "allow_member_invites", "changesubject", "whois", "allow_pm", "password" } do pair(name) end
    function room:get_historylength() return math.min(self._data.history_length or 20, 50) end
    function room:set_historylength(v) self._data.history_length = v end
    function room:get_subject() return nil, self._data.subject end
    function room:set_subject(from, v) self._data.subject = v end
    function room:set_affiliation(actor, who, affiliation)
        if who == "denied@a" then return nil, "cancel", "not-allowed" end
        self._affiliations[who] = affiliation ~= "none" and affiliation or nil
        self:save(true)
        return true
    end
    function room:each_affiliation() return pairs(self._affiliations) end
    function room:has_occupant() return self.inside end
    function room:broadcast_message(m) SENT[#SENT + 1] = m.text end
    function room:destroy() if self.keep then return false, "no" end ROOMSTORE[self.jid] = nil return true end
    room.save = function (r) r.saved = r.saved + 1 if r.full then return nil, "disk full" end return true end
    return room
end
ROOMSTORE, LIMIT = {}, false
prosody.hosts["r"] = {}
LOADED["r"] = { muc = {
    get_room_from_jid = function (jid) return ROOMSTORE[jid] end,
    create_room = function (jid) if LIMIT then return false end ROOMSTORE[jid] = ROOM(jid) return ROOMSTORE[jid] end,
    forget_room = function (room) ROOMSTORE[room.jid] = nil end,
    delete_room = function () end,
} }
"""


def plain(value):
    """A Lua table as a dict or list."""
    if lupa.lua_type(value) != "table":
        return value
    keys = list(value)
    if keys and keys == list(range(1, len(keys) + 1)):
        return [plain(value[key]) for key in keys]
    return {key: plain(value[key]) for key in keys}


class Lua:
    """A Lua with a make-believe Prosody, in which a library is loaded."""

    def __init__(self, library: str) -> None:
        self.runtime = lupa.LuaRuntime(unpack_returned_tuples=True)
        self.runtime.execute(
            PRELUDE,
            lambda text: self.table(json.loads(text)),
            lambda value: json.dumps(plain(value)),
            lambda key, text, _hex: hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest(),
        )
        assert self.runtime.execute(library) == (True, "ready")

    def table(self, value):
        if isinstance(value, dict):
            return self.runtime.table_from({key: self.table(item) for key, item in value.items()})
        if isinstance(value, list):
            return self.runtime.table_from([self.table(item) for item in value])
        return value

    def __call__(self, code: str):
        return self.runtime.execute(code)

    def json(self, code: str):
        ok, text = self(f"return {code}")
        assert ok is True
        return json.loads(text)


@pytest.fixture
def rooms():
    lua = Lua(rooms_lua.library())
    lua('ROOMSTORE["a@r"] = ROOM("a@r") ROOMSTORE["a@r"]._data.name = "Old"')
    return lua


def change(lua, *actions, jid="a@r", create="false"):
    """Open, apply and commit; return the answer of the first that fails, or of the last."""
    answer = lua(f'return ROOMS.open("{jid}", {create})')
    for action in actions:
        if answer[0]:
            answer = lua(f"return ROOMS.apply({quote(json.dumps([action]))})")
    return lua("return ROOMS.commit()") if answer[0] else answer


def put(name, value):
    return {"name": name, "value": value}


def test_a_change_is_applied_and_saved_once_and_those_inside_are_told(rooms):
    rooms('ROOMSTORE["a@r"].inside = true')
    assert change(rooms, put("name", "New"), put("whois", "anyone"), {"jid": "b@a", "affiliation": "member"}) == (
        True,
        "saved",
    )
    assert plain(rooms('return ROOMSTORE["a@r"]._data'))["name"] == "New"
    assert rooms('return ROOMSTORE["a@r"].saved') == 1
    assert sorted(plain(rooms("return SENT"))[0].split()) == ["status104", "status172", "x"]


FAILURES = [
    ((put("name", "New"), put("history_length", 500)), "history_length was set to 500, but is 50"),
    ((put("name", "New"), put("archiving", True)), "archiving needs the module muc_mam on its host"),
    (
        ({"jid": "b@a", "affiliation": "owner"}, {"jid": "denied@a", "affiliation": "outcast"}),
        "it refuses to make denied@a outcast: not-allowed",
    ),
    ((put("name", "New"), put("no_such_setting", 1)), "attempt to index"),
]


@pytest.mark.parametrize(("actions", "why"), FAILURES)
def test_a_failure_leaves_the_room_as_it_was(rooms, actions, why):
    before = plain(rooms('return ROOMSTORE["a@r"]._data'))
    ok, message = change(rooms, *actions)
    assert ok is None
    assert why in message
    assert plain(rooms('return ROOMSTORE["a@r"]._data')) == before
    assert plain(rooms('return ROOMSTORE["a@r"]._affiliations')) == {}
    assert rooms("return ROOMS.apply('[]')") == (None, "it was not opened")
    assert rooms("return ROOMS.commit()") == (None, "it was not opened")


def test_a_password_that_another_module_overrules_is_not_told(rooms):
    rooms('ROOMSTORE["a@r"].get_password = function () return "theirs" end')
    why = change(rooms, put("password", "ours"))[1]
    assert why.startswith("password was set to the given one, but is another one")
    assert "ours" not in why
    assert "theirs" not in why


def test_a_room_that_cannot_be_saved(rooms):
    rooms('ROOMSTORE["a@r"].full = true')
    assert change(rooms, put("name", "New")) == (None, "it cannot be saved: disk full")
    assert rooms('return ROOMSTORE["a@r"]._data.name') == "Old"


def test_rooms_that_are_not_to_be_had(rooms):
    assert change(rooms, jid="new@r") == (None, "it is not there any more")
    assert change(rooms, jid="new@nowhere", create="true") == (None, "there is no host nowhere on this server")
    rooms("LIMIT = true")
    assert change(rooms, jid="new@r", create="true") == (None, "the server takes no more rooms (muc_max_rooms)")


def test_a_new_room_that_fails_is_gone(rooms):
    assert change(rooms, put("history_length", 500), jid="new@r", create="true")[0] is None
    assert rooms('return ROOMSTORE["new@r"]') is None


def test_read(rooms):
    rooms('ROOMSTORE["a@r"]._data.password = "pw" ROOMSTORE["broken@r"] = false')
    rooms('ROOMSTORE["stone@r"] = ROOM("stone@r") ROOMSTORE["stone@r"]._data.destroyed = true')
    wanted = json.dumps({"jids": ["a@r", "broken@r", "stone@r", "x@y", "none@r"], "key": "k"})
    found = rooms.json(f"ROOMS.read({quote(wanted)})")
    assert found["a@r"]["settings"]["name"] == "Old"
    assert "password" not in found["a@r"]["settings"]
    assert found["a@r"]["password"] == hmac.new(b"k", b"pw", hashlib.sha256).hexdigest()
    assert found["broken@r"]["error"] == "Prosody cannot load it from its storage, see its log"
    assert found["x@y"]["error"] == "there is no host y on this server"
    assert found["stone@r"]["exists"] is False
    assert found["none@r"]["exists"] is False


def test_destroy(rooms):
    assert rooms('return ROOMS.destroy("a@r", "")') == (True, "destroyed")
    assert rooms('return ROOMS.destroy("a@r", "")') == (True, "gone")
    assert rooms('return ROOMS.destroy("a@nowhere", "")') == (None, "there is no host nowhere on this server")
    rooms('ROOMSTORE["b@r"] = ROOM("b@r") ROOMSTORE["b@r"].keep = true')
    assert rooms('return ROOMS.destroy("b@r", "")') == (None, "it refuses to be destroyed: no")


STATUS = """
local function module(status, text, time)
    return { module = { get_status = function () return status, text, time or NOW end } }
end
prosody.hosts["h"], LOADED["h"] = {}, { old = module("core", "Loaded") }
function LOAD(host, name)
    if name == "raises" then
        SINK("modulemanager", "error", "it is said again")
        return nil, "mod_raises.lua:1: boom\\ntrace"
    end
    if name == "there" then LOADED[host][name] = module("core") return nil, "module-already-loaded" end
    if name == "was_sick" then
        LOADED[host][name] = module("error", "it was the night before", NOW - 9)
        return nil, "module-already-loaded"
    end
    if name == "vanishes" then return true end
    LOADED[host][name] = module(name == "sick" and "error" or name == "weak" and "warn" or "core",
        name == "weak" and "Error during load (see log)" or "fever")
    return LOADED[host][name]
end
function UNLOAD(host, name)
    if name == "sticky" then return nil, "no" end
    LOADED[host][name] = nil
    return true
end
function RELOAD(host, name)
    if name == "raises" then LOADED[host][name] = nil return nil, "boom" end
    return LOADED[host][name]
end
"""


@pytest.fixture
def modules():
    lua = Lua(modules_lua.library())
    lua(STATUS)
    return lua


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ('load("h", "fine")', None),
        ('load("h", "there")', None),
        # what it remembers is of before
        ('load("h", "was_sick")', None),
        ('load("h", "raises")', "mod_raises does not load on h: mod_raises.lua:1: boom"),
        ('load("h", "sick")', "mod_sick on h is in state error: fever"),
        ('load("h", "weak")', "mod_weak on h is in state warn: Error during load (see log)"),
        ('load("h", "vanishes")', "mod_vanishes is not loaded on h after loading it"),
        ('unload("old")', None),
        ('unload("sticky")', "mod_sticky does not unload from h: no"),
        ('reload("old")', None),
        ('reload("raises")', "mod_raises does not reload on h: boom"),
    ],
)
def test_operations_on_modules(modules, call, error):
    modules('LOADED["h"].sticky, LOADED["h"].raises = LOADED["h"].old, LOADED["h"].old')
    answer = modules.json(f"MODULES.{call}")
    assert (answer["done"], answer.get("error")) == (error is None, error)
    assert answer["log"] == (["error modulemanager: it is said again"] if call == 'load("h", "raises")' else {})
    assert modules("return SINK") is None


def test_what_was_loaded_is_restored(modules):
    modules('LOADED["h"].raises = LOADED["h"].old')
    assert modules("return MODULES.remember()") == (True, "remembered")
    modules('LOADED["h"].raises, LOADED["h"].old, LOADED["h"].new = nil, nil, LOADED["h"].old')
    answer = modules.json("MODULES.restore()")
    assert answer["error"] == "these modules could not be loaded again: raises on h"
    assert sorted(plain(modules('local t = {} for k in pairs(LOADED["h"]) do t[#t + 1] = k end return t'))) == ["old"]
