# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Planner: whether what is stored can be carried into another storage, how long that takes, and whether all arrived.

Counts are host → store → (how many have something in it, how many messages are in it). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.continuity import Identity, Place, named
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.storage import tallies

Counts = Mapping[str, Mapping[str, tuple[int, int]]]

KINDS = ("internal", "sqlite", "postgresql")
"""Storages by the names that prosody_storage has for them."""

WORDS = {"internal": "files", "sqlite": "SQLite", "postgresql": "PostgreSQL"}
# Measured on two busy cores: what is copied in a second
_A_SECOND = 2000
_AT_LEAST = 5
_ROOM = 1.5  # of what is there, with indexes that are built meanwhile


class StorageError(XmppError):
    """What was stored was not carried over."""


@dataclass(frozen=True)
class Look:
    """What there is to move. bytes: what it takes now; free: room where it goes, None where nobody can look.

    longest: messages in the longest archive; limit: what files keep of each.
    """

    counts: Counts
    bytes: int = 0
    free: int | None = None
    longest: int = 0
    limit: int = 10000


def kind(place: Place) -> str:
    """The name of a place's storage, "" for one that nothing can be carried into or out of."""
    if place.driver == "internal":
        return "internal"
    if place.driver != "sql":
        return ""
    return {"SQLite3": "sqlite", "PostgreSQL": "postgresql"}.get(place.database.get("driver", ""), "")


def unclear(places: Mapping[str, Place], which: str) -> str:
    """Why all of a server cannot be said to be in one storage, "" where it is. which: whose places these are."""
    if not places:
        return f"{which} there is no domain."
    spread = sorted(host for host, place in places.items() if place.stores)
    if spread:
        return (
            f"{which} some stores of {', '.join(spread)} lie elsewhere than the others (prosody_stores): have all in "
            "one storage first."
        )
    kinds = {kind(place) for place in places.values()}
    if "" in kinds:
        odd = sorted({place.storage() for place in places.values() if not kind(place)})
        return f"{which} data is in {', '.join(odd)}: only {', '.join(KINDS)} can be moved between."
    if len({(kind(place), tuple(sorted(place.database.items())), place.data_path) for place in places.values()}) > 1:
        return f"{which} data of the domains lies in several storages: move it by hand."
    return ""


def settled(now: Mapping[str, Place], then: Mapping[str, Place], identity: Identity = named) -> bool:
    """Whether all is where it is wanted already."""
    return all(
        host in then and identity(place, "accounts") == identity(then[host], "accounts") for host, place in now.items()
    )


def doubts(now: Mapping[str, Place], then: Mapping[str, Place]) -> list[str]:
    """Why it cannot be said between which storages it is about."""
    return [why for why in (unclear(now, "On the server"), unclear(then, "In the inventory")) if why]


def objections(now: Mapping[str, Place], then: Mapping[str, Place]) -> list[str]:
    """What speaks against moving, known without looking into the data."""
    found = doubts(now, then)
    if found:
        return found
    before, after = (kind(next(iter(places.values()))) for places in (now, then))
    lost = sorted(host for host in now if host not in then)
    if before == after and not lost:
        found.append(
            f"The server has its data in {WORDS[before]}, and is to have it in {WORDS[after]} in another place: "
            "between two databases of one kind use what they come with (for PostgreSQL, bin/xmpp restore or pg_dump)."
        )
    if lost:
        found.append(
            f"{', '.join(lost)} would be no more: take domains and components away before or after, not while data "
            "moves."
        )
    return found


def objections_to(look: Look, after: str) -> list[str]:
    """What speaks against moving what was seen. after: one of KINDS."""
    found = []
    if after == "internal" and look.longest > look.limit:
        found.append(
            f"An archive has {look.longest} messages, and files keep {look.limit} of each "
            "(storage_archive_item_limit): whoever has more would have no new message archived. Set prosody_options: "
            "{storage_archive_item_limit: …} first, or stay."
        )
    if look.free is not None and look.free < look.bytes * _ROOM:
        found.append(
            f"It takes {_megabytes(look.bytes)}, and {_megabytes(look.free)} are free where it goes: make room for "
            f"{_megabytes(int(look.bytes * _ROOM))}."
        )
    return found


def _megabytes(size: int) -> str:
    return f"{size // 10**6} MB"


def rows(counts: Counts) -> tuple[int, int]:
    """Out: entries and messages in all."""
    both = [one for stores in counts.values() for one in stores.values()]
    return sum(one[0] for one in both), sum(one[1] for one in both)


def seconds(counts: Counts) -> int:
    """How long Prosody is going to be stopped, about."""
    return _AT_LEAST + sum(rows(counts)) // _A_SECOND


def lines(counts: Counts, before: str, after: str) -> list[str]:
    """What is going to be done, for an operator."""
    entries, messages = rows(counts)
    found = [f"from {WORDS[before]} to {WORDS[after]}: {entries} entries and {messages} messages"]
    for host in sorted(counts):
        found += tallies.of_domain(host, {store: max(pair) for store, pair in counts[host].items()})
    found.append(f"  Prosody is stopped for about {seconds(counts)} s, and for its restart")
    return found


def differences(before: Counts, after: Counts) -> list[str]:
    """What did not arrive as it was, each domain and store by itself."""
    return tallies.differences(before, after, (0, 0), _amount)


def _amount(pair: tuple[int, int]) -> str:
    return f"{pair[0]} entries and {pair[1]} messages" if pair[1] else f"{pair[0]} entries"


def counted(answer: Any) -> dict[str, dict[str, tuple[int, int]]]:
    """Read the counts of the program. Raises StorageError."""
    try:
        return {
            str(host): {str(store): (int(pair[0]), int(pair[1])) for store, pair in dict(stores or {}).items()}
            for host, stores in dict(answer or {}).items()
        }
    except (TypeError, ValueError, LookupError) as error:
        raise StorageError(f"What was counted cannot be understood: {error}") from error
