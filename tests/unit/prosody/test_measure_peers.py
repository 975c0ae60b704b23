# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module of Prosody that says which other servers fail: who, since when, why, and no more of them than it may."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lupa.lua54 as lupa
import pytest

SOURCE = Path(__file__).parents[3] / "roles" / "prosody" / "files" / "mod_measure_peers.lua"
HOUR, DAY = 3600, 86400
EXPIRED = "Your server's certificate has expired"

# What the module asks Prosody for, as little of it as the module uses
WORLD = r"""
local data, encode, decode, kept = ...
local world = { log = {}, hooks = {}, sent = {}, sessions = {}, now = 1795000000 }
local stanza = { tag = function (self) return self end }
local libraries = {
  ["prosody.util.stanza"] = { iq = function (attr) return setmetatable({ attr = attr }, { __index = stanza }) end };
  ["prosody.util.json"] = { encode = encode, decode = decode };
  ["prosody.util.id"] = { short = function () return "id" end };
}
world.prosody = {
  paths = { data = data }; hosts = { ["a.test"] = {} };
  core_post_stanza = function (_, sent) world.sent[#world.sent + 1] = sent.attr.to end;
}
function world.require(name) return assert(libraries[name], name) end
world.os = { time = function () return world.now end; rename = os.rename }
world.counted, world.waiting = {}, {}
local number = {
  with_labels = function (_, worked)
    return { set = function (_, value) world.counted[worked] = value end }
  end;
}
-- as util.openmetrics and util.multitable have it: what was shown once stays until its host is removed
world.tree = kept or {}
local gauge = {
  data = { data = world.tree, remove = function (self, host) self.data[host] = nil end };
  with_labels = function (_, host, ...)
    world.tree[host] = world.tree[host] or {}
    local key = table.concat({ host, ... }, " ")
    return { set = function (_, value) world.tree[host][key] = value end }
  end;
}
world.module = {
  environment = world;
  set_global = function () end;
  metric = function (_, _, name) return name == "failing" and number or gauge end;
  hook = function (_, event, handler) world.hooks[event] = handler end;
  add_timer = function (_, seconds, callback)
    if seconds == 300 then world.retry = callback else world.waiting[#world.waiting + 1] = callback end
  end;
  shared = function () return world.sessions end;
  log = function (_, level, text, ...) world.log[#world.log + 1] = level .. " " .. text:format(...) end;
}
return world
"""


