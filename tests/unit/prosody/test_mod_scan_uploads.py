# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module of Prosody that has clamd look at uploads: who is answered what and when, and what becomes of the file."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Any

import lupa.lua54 as lupa
import pytest

SOURCE = Path(__file__).parents[3] / "roles" / "prosody" / "files" / "mod_scan_uploads.lua"
SLOT, NAME = "sLot-1_x", "a%20picture.jpg"
PATH = f"{SLOT}/{NAME}"
AWAY = "clamd does not answer at /run/clamav/clamd.ctl, uploads are refused: "

# What the module asks Prosody for, as little of it as the module uses. Files are real ones in a directory
WORLD = r"""
local options, directory, system = ...
local world = { timers = {}, log = {}, figures = {}, dialled = {}, daily = {}, umask = "027", unreachable = nil }
local function mask(new)
  local before = world.umask
  world.umask = new
  system.umask(tonumber(new, 8))
  return before
end
local function meet(listener, where)
  local conn = { listener = listener, where = where, written = {} }
  function conn:write(text) self.written[#self.written + 1] = text self.waits = true end
  function conn:close()
    if not self.closed then
      self.closed = true
      if listener.ondisconnect then listener.ondisconnect(self) end
    end
  end
  world.dialled[#world.dialled + 1] = conn
  return conn
end
local function stream()
  return {
    settimeout = function () end;
    connect = function (_, where) return not world.unreachable or nil, world.unreachable end;
  }
end
local libraries = {
  ["prosody.net.resolvers.basic"] = { new = function (host, port, kind) return kind .. " " .. host .. " " .. port end };
  ["prosody.net.connect"] = { connect = function (to, listener) meet(listener, to) end };
  ["prosody.core.storagemanager"] = { olddm = {
    getpath = function (slot, host, store) return directory .. "/" .. host .. "-" .. store .. "-" .. slot .. ".bin" end;
  } };
  ["lfs"] = {
    mkdir = system.mkdir;
    attributes = function (path, what)
      local found = system.stat(path)
      if what then return found and found[what] end
      return found
    end;
    dir = function (path)
      local at, names = 0, system.list(path)
      return function () at = at + 1 return names[at] end
    end;
  };
  ["prosody.util.promise"] = { new = function (act)
    local promise = {}
    act(function (value) promise.value, promise.kept = value, true end)
    return promise
  end };
  ["prosody.net.server"] = { wrapclient = function (_, where, _, listener) return meet(listener, where) end };
  ["prosody.util.pposix"] = { umask = mask };
  ["socket.unix"] = { stream = stream };
}
function world.require(name) return libraries[name] or error(name) end
world.os = { time = os.time, remove = os.remove, rename = os.rename }
world.prosody = { paths = { data = directory } }

-- mod_http_file_share: what it does with a file that comes in two parts, or as a whole
local dm = libraries["prosody.core.storagemanager"].olddm
local function getpath(slot) return dm.getpath(slot, "up.test", "http_file_share") end
local function receive(event, path)
  local request = event.request
  world.calls = (world.calls or 0) + 1
  if not request.http_file_share_upload_info then
    if request.stranger then return 401 end
    request.http_file_share_upload_info = {
      slot = path:match("^[^/]+"), filename = "a picture.jpg", filesize = request.size, sub = "alice@a.test";
    }
  end
  local name = getpath(request.http_file_share_upload_info.slot)
  local there = io.open(name)
  if there then there:close() return 409 end
  if not request.body_sink then
    local file = assert(io.open(name .. "~", "w"))
    function event.response:on_destroy()
      if io.type(file) == "file" then file:close() os.remove(name .. "~") end
    end
    request.body_sink = file
    if request.body == false then return true end
  end
  if request.body then request.body_sink:write(request.body) request.body = nil end
  local size = request.body_sink:seek()
  request.body_sink:close()
  if size ~= request.http_file_share_upload_info.filesize then os.remove(name .. "~") return 413 end
  if world.breaks then error("disk on fire") end
  assert(os.rename(name .. "~", name))
  return 201
end
local route = { ["PUT /*"] = receive, ["GET /*"] = true }
local item = { name = "file_share", route = route }
local share = { items = { ["http-provider"] = { item } } }
world.route, world.share, world.receive = route, share, receive
function share:remove_item(kind, which)
  if self.items[kind][1] ~= which then return nil end
  self.items[kind] = {}
  world.served = nil
  return which
end
function share:add_item(kind, which)
  self.items[kind] = { which }
  world.served = which.route["PUT /*"]
end

local function metric(_, _, name, _, _, labels)
  local family = { mf = { data = { remove = function (_, host)
    for key in pairs(world.figures) do
      if key:sub(1, #name) == name then world.figures[key] = nil end
    end
  end } } }
  world.module.items.metric[#world.module.items.metric + 1] = family
  return { with_labels = function (_, label)
    local key = name .. (label and " " .. label or "")
    return {
      set = function (_, value) world.figures[key] = value end;
      add = function (_, value) world.figures[key] = (world.figures[key] or 0) + value end;
    }
  end }
end
local periods = { ["30 seconds"] = 30, ["4 weeks"] = 2419200 }
world.module = {
  host = "up.test";
  items = { metric = {} };
  get_option_string = function (_, name, default) return options[name] or default end;
  get_option_enum = function (_, name, default) return options[name] or default end;
  get_option_period = function (_, name, default) return options[name] or periods[default] end;
  metric = metric;
  depends = function () return { module = share } end;
  log = function (_, level, text, ...) world.log[#world.log + 1] = level .. " " .. text:format(...) end;
  set_status = function (_, kind, text) world.status = kind .. ": " .. text end;
  log_status = function (_, kind, text, ...) world.status = kind .. ": " .. text:format(...) end;
  daily = function (_, _, run) world.daily[#world.daily + 1] = run end;
  add_timer = function (_, delay, call)
    local timer = { delay = delay, call = call }
    function timer:stop() self.stopped = true end
    world.timers[#world.timers + 1] = timer
    return timer
  end;
}
function world.arrive(request) -- the rest of a large file
  return request.body_sink:write(request.rest)
end
function world.finish(response)
  response.finished = true
  if response.on_destroy then response:on_destroy() end
end
return world
"""


