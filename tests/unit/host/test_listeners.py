# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/host/listeners.py: the tables of the kernel, and a /proc made for the test."""

from __future__ import annotations

import os
import pwd
import socket
import sys

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host import listeners
from ansible_collections.allthingslinux.xmpp.plugins.modules import listeners_info
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def row(local, inode, state="0A", uid=0):
    return f"   0: {local} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 {uid:5d}        0 {inode} 1 0\n"


pytestmark = pytest.mark.skipif(
    sys.byteorder != "little", reason="the tables here were read on a little-endian machine"
)


@pytest.mark.parametrize(
    ("local", "address", "port"),
    [
        ("00000000:1466", "0.0.0.0", 5222),
        ("0100007F:1538", "127.0.0.1", 5432),
        ("090011AC:0D96", "172.17.0.9", 3478),
        ("00000000000000000000000000000000:0050", "::", 80),
        ("00000000000000000000000001000000:0050", "::1", 80),
        ("B80D0120000000000000000001000000:0050", "2001:db8::1", 80),
    ],
)
def test_addresses(local, address, port):
    (found,) = listeners.parse_table(HEAD + row(local, 77), "tcp")
    assert (found.address, found.port, found.inode) == (address, port, 77)


@pytest.mark.parametrize(("state", "protocol", "count"), [
    ("0A", "tcp", 1), ("01", "tcp", 0), ("06", "tcp", 0), ("07", "tcp", 0), ("07", "udp", 1), ("01", "udp", 0),
])  # fmt: skip
def test_only_what_listens_counts(state, protocol, count):
    assert len(listeners.parse_table(HEAD + row("00000000:1466", 1, state), protocol)) == count


def test_the_user_is_read():
    (found,) = listeners.parse_table(HEAD + row("00000000:1466", 1, uid=os.getuid()), "tcp")
    assert found.user == pwd.getpwuid(os.getuid()).pw_name
    (found,) = listeners.parse_table(HEAD + row("00000000:1466", 1, uid=54321), "tcp")
    assert found.user == "54321"


@pytest.mark.parametrize("text", ["", HEAD, HEAD + "short line\n"])
def test_tables_without_anything(text):
    assert listeners.parse_table(text, "tcp") == ()


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("0::/system.slice/prosody.service\n", "prosody.service"),
        ("0::/docker/50a1/system.slice/coturn.service\n", "coturn.service"),
        ("0::/user.slice/user-0.slice/session-1.scope\n", "session-1.scope"),
        (
            "12:cpu:/\n0::/system.slice/system-postgresql.slice/postgresql@17-main.service\n",
            "postgresql@17-main.service",
        ),
        ("0::/\n", ""),
        ("", ""),
    ],
)
def test_units(text, unit):
    assert listeners.parse_unit(text) == unit


class Proc:
    """A /proc made for the test."""

    def __init__(self, path):
        self.path = path
        (path / "net").mkdir()

    def table(self, name, *rows):
        (self.path / "net" / name).write_text(HEAD + "".join(rows))

    def process(self, pid, name, inodes=(), uid=0, unit=""):
        directory = self.path / str(pid)
        (directory / "fd").mkdir(parents=True)
        (directory / "comm").write_text(f"{name}\n")
        (directory / "cgroup").write_text(f"0::/system.slice/{unit}\n")
        (directory / "status").write_text(f"Name:\t{name}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")
        (directory / "fd" / "0").symlink_to("/dev/null")
        for number, inode in enumerate(inodes, start=3):
            (directory / "fd" / str(number)).symlink_to(f"socket:[{inode}]")
        return directory / "fd"


@pytest.fixture
def proc(tmp_path):
    return Proc(tmp_path)


def test_the_process_with_the_lowest_number_is_named(proc):
    proc.table("tcp", row("00000000:0050", 10), row("00000000:0051", 11))
    proc.table("udp6", row("00000000000000000000000000000000:0050", 12, "07"))
    proc.process(20, "worker", [10])
    proc.process(3, "nginx", [10, 12], unit="nginx.service")
    found = listeners.read_listeners([80], proc.path)
    assert [(each.protocol, each.port, each.process, each.pid, each.unit) for each in found] == [
        ("tcp", 80, "nginx", 3, "nginx.service"),
        ("udp", 80, "nginx", 3, "nginx.service"),
    ]
    nobody = listeners.read_listeners([81], proc.path)[0]
    assert (nobody.process, nobody.pid, nobody.unit) == ("", 0, "")


def test_without_ports_all_are_listed(proc):
    proc.table("tcp", row("00000000:0050", 10), row("00000000:0051", 11))
    assert [each.port for each in listeners.read_listeners(proc=proc.path)] == [80, 81]


def test_processes_are_not_looked_for_without_a_socket(proc, monkeypatch):
    proc.table("tcp", row("00000000:0050", 10))
    monkeypatch.setattr(listeners, "_holders", lambda *_: pytest.fail("walked through /proc"))
    assert listeners.read_listeners([443], proc.path) == ()


def test_a_process_that_hides_its_files_is_known_by_its_user(proc, monkeypatch):
    proc.table("tcp", row("00000000:0050", 10, uid=54321), row("00000000:0051", 11, uid=54322))
    proc.process(5, "other", uid=7)
    hidden = {proc.process(6, "lua5.4", uid=54321, unit="prosody.service"), proc.path / "5" / "fd"}
    whole = listeners._open_files

    def refuse(directory):
        if directory in hidden:
            raise PermissionError
        return whole(directory)

    monkeypatch.setattr(listeners, "_open_files", refuse)
    first, second = listeners.read_listeners(proc=proc.path)
    assert (first.process, first.pid, first.unit) == ("lua5.4", 6, "prosody.service")
    assert second.pid == 0


def test_what_goes_away_meanwhile_does_no_harm(proc):
    directory = proc.process(5, "x", [10])
    files = listeners._open_files(directory)
    (directory / "3").unlink()
    assert list(files) == ["/dev/null"]
    assert list(listeners._open_files(proc.path / "99" / "fd")) == []


def test_a_real_socket_is_found_by_the_module():
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", 0))
        ours.listen()
        port = ours.getsockname()[1]
        result = module_runner.run(listeners_info, ports=[port])
    (found,) = result["listeners"]
    assert result["changed"] is False
    assert (found["address"], found["pid"]) == ("127.0.0.1", os.getpid())
    assert set(found) == {"protocol", "address", "port", "process", "pid", "unit", "user"}
