# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One table of nftables, put in the place of what it was in one transaction, with a way back that needs nobody.

Source: nft(8). Only the own table is touched: Docker and fail2ban keep others, which "flush ruleset" would take along.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

FAMILY = "inet"
REVERT_UNIT = "xmpp-firewall-revert"
RUNTIME = Path("/run/xmpp-firewall")

Run = Callable[[list[str]], tuple[int, str, str]]
"""Runs a command; out: exit status, output, errors."""


class NftablesError(XmppError):
    """Rules that nftables does not take."""


def replacement(table: str, body: str) -> str:
    """Return a text for `nft -f` that puts a table in the place of the one there is, if any, in one transaction.

    body: `table inet NAME { … }`, or "" for no such table.
    """
    return f"table {FAMILY} {table}\ndelete table {FAMILY} {table}\n{body}"


def kept_elements(table: str, listed: Mapping[str, Any]) -> str:
    """Return commands that give sets the elements they have, each for as long as it was to stay.

    listed: what `nft --json list set` prints.
    """
    lines = []
    for entry in listed.get("nftables") or ():
        one = entry.get("set") or {}
        for element in one.get("elem") or ():
            held = element.get("elem") if isinstance(element, Mapping) else None
            if isinstance(held, Mapping) and isinstance(held.get("val"), str) and int(held.get("expires") or 0) > 0:
                lines.append(
                    f"add element {FAMILY} {table} {one['name']} {{ {held['val']} timeout {int(held['expires'])}s }}\n"
                )
    return "".join(lines)


def normal(listing: str) -> str:
    """Return what `nft --stateless --terse list table` printed, without what changes by itself: counts of packets."""
    return re.sub(r"counter packets \d+ bytes \d+", "counter", listing).strip()


class Table:
    """A table of a host. run: how commands are run there."""

    def __init__(self, name: str, run: Run) -> None:
        self.name, self._run = name, run

    def _nft(self, *options: str) -> str:
        code, out, errors = self._run(["nft", *options])
        if code:
            raise NftablesError(f"nft {' '.join(options)}: {(errors or out).strip()}")
        return out

    def listing(self) -> str:
        """What the kernel has, without the elements that sets got by themselves; "" for no such table."""
        code, out, _errors = self._run(["nft", "--stateless", "--terse", "list", "table", FAMILY, self.name])
        return normal(out) if code == 0 else ""

    def save(self, path: Path) -> None:
        """Write to `path` how the table is now, as a text for `nft -f`."""
        code, out, _errors = self._run(["nft", "--stateless", "list", "table", FAMILY, self.name])
        path.write_text(replacement(self.name, out if code == 0 else ""), encoding="utf-8")

    def elements(self, sets: list[str]) -> str:
        """Commands that give these sets the elements they have now."""
        found = ""
        for name in sets:
            code, out, _errors = self._run(["nft", "--json", "list", "set", FAMILY, self.name, name])
            found += kept_elements(self.name, json.loads(out)) if code == 0 else ""
        return found

    def check(self, path: Path) -> None:
        """Raises NftablesError where nftables would not take the file; changes nothing."""
        self._nft("--check", "--file", str(path))

    def load(self, path: Path) -> None:
        """Load a file. Raises NftablesError, and nothing has changed."""
        self._nft("--file", str(path))

    def arm(self, before: Path, seconds: int) -> None:
        """Have the host load `before` by itself after so many seconds. Raises NftablesError."""
        command = [
            *("systemd-run", "--quiet", "--collect", f"--unit={REVERT_UNIT}", f"--on-active={seconds}"),
            *("--timer-property=AccuracySec=100ms", "/usr/sbin/nft", "--file", str(before)),
        ]
        self.disarm()
        code, out, errors = self._run(command)
        if code:
            raise NftablesError(f"No way back could be prepared, so nothing was changed: {(errors or out).strip()}")

    def disarm(self) -> bool:
        """Take the way back away; out: whether it was still there."""
        code, _out, _errors = self._run(["systemctl", "stop", f"{REVERT_UNIT}.timer"])
        return code == 0