class Server:
    """A component up.test for files, whose mod_http_file_share is an imitation, and a clamd that the test plays."""

    def __init__(self, directory: Path, **options: Any) -> None:
        self.directory = directory
        self.lua = lupa.LuaRuntime(unpack_returned_tuples=True, encoding="latin-1")
        system = {"umask": os.umask, "mkdir": self._mkdir, "stat": self._stat, "list": self._list}
        self.world = self.lua.execute(WORLD, self.table(options), str(directory), self.table(system))
        load = self.lua.eval(
            "function (source, world) return assert(load(source, 'mod', 't', setmetatable(world, {__index = _G}))) end"
        )
        os.umask(0o027)
        self.start = load(SOURCE.read_text(), self.world)

    def load(self) -> Server:
        self.start()
        return self

    def table(self, value: Any) -> Any:
        return self.lua.table_from(value, recursive=True)

    def _mkdir(self, path: str) -> None:
        with contextlib.suppress(FileExistsError):
            Path(path).mkdir()

    def _stat(self, path: str) -> Any:
        try:
            found = Path(path).stat()
        except OSError:
            return None
        kind = "directory" if stat.S_ISDIR(found.st_mode) else "file"
        return self.table({"mode": kind, "modification": int(found.st_mtime)})

    def _list(self, path: str) -> Any:
        return self.table([".", "..", *(one.name for one in Path(path).iterdir())])

    def event(self, **request: Any) -> Any:
        return self.table({"request": {"body": False, **request}, "response": {}})

    def same(self, one: Any, other: Any) -> bool:
        """Whether two functions of Lua are one."""
        return bool(self.lua.eval("rawequal")(one, other))

    def put(self, content: bytes, *, path: str = PATH, **more: Any) -> tuple[Any, Any]:
        """A small file comes as a whole; out: the event, and what the uploader is answered."""
        event = self.event(body=content.decode("latin-1"), size=more.pop("size", len(content)), **more)
        return event, self.world.served(event, path)

    def put_large(self, content: bytes) -> tuple[Any, Any]:
        """A large file comes in two parts."""
        event = self.event(size=len(content))
        assert self.world.served(event, PATH) is True
        event.request.rest = content.decode("latin-1")
        self.world.arrive(event.request)
        event.response = self.table({})
        return event, self.world.served(event, PATH)

    @property
    def clamd(self) -> Any:
        """The connection to it that was made last."""
        return self.world.dialled[len(self.world.dialled)]

    def takes_another(self) -> bool:
        """Whether a file for the slot is received and clamd asked about it."""
        before = len(self.world.dialled)
        _event, result = self.put(b"a picture")
        return len(self.world.dialled) == before + 1 and not result.kept

    def sent(self) -> bytes:
        """Out: what clamd is sent when it takes all of it. Each piece waits until the one before has gone."""
        conn, parts = self.clamd, 0
        conn.listener.onconnect(conn)
        while conn.waits:
            conn.waits = None
            parts += 1
            assert len(conn.written) == parts, "one piece at a time"
            conn.listener.ondrain(conn)
        return "".join(conn.written.values()).encode("latin-1")

    def says(self, words: str, end: str = "\0") -> None:
        self.clamd.listener.onincoming(self.clamd, words + end)

    def figures(self, name: str = "scans") -> dict[str, int]:
        found = {key.split()[-1]: value for key, value in self.world.figures.items() if key.split()[0] == name}
        return {key: value for key, value in found.items() if value} if name == "scans" else found

    @property
    def log(self) -> list[str]:
        return list(self.world.log.values())

    def file(self, end: str = "") -> Path:
        return self.directory / f"up.test-http_file_share-{SLOT}.bin{end}"

    @property
    def quarantined(self) -> Path:
        return self.directory / "quarantine" / SLOT


