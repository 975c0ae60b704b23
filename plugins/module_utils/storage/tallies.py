# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was counted in the stores of each domain, compared and told to an operator. Pure.

Counts are host → store → number or numbers: each who counts says how one of his is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

Number = TypeVar("Number")

_STORES, _DIFFERENCES = 6, 5


def of_domain(host: str, stores: Mapping[str, int]) -> list[str]:
    """In: how much is in each store. Out: the line of a domain, the fullest first; nothing where there are none."""
    told = [f"{name} {stores[name]}" for name in sorted(stores, key=lambda name: (-stores[name], name))]
    if not told:
        return []
    more = f" and {len(told) - _STORES} more stores" if len(told) > _STORES else ""
    return [f"  {host:<24} {', '.join(told[:_STORES])}{more}"]


def differences(
    before: Mapping[str, Mapping[str, Number]],
    after: Mapping[str, Mapping[str, Number]],
    none: Number,
    tell: Callable[[Number], str],
) -> list[str]:
    """In: counts, and what stands for a store that is not there. Out: what did not arrive, a line for each store."""
    found = []
    for host in sorted({*before, *after}):
        there, here = before.get(host, {}), after.get(host, {})
        for store in sorted({*there, *here}):
            was, now = there.get(store, none), here.get(store, none)
            if was != now:
                found.append(f"{host}, {store}: {tell(was)} before, {tell(now)} after")
    return found


def in_short(wrong: Sequence[str]) -> str:
    """In: differences. Out: the first of them, and how many there are beside."""
    more = f", and {len(wrong) - _DIFFERENCES} more" if len(wrong) > _DIFFERENCES else ""
    return "; ".join(wrong[:_DIFFERENCES]) + more
