# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module of Prosody that keeps the audit trail: what it counts, its bounds, who did it, and a disk that is full."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import lupa.lua54 as lupa
import pytest

SOURCE = Path(__file__).parents[3] / "roles" / "prosody" / "files" / "mod_audit_trail.lua"
NOW = 1_795_782_400  # 2026-11-27T12:26:40Z
TODAY = "/data/audit_trail/2026-11-27.jsonl"

# What the module asks Prosody for, as little of it as the module uses
WORLD = r"""
local options, encode = ...
local world = { hooks = {}, wrapped = {}, log = {}, files = {}, timers = {}, accounts = {}, items = {} }
world.looked, world.now = 0, 0
local libraries = {
  lfs = {
    attributes = function () return "directory" end; mkdir = function () return true end;
    dir = function ()
      local names = {}
      for path in pairs(world.files) do names[#names + 1] = path:match("[^/]+$") end
      return function () return table.remove(names) end
    end;
  };
  ["prosody.util.json"] = { encode = encode };
  ["prosody.util.ip"] = {
    new_ip = function (text)
      if not text:find("[.:]") then return nil, "no address" end
      return { addr = text, proto = text:find(":", 1, true) and "IPv6" or "IPv4" }
    end;
    truncate = function (parsed, bits)
      if bits == 24 then return { addr = parsed.addr:gsub("%d+$", "0") } end
      return { addr = parsed.addr:match("^%x+:%x+:%x+:") .. ":" }
    end;
  };
  ["prosody.util.cache"] = { new = function ()
    local kept = {}
    return { get = function (_, key) return kept[key] end; set = function (_, key, value) kept[key] = value end }
  end };
  ["prosody.util.jid"] = {
    bare = function (jid) return jid and jid:match("^[^/]+") end;
    prep = function (jid) return jid and jid:lower() end;
  };
  ["prosody.util.pposix"] = { umask = function () return "022" end };
  ["prosody.core.usermanager"] = { user_exists = function (name, host)
    world.looked = world.looked + 1
    return world.accounts[name .. "@" .. host] or false
  end };
}
function world.require(name) return assert(libraries[name], name) end
world.prosody = { paths = { data = "/data" }, hosts = {
  ["a.test"] = { type = "local", sessions = {}, users = { name = "internal_hashed" } };
  ["dir.test"] = { type = "local", sessions = {}, users = { name = "ldap" } };
}, events = { fire_event = function (name, data)
  return name == "accounts-unreachable" and world.away and world.away(data.host) or nil
end } }
local function new_module(host)
  local here = host == "*" and "" or host .. " "
  local module = { host = host; set_global = function () end }
  function module:get_option_period(name, default) return options[name] or 30 * 86400 end
  function module:get_option_enum(name, default) return options[name] or default end
  function module:get_option_string(name) return options[name] end
  function module:get_option_set() return { contains = function (_, item) return item == options.quiet end } end
  function module:hook(event, handler)
    local before = world.hooks[here .. event] or function () end
    world.hooks[here .. event] = function (data) before(data) handler(data) end
  end
  function module:wrap_event(event, handler) world.wrapped[here .. event] = handler end
  function module:add_timer(seconds, run) world.timers[#world.timers + 1] = { seconds, run } end
  function module:log(level, text, ...) world.log[#world.log + 1] = level .. " " .. text:format(...) end
  function module:shared() return { user = { create = true, delete = true, list = true }, c2s = { show = true } } end
  function module:handle_items() end
  function module:get_host_items(kind) return kind == "adhoc-provider" and world.items or {} end
  function module:may() return world.may end
  return module
end
world.module = new_module("*")
world.new_module = new_module
world.os = setmetatable({
  time = function () return world.now end;
  date = function (form, at) return os.date(form, at or world.now) end;
  remove = function (path) world.files[path] = nil return true end;
}, { __index = os })
world.io = { open = function (path)
  if world.full then return nil, path .. ": No space left on device" end
  return {
    write = function (_, text) world.files[path] = (world.files[path] or "") .. text return true end;
    close = function () return true end;
  }
end }
return world
"""