@pytest.fixture(autouse=True)
def mask() -> Any:
    """That of the tests is as before."""
    before = os.umask(0o027)
    yield
    os.umask(before)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path).load()


def instream(content: bytes, size: int = 65536) -> bytes:
    """What clamd expects of a file."""
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    return b"zINSTREAM\0" + b"".join(len(one).to_bytes(4, "big") + one for one in [*pieces, b""])


@pytest.mark.parametrize("how", ["put", "put_large"])
def test_nobody_has_a_file_and_nobody_is_answered_before_clamd_has_seen_all_of_it(server: Server, how: str) -> None:
    content = bytes(range(256)) * 1024
    _event, result = getattr(server, how)(content)
    assert not result.kept
    assert not server.file().exists()
    assert server.sent() == instream(content)
    assert not result.kept
    assert not server.file().exists()
    server.says("stream: OK")
    assert result.value == 201
    assert server.file().read_bytes() == content
    assert server.figures() == {"clean": 1}
    assert server.clamd.closed


def test_what_is_put_away_can_be_read_by_prosody_alone(server: Server) -> None:
    event, result = server.put(b"a virus")
    server.sent()
    server.says("stream: Eicar-Test FOUND")
    assert (result.value.status_code, result.value.body) == (403, "Refused, this is Eicar-Test\n")
    assert dict(result.value.headers) == {"content_type": "text/plain; charset=utf-8"}
    server.world.finish(event.response)
    assert not server.file().exists()
    assert not server.file("~").exists()
    assert server.quarantined.read_bytes() == b"a virus"
    assert stat.S_IMODE(server.quarantined.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.quarantined.parent.stat().st_mode) == 0o700
    assert server.world.umask == "027"
    assert server.figures() == {"infected": 1}
    said = f'warn Refused "a picture.jpg" of alice@a.test, which is Eicar-Test, and put it away as {SLOT}'
    assert said in server.log


def test_what_cannot_be_put_away_is_gone_all_the_same(server: Server) -> None:
    (server.directory / "quarantine").write_text("no directory")
    _event, result = server.put(b"a virus")
    server.sent()
    server.says("stream: Eicar-Test FOUND")
    assert result.value.status_code == 403
    assert not server.file("~").exists()
    assert any(line.startswith("error The file of slot") for line in server.log)


