# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ports that two services of one host want. Pure. What a process has already is seen by a look at the host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.preflight.conditions import WILDCARDS

# its port is free where somebody else answers for it, which the role sees by itself
_UNTOLD = ("certificates",)


@dataclass(frozen=True)
class Claim:
    """Ports that a role wants. least, most: the range; address: "" for all."""

    role: str
    protocol: str
    least: int
    most: int
    address: str
    service: str
    variable: str

    def meets(self, other: Claim) -> bool:
        """Whether both cannot be had."""
        same_address = self.address == other.address or bool(WILDCARDS & {self.address, other.address})
        apart = self.most < other.least or other.most < self.least
        return self.protocol == other.protocol and same_address and not apart

    @property
    def shown(self) -> str:
        """What wants it, for the operator."""
        return f"{self.service or 'itself'} of {self.role}" + (f" ({self.variable})" if self.variable else "")


def claims(wanted: Mapping[str, Iterable[Mapping[str, Any]]]) -> list[Claim]:
    """Return what is claimed.

    wanted: role → ports as preflight has them: port or ports ("3000-4000"), protocol, address, service, variable.
    """
    found = []
    for role, entries in wanted.items():
        if role in _UNTOLD:
            continue
        for entry in entries:
            least, _dash, most = str(entry.get("ports") or entry.get("port", "")).partition("-")
            if least.isdecimal() and (most or least).isdecimal() and int(least):
                address = str(entry.get("address") or "")
                protocol = str(entry.get("protocol") or "tcp")
                told = (str(entry.get("service") or ""), str(entry.get("variable") or ""))
                found.append(Claim(role, protocol, int(least), int(most or least), address, *told))
    return found


def collisions(found: Sequence[Claim]) -> list[str]:
    """Return a line for each port that two roles want, or that lies in a range that its own role takes as well."""
    return list(dict.fromkeys(_lines(found)))


def _lines(found: Sequence[Claim]) -> Iterator[str]:
    for one, other in combinations(found, 2):
        own_range = one.role == other.role and (one.least == one.most) != (other.least == other.most)
        if (one.role != other.role or own_range) and one.meets(other):
            port = max(one.least, other.least)
            yield (
                f"Port {port}/{one.protocol} is wanted twice: for {one.shown} and for {other.shown}. Give one of them "
                "another port."
            )