class Server:
    """A server with accounts of its own and a host whose people are in a directory."""

    def __init__(self, **options: Any) -> None:
        self.lua = lupa.LuaRuntime(unpack_returned_tuples=True)
        make = self.lua.table_from
        self.world = self.lua.execute(WORLD, make(options), json.dumps)
        self.world.now = NOW
        for path in options.pop("files", []):
            self.world.files[path] = "{}\n"
        load = "function (s, w) return assert(load(s, 'mod', 't', setmetatable(w, {__index = _G}))) end"
        self.lua.eval(load)(SOURCE.read_text(), self.world)()
        for host in ("a.test", "dir.test"):
            self.world.module.add_host(self.world.new_module(host))

    def fires(self, event: str, **data: Any) -> None:
        self.world.hooks[event](self.lua.table_from(data, recursive=True))

    def signs_in(self, name: str, address: str = "192.0.2.7", host: str = "a.test") -> None:
        session = {"username": name, "ip": address, "sasl_handler": {"selected": "SCRAM-SHA-256"}}
        self.fires(f"{host} authentication-success", session=session)

    def is_refused(self, name: str, address: str = "192.0.2.7", host: str = "a.test", **more: Any) -> None:
        session = {"ip": address, "sasl_handler": {"username": name}}
        self.fires(f"{host} authentication-failure", session=session, condition="not-authorized", **more)

    def types(self, line: str, does: Any = lambda *_: None) -> None:
        stanza = self.lua.eval("function (text) return { get_text = function () return text end } end")(line)
        self.world.wrapped["admin/repl-input"](does, "admin/repl-input", self.lua.table_from({"stanza": stanza}))

    def goes_on(self, seconds: int = 1) -> None:
        """Seconds go by, with a look of the module at their end."""
        self.world.now += seconds
        for timer in list(self.world.timers.values()):
            if timer[1] == 1:
                timer[2]()

    def later(self, seconds: int = 1) -> list[dict[str, Any]]:
        """Out: all that is written when seconds went by."""
        self.goes_on(seconds)
        texts = [self.world.files[path] for path in self.world.files]
        return [json.loads(line) for text in texts for line in text.splitlines() if line]


def test_a_sign_in_is_written_within_a_second():
    server = Server()
    server.signs_in("alice")
    assert server.later() == [
        {
            "time": "2026-11-27T12:26:40Z",
            "host": "a.test",
            "what": "signed-in",
            "account": "alice@a.test",
            "from": "192.0.2.0/24",
            "detail": "SCRAM-SHA-256",
        }
    ]
    assert list(server.world.files) == [TODAY]


@pytest.mark.parametrize("name", ['"', "\\", "jürgen", "a'b&c", "x y", "\x1b[31m"])
def test_any_name_is_told_as_it_is(name):
    server = Server()
    server.signs_in(name)
    assert server.later()[0]["account"] == f"{name}@a.test"


def test_what_is_the_same_is_counted_and_told_at_the_end_of_a_while():
    server = Server()
    server.signs_in("alice")
    assert len(server.later()) == 1
    for _time in range(7):
        server.signs_in("alice")
    assert len(server.later(300)) == 1
    [_first, rest] = server.later(300)
    assert (rest["count"], rest["time"], rest["until"]) == (7, "2026-11-27T12:26:41Z", "2026-11-27T12:26:41Z")
    # it is forgotten then, and begins anew
    server.later(601)
    server.signs_in("alice")
    assert "count" not in server.later()[-1]


def test_what_is_counted_is_written_when_prosody_ends():
    server = Server()
    server.signs_in("alice")
    server.later()
    server.signs_in("alice")
    server.world.hooks["server-stopping"]()
    assert len(server.later(0)) == 2


@pytest.mark.parametrize(
    ("how", "address", "told"),
    [
        ("network", "192.0.2.7", "192.0.2.0/24"),
        ("network", "2001:db8:1:2::3", "2001:db8:1::/48"),
        ("network", "::ffff:192.0.2.7", "192.0.2.0/24"),
        ("full", "192.0.2.7", "192.0.2.7"),
        ("none", "192.0.2.7", None),
        ("network", "nowhere", None),
    ],
)
def test_of_an_address_as_much_is_told_as_is_wanted(how, address, told):
    server = Server(audit_trail_addresses=how)
    server.signs_in("alice", address)
    assert server.later()[0].get("from") == told