@pytest.mark.parametrize("words", ["INSTREAM size limit exceeded. ERROR", "stream: Out of memory ERROR", ""])
def test_what_clamd_did_not_look_at_is_refused(server: Server, words: str) -> None:
    event, result = server.put(b"a picture")
    server.says(words)
    assert result.value.status_code == 503
    assert result.value.headers.retry_after == "60"
    server.world.finish(event.response)
    assert list(server.directory.iterdir()) == []
    assert server.figures() == {"refused": 1}
    assert server.world.status == "info: clamd looks at uploads", "it answers"
    # and another time it goes well
    _event, result = server.put(b"a picture")
    server.says("stream: OK")
    assert result.value == 201


def test_or_taken_where_the_operator_wants_it(tmp_path: Path) -> None:
    server = Server(tmp_path, scan_uploads_unavailable="accept").load()
    server.world.unreachable = "connection refused"
    _event, result = server.put(b"a picture")
    assert result.value == 201
    assert server.file().read_bytes() == b"a picture"
    assert server.figures() == {"accepted": 1}
    assert server.world.status == f"warn: {AWAY.replace('refused', 'not looked at')}connection refused"
    assert server.log[-1].startswith('warn Took "a picture.jpg" of alice@a.test, at which clamd did not look: ')


def test_a_clamd_that_is_away_is_told_once_and_until_it_is_back(server: Server) -> None:
    server.world.unreachable = "No such file or directory"
    for _time in range(2):
        event, result = server.put(b"a picture")
        assert result.value.status_code == 503
        server.world.finish(event.response)
    assert server.world.status == f"warn: {AWAY}No such file or directory"
    assert [line for line in server.log if "clamd does" in line] == [f"warn {AWAY}No such file or directory"]
    assert server.figures("scanner_up") == {"scanner_up": 0}
    server.world.unreachable = None
    server.put(b"a picture")
    server.says("stream: OK")
    assert server.world.status == "info: clamd looks at uploads"
    assert server.figures("scanner_up") == {"scanner_up": 1}


@pytest.mark.parametrize("why", ["hangs", "dies", "babbles"])
def test_one_that_does_not_come_to_an_end_is_not_waited_for(server: Server, why: str) -> None:
    _event, result = server.put(b"a picture")
    conn = server.clamd
    if why == "hangs":
        conn.listener.onconnect(conn)
        timers = [timer for timer in server.world.timers.values() if timer.delay == 30]
        assert len(timers) == 1
        timers[0].call()
    elif why == "dies":
        conn.listener.ondisconnect(conn, "closed")
    else:
        server.says("x" * 5000, end="")
    assert result.value.status_code == 503
    assert server.figures("scanner_up") == {"scanner_up": 0}
    # what it says later, nobody hears
    conn.listener.onincoming(conn, "stream: OK\0")
    assert result.value.status_code == 503
    assert server.figures() == {"refused": 1}


def test_an_answer_may_come_in_parts_and_before_all_is_sent(server: Server) -> None:
    _event, result = server.put(b"x" * 200_000)
    server.clamd.listener.onconnect(server.clamd)
    server.says("stream: Ei", end="")
    assert not result.kept
    server.says("car FOUND")
    assert result.value.status_code == 403
    server.clamd.listener.ondrain(server.clamd)
    assert len(server.clamd.written) == 1


def test_whoever_hangs_up_leaves_nothing(server: Server) -> None:
    event, result = server.put(b"a virus")
    conn = server.clamd
    server.world.finish(event.response)
    assert conn.closed
    assert list(server.directory.iterdir()) == []
    conn.listener.onincoming(conn, "stream: Eicar FOUND\0")
    assert not result.kept
    assert server.figures() == {}
    assert server.world.status is None, "nobody knows whether clamd would have answered"
    # his next attempt
    _event, result = server.put(b"a picture")
    server.says("stream: OK")
    assert result.value == 201


