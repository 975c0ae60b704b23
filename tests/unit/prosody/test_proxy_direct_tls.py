# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module of Prosody that takes connections from a proxy: headers of every kind, from a socket that is scripted."""

from __future__ import annotations

import ipaddress
import socket
import struct
from pathlib import Path
from typing import Any

import lupa.lua54 as lupa
import pytest

SOURCE = Path(__file__).parents[3] / "roles" / "prosody" / "files" / "mod_proxy_direct_tls.lua"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
AGAIN = 11
HELLO = b"\x16\x03\x01\x02\x00 the ClientHello"

# What the module asks Prosody for, as little of it as the module uses
WORLD = r"""
local options, recv, ntop, parse = ...
local world = { log = {}, handed = {} }
local libraries = {
  ["posix.sys.socket"] = { recv = recv },
  ["posix.errno"] = { EAGAIN = 11, EWOULDBLOCK = 11, EINTR = 4 },
  ["prosody.util.net"] = { ntop = ntop },
  ["prosody.util.ip"] = {
    new_ip = function (text) return parse(text, false) end;
    parse_cidr = function (text)
      local range, bits = text:match("^(.-)/(%d+)$");
      return parse(range or text, true), tonumber(bits)
    end;
    match = function (range, address, bits) return range.matches(address, bits) end;
  };
}
local service = { encryption = options.plain and "" or "ssl"; listener = { name = "the service" } }
libraries["prosody.core.portmanager"] = {
  get_service = function (name) return name == "c2s_direct_tls" and service or nil end;
  get_active_services = function ()
    return { iter = function ()
      local done = options.inactive
      local server = { sslctx = function () return "ctx" end }
      return function ()
        if not done then done = true; return "c2s_direct_tls", "*", 5223, 1, { server = server } end
      end
    end }
  end;
}
function world.require(name) return assert(libraries[name], name) end
world.module = {
  set_global = function () end;
  get_option = function () return { [15223] = "c2s_direct_tls" } end;
  get_option_set = function ()
    local i = 0
    return { items = function () return function () i = i + 1; return options.trusted[i] end end }
  end;
  log = function (_, level, text, ...) world.log[#world.log + 1] = level .. " " .. text:format(...) end;
  provides = function (_, _, service) world.service = service end;
}
function world.connect(peer)
  local conn = { peername = peer; peerport = 4711; conn = { getfd = function () return 7 end } }
  function conn:serverport() return 15223 end
  function conn:setreadtimeout(t) self.timeout = t end
  function conn:close() self.closed = true end
  function conn:inittls(ctx, now) world.handed[#world.handed + 1] = { ctx, now } end
  conn.class_onreadable = function (self) world.handed[#world.handed + 1] = { "plain" } end
  setmetatable(conn, { __index = { onreadable = conn.class_onreadable; onconnect = function () end } })
  world.service.listener.onconnect(conn)
  return conn
end
return world
"""


class Peer:
    """A proxy at `address` that sends `pieces`; None stands for nothing more at the moment."""

    def __init__(
        self,
        *pieces: bytes | None,
        address: str = "127.0.0.1",
        trusted: tuple[str, ...] = ("127.0.0.1", "2001:db8::/32"),
        **options: bool,
    ) -> None:
        self.pieces = list(pieces)
        self.taken = b""
        self.lua = lupa.LuaRuntime(encoding="latin-1", unpack_returned_tuples=True)
        world = self.lua.execute(
            WORLD,
            self.lua.table_from({**options, "trusted": self.lua.table_from(list(trusted))}),
            self.recv,
            self.ntop,
            self.parse,
        )
        self.world = world
        load = self.lua.eval(
            "function (source, world) return assert(load(source, 'mod', 't', setmetatable(world, {__index = _G}))) end"
        )
        load(SOURCE.read_text(), world)()
        self.conn = world.connect(address)

    def recv(self, fd: int, count: int) -> Any:
        assert fd == 7
        if not self.pieces:
            return None, "Resource temporarily unavailable", AGAIN
        piece = self.pieces[0]
        if piece is None:
            self.pieces.pop(0)
            return None, "Resource temporarily unavailable", AGAIN
        data, rest = piece[: int(count)], piece[int(count) :]
        if rest:
            self.pieces[0] = rest
        else:
            self.pieces.pop(0)
        self.taken += data
        return data.decode("latin-1")

    def ntop(self, packed: str) -> str:
        raw = packed.encode("latin-1")
        return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)

    def parse(self, text: str, _range: bool) -> Any:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return None

        def matches(other: Any, bits: Any) -> bool:
            network = ipaddress.ip_network(f"{text}/{int(bits)}" if bits else text, strict=False)
            return ipaddress.ip_address(other["addr"]) in network

        return self.lua.table_from({"addr": text, "proto": f"IPv{address.version}", "matches": matches})

    def read(self, times: int = 1) -> Peer:
        for _time in range(times):
            if not self.handed and not self.conn.closed:
                self.conn.onreadable(self.conn)
        return self

    @property
    def handed(self) -> list[list[Any]]:
        return [list(entry.values()) for entry in self.world.handed.values()]

    @property
    def log(self) -> list[str]:
        return list(self.world.log.values())


def v2(command: int = 0x21, family: int = 0x11, body: bytes = b"", length: int | None = None) -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, family, len(body) if length is None else length) + body