def test_a_name_that_nobody_has_is_not_told():
    server = Server()
    server.world.accounts["alice@a.test"] = True
    server.is_refused("alice")
    server.is_refused("my-password-by-mistake")
    server.is_refused("bob", host="dir.test")
    assert [(one["account"], one["host"]) for one in server.later()] == [
        ("alice@a.test", "a.test"),
        ("unknown", "a.test"),
        ("unknown", "dir.test"),
    ]
    # a directory that does not answer has everybody wait
    assert server.world.looked == 2


def test_a_flood_of_guesses_costs_few_looks_few_lines_and_little_memory():
    server = Server()
    for number in range(3000):
        server.is_refused(f"guess-{number}", f"192.0.{number // 250}.7" if number < 200 else f"10.{number}.0.1")
    found = server.later()
    assert server.world.looked == 20
    assert len(found) <= 501
    assert sum(one.get("count", 1) for one in found) == 3000
    assert found[-1]["account"] == "various"
    # and it is over
    server.goes_on(61)
    server.goes_on(61)
    server.is_refused("somebody")
    assert server.later()[-1]["account"] == "unknown"


def test_the_lines_of_a_day_are_bounded():
    server = Server()
    for minute in range(60):
        for number in range(500):
            server.is_refused("x", f"10.{minute}.{number}.1")
        server.goes_on(61)
        server.goes_on(61)
    found = [one for one in server.later(61) if one["what"] == "refused"]
    assert sum(one.get("count", 1) for one in found) == 30_000
    assert len(found) < 20_200


def test_probes_are_left_out_and_their_guesses_are_not():
    server = Server(quiet="probe@a.test")
    server.signs_in("probe")
    server.is_refused("probe")
    assert [one["what"] for one in server.later()] == ["refused"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{ "user", "delete", "alice@a.test" }', "user:delete"),
        ('user:delete("alice@a.test")', "user:delete"),
        ("> prosody.shutdown()", "code"),
        ('user["delete"](user, "alice@a.test")', "code"),
        ("user:list('a.test')", None),
        ('{ "c2s", "show" }', None),
        # more behind what only looks
        ("c2s:show() user:delete('alice@a.test')", "code"),
        ("c2s:show(os.exit())", "code"),
        ("hunter2:secret", None),
        ("hunter2", None),
        ("help", None),
    ],
)
def test_a_command_of_the_shell_is_told_by_its_name_alone(line, told):
    server = Server()
    server.types(line)
    found = server.later()
    assert [one["detail"] for one in found] == ([told] if told else [])
    assert "alice" not in json.dumps(found)
    assert "hunter2" not in json.dumps(found)


def test_what_the_shell_does_is_the_shells_and_what_others_do_meanwhile_is_not():
    server = Server()
    # the command waits in its middle, in which time something else happens
    server.lua.globals().wrapped = server.world.wrapped["admin/repl-input"]
    server.lua.globals().deleted = server.world.hooks["user-deleted"]
    server.lua.execute("""
        local data = { stanza = { get_text = function () return "user:delete()" end } }
        local function remove(name) deleted({ username = name, host = "a.test" }) end
        local waits = coroutine.create(function ()
            wrapped(function () coroutine.yield() remove("alice") end, "admin/repl-input", data)
            remove("dora")
        end)
        coroutine.resume(waits)
        remove("bob")
        coroutine.resume(waits)
        remove("carol")
    """)
    found = {one["account"]: one.get("by") for one in server.later() if one["what"] == "removed"}
    assert found == {"bob@a.test": None, "alice@a.test": "shell", "carol@a.test": None, "dora@a.test": None}


def test_an_account_that_is_made_in_steps_is_one_event():
    server = Server()
    server.fires("xmpp-accounts-created", host="a.test", usernames=["alice"])
    about = {"username": "alice", "host": "a.test"}
    server.fires("user-role-changed", **about, role={"name": "prosody:admin"})
    server.fires("user-password-changed", **about)
    server.fires("user-enabled", **about)
    assert [(one["what"], one["detail"]) for one in server.later()] == [("created", "prosody:admin")]
    server.fires("user-role-changed", **about, role={"name": "prosody:member"})
    server.fires("user-password-changed", **about)
    assert [one["what"] for one in server.later()] == ["created", "role", "password"]