def test_what_is_looked_at_is_what_is_kept(server: Server) -> None:
    """Who sends another file to the same slot meanwhile would have that one there which nobody looked at."""
    event, result = server.put(b"innocent!")
    _other, refused = server.put(b"a virus!!")
    assert refused.status_code == 409
    server.sent()
    server.says("stream: OK")
    server.world.finish(event.response)
    assert result.value == 201
    assert server.file().read_bytes() == b"innocent!"
    # and as ever, when it is there
    assert server.put(b"a virus!!")[1] == 409


def test_a_slot_is_busy_from_the_first_byte_and_until_its_uploader_is_gone(server: Server) -> None:
    first = server.event(size=9)
    assert server.world.served(first, PATH) is True
    assert server.put(b"a virus!!")[1].status_code == 409
    server.world.finish(first.response)
    assert not server.file("~").exists()
    assert server.takes_another()


def test_what_is_refused_anyway_is_not_looked_at(server: Server) -> None:
    assert server.put(b"a picture", stranger=True)[1] == 401
    event, result = server.put(b"a picture", size=5)
    assert result == 413
    server.world.finish(event.response)
    assert len(server.world.dialled) == 0
    assert server.takes_another()


def test_what_breaks_is_an_error_and_tells_the_uploader_nothing(server: Server) -> None:
    event, result = server.put(b"a picture")
    server.world.breaks = True
    server.says("stream: OK")
    assert result.value == 500
    assert any("disk on fire" in line for line in server.log)
    server.world.finish(event.response)
    server.world.breaks = False
    assert server.takes_another()


def test_clamd_may_be_elsewhere(tmp_path: Path) -> None:
    for place, where in [("scanner.test:3310", "tcp scanner.test 3310"), ("[fd00::5]:3310", "tcp fd00::5 3310")]:
        server = Server(tmp_path, scan_uploads_socket=place).load()
        event, result = server.put(b"a picture")
        assert server.clamd.where == where
        assert server.sent() == instream(b"a picture")
        server.says("stream: OK")
        assert result.value == 201
        server.world.finish(event.response)
        server.file().unlink()
    server.put(b"a picture")
    server.clamd.listener.onfail(None, "unable to resolve service")
    assert server.world.status.endswith("unable to resolve service")


def test_it_is_asked_every_minute_whether_it_is_there(server: Server) -> None:
    (timer,) = server.world.timers.values()
    assert timer.call() == 60
    assert server.sent() == b"zVERSION\0"
    server.says("ClamAV 1.4.6")
    assert server.figures("scanner_up") == {"scanner_up": 1}
    server.world.unreachable = "connection refused"
    assert timer.call() == 60
    assert server.figures("scanner_up") == {"scanner_up": 0}
    assert server.world.status == f"warn: {AWAY}connection refused"


def test_quarantine_expires(server: Server) -> None:
    run = server.world.daily[1]
    run(None, 2_000_000_000)
    place = server.directory / "quarantine"
    place.mkdir()
    for name, age in (("old", 29), ("young", 27)):
        (place / name).write_text("")
        os.utime(place / name, (2_000_000_000 - age * 86400,) * 2)
    run(None, 2_000_000_000)
    assert [one.name for one in place.iterdir()] == ["young"]


def test_without_it_all_is_as_before(server: Server) -> None:
    assert not server.same(server.world.served, server.world.receive)
    server.world.module.unload()
    assert server.same(server.world.served, server.world.receive)
    assert server.same(server.world.route["PUT /*"], server.world.receive)
    assert dict(server.world.figures) == {}


def test_it_serves_nothing_of_a_module_that_is_gone(server: Server) -> None:
    """Reloaded, mod_http_file_share has taken what it provided away before we hear of it."""
    server.world.share["items"]["http-provider"] = server.table([])
    server.world.served = None
    server.world.module.unload()
    assert server.world.served is None


def test_where_nothing_is_received_it_says_so(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.world.share["items"] = server.table({})
    server.load()
    assert server.world.status.startswith("error: Nothing is looked at: up.test does not receive files itself")
