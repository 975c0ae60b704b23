# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which process holds a port: read from /proc, so that neither ss nor lsof is needed.

Source of the formats: proc_net(5), proc_pid_fd(5), proc_pid_cgroup(5).
"""

from __future__ import annotations

import binascii
import pwd
import socket
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

_LISTENING = {"tcp": {"0A"}, "udp": {"07"}}  # TCP_LISTEN; a UDP socket bound and not connected is in TCP_CLOSE
_TABLES = (("tcp", "tcp"), ("tcp6", "tcp"), ("udp", "udp"), ("udp6", "udp"))


@dataclass(frozen=True)
class Listener:
    """A bound socket. process, pid and unit are empty (0) when nobody visible from here holds it.

    The kernel always tells the user: without CAP_SYS_PTRACE (in a container) it is all there is to see.
    """

    protocol: str
    address: str
    port: int
    inode: int
    process: str = ""
    pid: int = 0
    unit: str = ""
    user: str = ""


def _address(text: str) -> str:
    """Turn the kernel's hexadecimal address (words in host byte order) into its usual text."""
    words = binascii.unhexlify(text)
    if sys.byteorder == "little":
        words = b"".join(struct.pack(">I", word) for (word,) in struct.iter_unpack("<I", words))
    return socket.inet_ntop(socket.AF_INET if len(words) == 4 else socket.AF_INET6, words)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def parse_table(text: str, protocol: str) -> tuple[Listener, ...]:
    """Read one of /proc/net/{tcp,tcp6,udp,udp6}: its listening sockets, in order, still without a process."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or fields[3] not in _LISTENING[protocol]:
            continue
        address, _sep, port = fields[1].partition(":")
        found.append(Listener(protocol, _address(address), int(port, 16), int(fields[9]), user=_user(int(fields[7]))))
    return tuple(found)


def parse_unit(text: str) -> str:
    """Read /proc/PID/cgroup: the systemd unit (service, socket or scope) the process runs in, or an empty string."""
    for line in text.splitlines():
        for part in reversed(line.partition(":")[2].split("/")):
            if part.endswith((".service", ".socket", ".scope")):
                return part
    return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # the process has gone, IPv6 is off, or it is not ours to see
        return ""


def parse_user(text: str) -> str:
    """Read /proc/PID/status: the effective user, or an empty string."""
    for line in text.splitlines():
        if line.startswith("Uid:"):
            return _user(int(line.split()[2]))
    return ""


def _open_files(directory: Path) -> Iterator[str]:
    """List what a process has open. Raises PermissionError where that is not ours to see."""
    try:
        descriptors = list(directory.iterdir())
    except (FileNotFoundError, ProcessLookupError):  # the process has gone
        return
    for descriptor in descriptors:
        try:
            yield str(descriptor.readlink())
        except (FileNotFoundError, ProcessLookupError):  # closed just now
            continue


def _holders(proc: Path, listeners: Sequence[Listener]) -> dict[int, int]:
    """Find for each socket (by inode) the first process that has it open.

    In a container root may not look into the files of other users (no CAP_SYS_PTRACE). Then a socket is taken to be
    held by the first process of the user who made it.
    """
    wanted = {f"socket:[{listener.inode}]": listener.inode for listener in listeners}
    holders: dict[int, int] = {}
    hidden: dict[str, int] = {}
    for pid in sorted(int(entry.name) for entry in proc.iterdir() if entry.name.isdigit()):
        try:
            for target in _open_files(proc / str(pid) / "fd"):
                if target in wanted:
                    holders.setdefault(wanted[target], pid)
        except PermissionError:
            hidden.setdefault(parse_user(_read(proc / str(pid) / "status")), pid)
        if len(holders) == len(wanted):
            break
    for listener in listeners:
        if listener.inode not in holders and listener.user in hidden:
            holders[listener.inode] = hidden[listener.user]
    return holders


def read_listeners(ports: Iterable[int] = (), proc: Path = Path("/proc")) -> tuple[Listener, ...]:
    """List the listening sockets of this network namespace with the process that holds each.

    ports: only these numbers (all, when empty). Processes are looked for only if a socket was found, because that
    walks through every open file of the machine.
    """
    wanted = set(ports)
    found = [
        listener
        for table, protocol in _TABLES
        for listener in parse_table(_read(proc / "net" / table), protocol)
        if not wanted or listener.port in wanted
    ]
    holders = _holders(proc, found) if found else {}
    named = []
    for listener in found:
        pid = holders.get(listener.inode, 0)
        if pid:
            listener = replace(
                listener,
                pid=pid,
                process=_read(proc / str(pid) / "comm").strip(),
                unit=parse_unit(_read(proc / str(pid) / "cgroup")),
            )
        named.append(listener)
    return tuple(named)
