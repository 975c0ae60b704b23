# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The list of addresses that haproxy refuses: in the one that runs, and in the file that the next one reads.

fail2ban calls it, which decides who is banned and for how long. Commands are those of haproxy's management guide,
section 9.3; what is in the list is looked at for new connections alone.

    python3 -m ansible_collections.allthingslinux.xmpp.plugins.module_utils.front.bans FILE SOCKET VERB ADDRESS

VERB is ban, unban, or clear, which takes no address.
"""

from __future__ import annotations

import fcntl
import ipaddress
import sys
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.front import haproxy

# of "del acl", for one that is not in the list
_NOT_THERE = "Key not found"


class BanError(XmppError):
    """haproxy does not take over a change of the list."""


def changed(banned: Sequence[str], what: str, address: str) -> list[str]:
    """Return who is banned after `what` was done. Raises BanError for what is no address."""
    if what == "clear":
        return []
    try:
        one = str(ipaddress.ip_address(address))
    except ValueError as error:
        raise BanError(f"'{address}' is no address") from error
    others = [each for each in banned if each != one]
    return [*others, one] if what == "ban" else others


def commands(path: str, what: str, address: str) -> list[str]:
    """Return what the haproxy that runs has to be told. In: an address that `changed` let pass."""
    if what == "clear":
        return [f"clear acl {path}"]
    # one that is there would be there twice
    return [f"del acl {path} {address}"] + ([f"add acl {path} {address}"] if what == "ban" else [])


def write(path: Path, banned: Sequence[str]) -> None:
    """Have the next haproxy read it: a whole file or the one of before, readable by all."""
    new = path.with_suffix(".new")
    new.write_text("".join(f"{one}\n" for one in banned), encoding="ascii")
    new.chmod(0o644)
    new.replace(path)


def do(path: Path, socket_path: str, what: str, address: str) -> None:
    """Ban or release an address, or all. Raises BanError.

    The file is first: a haproxy that does not run, or that is replaced right now, reads it when it starts.
    """
    with open(path.with_suffix(".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = path.read_text(encoding="ascii").split() if path.exists() else []
        write(path, changed(before, what, address))
        one = str(ipaddress.ip_address(address)) if address else ""
        for command in commands(str(path), what, one):
            try:
                said = haproxy.ask(command, socket_path).strip()
            except haproxy.HaproxyError as error:
                if isinstance(error.__cause__, (FileNotFoundError, ConnectionRefusedError)):
                    return
                raise
            if said and not said.startswith(_NOT_THERE):
                raise BanError(f"haproxy was told '{command}', and says: {said}")


def main(arguments: Sequence[str]) -> None:
    """Do what is asked for, or say why not."""
    path, socket_path, what, address = [*arguments, ""][:4]
    try:
        do(Path(path), socket_path, what, "" if what == "clear" else address)
    except XmppError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main(sys.argv[1:])