class Server:
    """A server a.test with the module, whose data lie in a directory."""

    def __init__(self, directory: Path, before: Server | None = None) -> None:
        """In: the directory, and the server in which the module is loaded anew."""
        self.lua: Any = before.lua if before else lupa.LuaRuntime(unpack_returned_tuples=True)

        def encode(table: Any) -> str:
            return json.dumps({key: dict(entry.items()) for key, entry in table.items()})

        def decode(text: str) -> Any:
            try:
                return self.lua.table_from(json.loads(text), recursive=True)
            except ValueError:
                return None
            except TypeError:
                return json.loads(text)

        self.world: Any = self.lua.execute(WORLD, str(directory), encode, decode, before and before.world.tree)
        load = self.lua.eval(
            "function (source, world) return assert(load(source, 'mod', 't', setmetatable(world, {__index = _G}))) end"
        )
        load(SOURCE.read_text(), self.world)()

    def fire(self, event: str, reason: Any = None, **session: Any) -> None:
        self.world.hooks[event](self.lua.table_from({"session": self.lua.table_from(session), "reason": reason}))

    def fails(self, peer: str, reason: Any = EXPIRED) -> None:
        """Ours tries, and it does not come about."""
        self.fire(
            "s2s-destroyed", reason, type="s2sout_unauthed", direction="outgoing", from_host="a.test", to_host=peer
        )

    def turned_away(self, peer: str, reason: Any = EXPIRED) -> None:
        """It comes, and is not let in."""
        ends = {"type": "s2sin_unauthed", "direction": "incoming", "from_host": peer, "to_host": "a.test"}
        self.fire("s2s-destroyed", reason, **ends)

    def works(self, peer: str) -> None:
        self.fire("s2sout-established", type="s2sout", direction="outgoing", from_host="a.test", to_host=peer)

    def comes_in(self, peer: str, **more: Any) -> None:
        self.fire("s2sin-established", type="s2sin", direction="incoming", from_host=peer, to_host="a.test", **more)

    def wait(self, seconds: int) -> None:
        self.world.now += seconds

    def write(self) -> int:
        """What is to be written soon is written. Out: how often."""
        waiting = list(self.world.waiting.values())
        self.world.waiting = self.lua.table()
        for one in waiting:
            one()
        return len(waiting)

    def asked(self) -> list[str]:
        """Whom it pings when the time has come."""
        before = len(self.world.sent)
        self.world.retry()
        return list(self.world.sent.values())[before:]

    def told(self) -> dict[str, int]:
        """What Prometheus reads: "host peer direction reason worked" → since."""
        self.world.hooks["stats-update"]()
        found = {key: since for samples in self.world.tree.values() for key, since in samples.items()}
        counted = {word: len([key for key in found if key.endswith(f" {word}")]) for word in ("yes", "no")}
        assert dict(self.world.counted.items()) == counted
        return found


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def test_one_that_fails_is_told_with_the_time_of_the_first_failure_and_the_reason_of_the_last(server: Server) -> None:
    began = server.world.now
    server.fails("b.test")
    server.wait(60)
    server.fails("b.test", "connection refused")
    assert server.told() == {"a.test b.test out unreachable no": began}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (EXPIRED, "certificate-expired"),
        ("Your server's certificate has an expired certificate chain", "certificate-expired"),
        ("Your server's certificate is self-signed", "certificate-self-signed"),
        ("Your server's certificate is not valid for this name", "certificate-name"),
        ("Your server's certificate does not match any DANE TLSA records", "certificate-dane"),
        ("Your server's certificate is not trusted", "certificate-untrusted"),
        ("Error during negotiation of encrypted connection: wrong version number", "tls"),
        ("Encrypted server-to-server communication is required but was not offered", "not-encrypted"),
        ("No viable authentication method offered", "authentication"),
        ("dialback authentication failed", "authentication"),
        ("not-authorized (Your server's certificate has expired)", "refused-by-peer"),
        ("unable to resolve service", "dns"),
        ("service explicitly unavailable", "dns"),
        ("connection refused", "unreachable"),
        ("connection-timeout", "unreachable"),
        ("Network unreachable", "unreachable"),
        (None, "closed"),
        (False, "closed"),
        ("something new", "other"),
    ],
)
def test_what_prosody_says_is_one_of_a_few_words(server: Server, text: Any, reason: str) -> None:
    server.fails("b.test", text)
    assert list(server.told()) == [f"a.test b.test out {reason} no"]


def test_one_that_works_again_is_gone_at_once(server: Server) -> None:
    server.works("b.test")
    server.fails("b.test")
    assert list(server.told()) == ["a.test b.test out certificate-expired yes"]
    server.works("b.test")
    assert server.told() == {}
    assert "info Server b.test works again (out, a.test)" in server.world.log.values()


def test_a_connection_for_both_directions_counts_for_both(server: Server) -> None:
    server.fails("b.test")
    server.comes_in("b.test", outgoing=True)
    assert server.told() == {}
    server.fails("b.test")
    server.comes_in("b.test")
    assert len(server.told()) == 1


def test_one_that_is_not_let_in_is_told_where_it_has_been_before(server: Server) -> None:
    """Anybody can come and say any name."""
    server.turned_away("b.test")
    assert server.told() == {}
    server.comes_in("b.test")
    server.turned_away("b.test")
    assert list(server.told()) == ["a.test b.test in certificate-expired yes"]
    server.comes_in("b.test")
    server.world.sessions["x"] = server.lua.table_from({"type": "s2sin", "to_host": "a.test", "from_host": "b.test"})
    server.turned_away("b.test")
    assert server.told() == {}