IPV4 = socket.inet_aton("198.51.100.7") + socket.inet_aton("192.0.2.1") + struct.pack("!HH", 40000, 443)
IPV6 = (
    socket.inet_pton(socket.AF_INET6, "2001:db8::7")
    + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    + struct.pack("!HH", 40001, 443)
)
HEADERS = {
    "v1 IPv4": (b"PROXY TCP4 198.51.100.7 192.0.2.1 40000 443\r\n", "198.51.100.7", 40000),
    "v1 IPv6": (b"PROXY TCP6 2001:db8::7 2001:db8::1 40001 443\r\n", "2001:db8::7", 40001),
    "v1 unknown": (b"PROXY UNKNOWN\r\n", "127.0.0.1", 4711),
    "v1 unknown with words": (b"PROXY UNKNOWN ffff::1 ffff::1 1 2\r\n", "127.0.0.1", 4711),
    "v2 IPv4": (v2(body=IPV4), "198.51.100.7", 40000),
    "v2 IPv6": (v2(family=0x21, body=IPV6), "2001:db8::7", 40001),
    "v2 with extensions": (v2(body=IPV4 + b"\x01\x00\x0bxmpp-client"), "198.51.100.7", 40000),
    "v2 LOCAL": (v2(command=0x20, family=0), "127.0.0.1", 4711),
    "v2 LOCAL with a body": (v2(command=0x20, family=0x11, body=IPV4), "127.0.0.1", 4711),
    "v2 unspecified": (v2(family=0), "127.0.0.1", 4711),
}


@pytest.mark.parametrize(("header", "address", "port"), HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("cut", ["at once", "every byte", "in two"])
def test_a_header_is_taken_off_and_nothing_behind_it(header: bytes, address: str, port: int, cut: str) -> None:
    pieces: list[bytes | None] = [header + HELLO]
    if cut == "every byte":
        pieces = [piece for byte in header for piece in (bytes([byte]), None)] + [HELLO]
    elif cut == "in two":
        pieces = [header[:20], None, header[20:] + HELLO]
    peer = Peer(*pieces).read(len(pieces) + 1)
    assert peer.handed == [["ctx", True]]
    assert peer.taken == header
    assert (peer.conn.peername, peer.conn.peerport) == (address, port)
    assert peer.conn.listeners.name == "the service"
    assert not peer.conn.closed
    if address != "127.0.0.1":
        assert peer.conn.proxyip == "127.0.0.1"
        peer.conn.updatenames(peer.conn)
        assert peer.conn.peername == address


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "no PROXY header"),
        (HELLO, "no PROXY header"),
        (b"\x16", "no PROXY header"),
        (b"PROXY TCP4 198.51.100.7\r\n", "no addresses"),
        (b"PROXY TCP4 2001:db8::7 2001:db8::1 40001 443\r\n", "no addresses"),
        (b"PROXY TCP4 999.1.1.1 192.0.2.1 40000 443\r\n", "no addresses"),
        (b"PROXY TCP4 198.51.100.7 192.0.2.1 70000 443\r\n", "no addresses"),
        (b"PROXY UDP4 198.51.100.7 192.0.2.1 1 443\r\n", "no addresses"),
        (b"PROXY " + b"A" * 200, "header too long"),
        (v2(body=IPV4[:8]), "short addresses"),
        (v2(family=0x21, body=IPV4), "short addresses"),
        (v2(family=0x31, body=b"\0" * 216), "unknown address family"),
        (v2(command=0x31, body=IPV4), "unknown version"),
        (v2(command=0x22, body=IPV4), "unknown version"),
        (v2(body=b"", length=65535), "header too long"),
        (b"", "closed"),
        (SIGNATURE + b"\x21\x11\x00\x0c\x01", "closed"),
    ],
)
def test_what_is_no_header_is_refused(sent: bytes, why: str) -> None:
    peer = Peer(*([sent] if sent else []), b"").read(3)
    assert peer.handed == []
    assert peer.conn.closed
    assert why in peer.log[-1]


def test_a_header_that_does_not_come_is_not_waited_for_long() -> None:
    peer = Peer(b"PROXY TCP4 ", None, None).read(3)
    assert peer.handed == []
    assert not peer.conn.closed
    # set once, when the connection came: a byte now and then does not lengthen it
    assert peer.conn.timeout == 5
    assert peer.world.service.listener.onreadtimeout(peer.conn) is None
    assert "no PROXY header within 5 seconds" in peer.log[-1]


@pytest.mark.parametrize("address", ["192.0.2.9", "2001:db9::1", "127.0.0.2"])
def test_who_is_not_trusted_is_refused_before_anything_is_read(address: str) -> None:
    peer = Peer(HEADERS["v2 IPv4"][0] + HELLO, address=address)
    assert peer.conn.closed
    assert peer.taken == b""
    assert "not among proxy_direct_tls_trusted" in peer.log[-1]


def test_a_range_is_trusted() -> None:
    assert Peer(HEADERS["v2 IPv4"][0], address="2001:db8:1::1").read().handed


def test_a_trusted_address_that_is_none_is_said_at_once() -> None:
    with pytest.raises(lupa.LuaError, match=r"proxy\.example is neither an address nor a range"):
        Peer(trusted=("proxy.example",))


def test_a_service_that_is_off_is_said() -> None:
    peer = Peer(HEADERS["v2 IPv4"][0], inactive=True).read()
    assert peer.conn.closed
    assert peer.log == ["error Service c2s_direct_tls, to which connections of the proxy go, is not active"]


def test_a_service_without_tls_starts_at_once() -> None:
    assert Peer(HEADERS["v1 IPv4"][0], plain=True).read().handed == [["plain"]]


def test_a_connection_that_is_gone_is_let_go() -> None:
    peer = Peer(address="127.0.0.1")
    gone = peer.world.connect(None)
    assert gone.closed
