# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records written by dynamic update (RFC 2136): what is to be changed (pure), and changing it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns.answers import Answer, Wanted, zone_line
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

try:
    import dns.exception
    import dns.name
    import dns.query
    import dns.rcode
    import dns.tsig
    import dns.tsigkeyring
    import dns.update

    MISSING = ""
except ImportError as error:
    MISSING = str(error)

Question = tuple[str, str]
Written = tuple[str, str, str]
# the names that TSIG has for them (RFC 8945 section 6)
ALGORITHMS = ("hmac-sha256", "hmac-sha384", "hmac-sha512")


class UpdateFailed(XmppError):
    """Records that were not written; the text says which server said what."""


@dataclass(frozen=True)
class Key:
    """A TSIG key. secret: in base64, and never shown."""

    name: str
    secret: str = field(repr=False)
    algorithm: str = "hmac-sha256"


@dataclass(frozen=True)
class Change:
    """One record more or less."""

    add: bool
    name: str
    type: str
    ttl: int
    value: str

    def __str__(self) -> str:
        return f"{'+' if self.add else '-'} {zone_line(self.name, self.type, self.value, self.ttl)}"


def questions(wanted: Sequence[Wanted], ours: Iterable[Written] = ()) -> list[Question]:
    """Return what the server is to be asked for a plan: what is wanted, what was written, and wildcards above."""
    found = {(one.name, one.type): None for one in wanted}
    found.update({(name, kind): None for name, kind, _value in ours})
    found.update({(star, one.type): None for one in wanted for star in _wildcards(one)})
    return list(found)


def _wildcards(one: Wanted) -> list[str]:
    """The wildcards that may answer for a record's name."""
    labels = one.name.split(".")
    return [f"*.{'.'.join(labels[start:])}" for start in range(1, len(labels) - 1)] if one.type in ("A", "AAAA") else []


def plan(wanted: Sequence[Wanted], there: Mapping[Question, Answer], ours: Iterable[Written] = ()) -> list[Change]:
    """Return what is to be changed so that every wanted record is there.

    there: what the server has. ours: (name, type, value) of what earlier updates wrote. A record goes only if one of
    these wrote it, or if it is a wanted SRV record with another priority or weight: what others wrote stays.
    """
    want = {(one.name, one.type, one.value) for one in wanted}
    places = {_place(one.name, one.type, one.value) for one in wanted if one.type == "SRV"}
    changes = [
        Change(True, one.name, one.type, one.ttl, one.value)
        for one in wanted
        if one.value not in _values(there, one.name, one.type) or _will_vanish(one, wanted, there)
    ]
    mine = set(ours)
    for (name, kind), said in there.items():
        for value in said.values:
            if (name, kind, value) in want or said.alias:
                continue
            if (name, kind, value) in mine or (kind == "SRV" and _place(name, kind, value) in places):
                changes.append(Change(False, name, kind, said.ttl, value))
    return changes


def _values(there: Mapping[Question, Answer], name: str, kind: str) -> tuple[str, ...]:
    said = there.get((name, kind))
    return said.values if said else ()


def _will_vanish(one: Wanted, wanted: Sequence[Wanted], there: Mapping[Question, Answer]) -> bool:
    """Whether a wildcard answers for a name only until something stands below it (RFC 4592 section 2.2.2)."""
    if not any(one.value in _values(there, star, one.type) for star in _wildcards(one)):
        return False
    below = [other for other in wanted if other.name.endswith(f".{one.name}")]
    return bool(below) and not any(_values(there, other.name, other.type) for other in below)


def _place(name: str, kind: str, value: str) -> tuple[str, ...]:
    """An SRV record without priority and weight."""
    return (name, kind, *value.split()[2:])


def send(zone: str, changes: Sequence[Change], address: str, port: int, key: Key, timeout: float = 10.0) -> None:
    """Have the server of a zone make the changes, all or none; raises UpdateFailed."""
    attempted = f"updating the zone {zone} at {address} port {port} with key {key.name}"
    try:
        base64.b64decode(key.secret, validate=True)
        ring = dns.tsigkeyring.from_text({key.name: key.secret})
    except (dns.exception.DNSException, ValueError) as error:
        raise UpdateFailed(f"{attempted}: the secret of the key is not base64") from error
    message: Any = dns.update.UpdateMessage(zone, keyring=ring, keyalgorithm=dns.name.from_text(key.algorithm))
    for one in changes:
        name = dns.name.from_text(one.name)
        if one.add:
            message.add(name, one.ttl, one.type, one.value)
        else:
            message.delete(name, one.type, one.value)
    try:
        reply = dns.query.tcp(message, address, timeout, port)
    except dns.tsig.PeerError as error:
        raise UpdateFailed(
            f"{attempted}: refused: {error}. Name, secret and algorithm of the key must be those of the server"
        ) from error
    except (dns.exception.DNSException, OSError, EOFError) as error:
        seen = str(error) or type(error).__name__
        if "TSIG" in seen:  # a server signs nothing with a key that it does not have
            seen = "refused: the server does not know this key with this algorithm, or it does not serve the zone"
        raise UpdateFailed(f"{attempted}: {seen}") from error
    if reply.rcode() != dns.rcode.NOERROR:
        said = dns.rcode.to_text(reply.rcode())
        help_ = {
            "NOTAUTH": "Is it the primary server of the zone, and is the key one of its?",
            "REFUSED": "May the key write these types (acl, update-policy)?",
            "SERVFAIL": "Its log says why.",
        }
        raise UpdateFailed(f"{attempted}: answers {said}. {help_.get(said, '')}".rstrip())


def by_zone(changes: Iterable[Change], zones: Sequence[str]) -> dict[str, list[Change]]:
    """Return zone → its changes; raises UpdateFailed where a name lies in none of the zones."""
    found: dict[str, list[Change]] = {}
    for one in changes:
        mine = [zone for zone in zones if one.name == zone or one.name.endswith(f".{zone}")]
        if not mine:
            raise UpdateFailed(
                f"no zone is known for {one.name}: the server that is to be updated serves {', '.join(zones) or 'none'}"
            )
        found.setdefault(max(mine, key=len), []).append(one)
    return found