def test_what_ends_does_not_fail_and_neither_does_what_is_not_wanted(server: Server) -> None:
    server.fire("s2s-destroyed", None, type="s2sout", direction="outgoing", from_host="a.test", to_host="b.test")
    server.fails("c.test", "The policy of this server does not allow communication with that server")
    server.fire("s2s-destroyed", "x", type="s2sin_unauthed", direction="incoming")
    server.world.hooks["server-stopping"]()
    server.fails("d.test")
    assert server.told() == {}


def test_those_that_worked_are_asked_again_and_the_others_forgotten(server: Server) -> None:
    server.works("b.test")
    server.fails("b.test")
    server.fails("gone.test", "unable to resolve service")
    assert server.asked() == ["b.test"]
    server.wait(HOUR - 10)
    server.fails("b.test")
    server.wait(20)
    assert list(server.told()) == ["a.test b.test out certificate-expired yes"]
    # after thirty days nobody expects it any more
    for _hour in range(30 * 24):
        server.wait(HOUR)
        server.fails("b.test")
    assert list(server.told()) == ["a.test b.test out certificate-expired no"]
    assert server.asked() == []
    server.wait(2 * HOUR)
    assert server.told() == {}


def test_a_restart_forgets_nothing(server: Server, tmp_path: Path) -> None:
    server.works("b.test")
    server.fails("b.test")
    began = server.world.now
    assert server.write() == 1
    server = Server(tmp_path)
    server.wait(60)
    assert server.told() == {"a.test b.test out certificate-expired yes": began}
    assert [one["text"] for one in server.world.failing().values()] == [EXPIRED]


@pytest.mark.parametrize("content", ["", "nonsense", "[]", "[1]", '{"x": {"since": 1}}', "null", '"x"'])
def test_a_file_that_is_broken_is_one_that_is_not_there(tmp_path: Path, content: str) -> None:
    (tmp_path / "peers.json").write_text(content)
    server = Server(tmp_path)
    server.fails("b.test")
    assert len(server.told()) == 1


def test_a_directory_that_cannot_be_written_is_said_and_survived(tmp_path: Path) -> None:
    server = Server(tmp_path / "gone")
    server.fails("b.test")
    server.write()
    assert len(server.told()) == 1
    assert "warn Could not write which servers are reached" in server.world.log[1]


def test_there_are_never_more_than_a_hundred_and_those_that_matter_stay(server: Server) -> None:
    server.works("b.test")
    server.fails("b.test")
    for number in range(300):
        server.wait(1)
        server.fails(f"x{number}.test", "unable to resolve service")
    told = server.told()
    assert len(told) == 100
    assert "a.test b.test out certificate-expired yes" in told
    assert "a.test x299.test out dns no" in told
    for number in range(900):
        server.works(f"y{number}.test")
    assert server.write() == 1
    assert len(json.loads((Path(server.world.prosody.paths.data) / "peers.json").read_text())) <= 600


@pytest.mark.parametrize("event", ["module.unload", "server-stopping"])
def test_what_was_to_be_written_is_written_at_the_end(server: Server, tmp_path: Path, event: str) -> None:
    server.works("b.test")
    (server.world.module.unload if event == "module.unload" else server.world.hooks[event])()
    assert Server(tmp_path).world.failing is not None
    assert "out a.test b.test" in json.loads((tmp_path / "peers.json").read_text())


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("one\nand\ttwo\x1b[2J", "one and two [2J"),
        ("x" * 300, "x" * 200),
        ("ä" * 150, "ä" * 100),
        ("x" + "ä" * 150, "x" + "ä" * 99),
        ("x" * 198 + "€€", "x" * 198),
        ("ends with €", "ends with €"),
    ],
)
def test_what_others_say_is_one_short_line(server: Server, said: str, told: str) -> None:
    server.fails("b.test", said)
    assert [one["text"] for one in server.world.failing().values()] == [told]


def test_what_was_shown_before_the_module_was_loaded_anew_goes_as_well(server: Server, tmp_path: Path) -> None:
    """Prosody keeps the metrics of a module that is reloaded."""
    server.works("b.test")
    server.fails("b.test")
    assert len(server.told()) == 1
    server.world.module.unload()
    server = Server(tmp_path, server)
    assert len(server.told()) == 1
    server.works("b.test")
    assert server.told() == {}