@pytest.mark.parametrize(("may", "what"), [(True, "command"), (False, "command-refused")])
def test_who_commands_and_who_may_not_is_told(may, what):
    server = Server()
    server.world.may = may
    server.world.items = server.lua.eval(
        "{ { node = 'drop', permission = 'check' }, { node = 'x', permission = 'any' } }"
    )
    wrapped = server.world.wrapped["a.test iq-set/host/http://jabber.org/protocol/commands:command"]
    for command in ({"node": "drop"}, {"node": "drop", "sessionid": "1"}, {"node": "x"}):
        stanza = {"attr": {"from": "boss@a.test/phone"}, "tags": [{"attr": command}]}
        event = server.lua.table_from({"origin": {"ip": "192.0.2.7"}, "stanza": stanza}, recursive=True)
        wrapped(lambda *_: True, "x", event)
    [one] = server.later()
    assert (one["what"], one["by"], one["detail"]) == (what, "boss@a.test", "drop")
    assert "count" not in one


def test_a_full_disk_is_said_once_and_what_waited_comes_later():
    server = Server()
    server.world.full = True
    for name in ("alice", "bob", "carol"):
        server.signs_in(name)
        assert server.later() == []
    assert list(server.world.log.values()) == [
        "error The audit trail is not written: /data/audit_trail/2026-11-27.jsonl: No space left on device. "
        "Up to 10000 lines of it wait in memory"
    ]
    server.world.full = False
    assert [one["account"] for one in server.later()] == ["alice@a.test", "bob@a.test", "carol@a.test"]
    # a later one is said anew
    server.world.full = True
    server.signs_in("dora")
    server.later()
    assert len(server.world.log) == 2


def test_what_does_not_fit_into_memory_is_counted():
    server = Server()
    server.world.full = True
    for number in range(10_100):
        server.signs_in(f"u{number}")
    server.later()
    server.world.full = False
    found = server.later()
    assert len(found) == 10_001
    assert (found[-1]["what"], found[-1]["count"]) == ("lost", 100)


@pytest.mark.parametrize(("keep", "left"), [(30 * 86400, ["notes.txt", "2026-10-28.jsonl"]), (float("inf"), None)])
def test_what_is_too_old_goes_by_the_day(keep, left):
    names = ["2026-10-27.jsonl", "2026-10-28.jsonl", "notes.txt"]
    server = Server(audit_trail_keep=keep, files=[])
    for name in names:
        server.world.files[f"/data/audit_trail/{name}"] = ""
    next(timer[2] for timer in server.world.timers.values() if timer[1] == 3600)()
    assert sorted(Path(path).name for path in server.world.files) == sorted(left or names)


def test_the_day_is_that_of_utc():
    assert time.strftime("%Y-%m-%d", time.gmtime(NOW)) in TODAY


def test_who_is_refused_while_the_accounts_cannot_be_asked_for_is_not_told():
    server = Server()
    server.world.away = lambda host: True if host == "a.test" else None
    server.is_refused("alice")
    assert server.later() == []
    server.world.away = lambda host: None
    server.is_refused("alice")
    assert [record["what"] for record in server.later()] == ["refused"]


def test_the_health_check_of_a_container_is_nobodys_work():
    text = (SOURCE.parents[2] / "containers" / "files" / "health.lua").read_text(encoding="utf-8")
    query = "".join(re.findall(r'(?:send\(\(|[.][.] )"(.*?)"', text[text.index("<repl-input>") - 20 :]))
    query = query.replace("&gt;", ">").replace("%s", "chat.a.test")
    line = query.removeprefix("<repl-input>").removesuffix("</repl-input>")
    server = Server()
    server.types(line)
    assert server.later() == []
    server.types(line + "; prosody.shutdown()")
    assert [record["detail"] for record in server.later()] == ["code"]
