# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was asked of DNS and what came back, as data. Pure; records are texts as a zone file has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

try:
    import dns.exception
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype

    MISSING = ""
except ImportError as error:
    MISSING = str(error)

ANSWERED, NO_DATA, NO_NAME, FAILED = "answered", "no data", "no name", "failed"


class RecordError(XmppError):
    """A record that is none; the text names it."""


@dataclass(frozen=True)
class Wanted:
    """A record as the model declares it. name: without the final dot; value: in the form of `canonical`."""

    name: str
    type: str
    ttl: int
    value: str
    purpose: str = ""

    @property
    def line(self) -> str:
        """The record as a line of a zone file."""
        return zone_line(self.name, self.type, self.value, self.ttl)


@dataclass(frozen=True)
class Answer:
    """What one server says to one question. seen: why it failed. validated: the AD flag (RFC 4035 section 3.2.3).

    alias: the name that a CNAME leads to. signed_until: when the first signature ends, seconds since 1970; 0 unsigned.
    """

    status: str
    values: tuple[str, ...] = ()
    ttl: int = 0
    alias: str = ""
    validated: bool = False
    signed_until: int = 0
    seen: str = ""

    @property
    def came(self) -> bool:
        """Whether there was an answer, be it that there is nothing."""
        return self.status != FAILED


@dataclass(frozen=True)
class Zone:
    """A zone as its parent and its servers have it.

    servers: what they are called → their answers, by (name, type). ds, keys: whether its parent vouches for it, and
    whether it has keys itself. validated: the public view says that its records are proved. broken: the public view has
    no answer unless it is told not to check signatures.
    """

    name: str
    servers: Mapping[str, Mapping[tuple[str, str], Answer]] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)
    ds: bool = False
    keys: bool = False
    validated: bool = False
    broken: bool = False
    signed_until: int = 0
    update_at: str = ""


@dataclass(frozen=True)
class View:
    """All that was asked. public: the answers of the resolver; asked: who that was; error: why it said nothing."""

    asked: str
    public: Mapping[tuple[str, str], Answer]
    zones: Mapping[str, Zone]
    error: str = ""

    def zone_of(self, name: str) -> Zone | None:
        """The zone that a name lies in, the deepest of those that are known."""
        found = [zone for zone in self.zones.values() if name == zone.name or name.endswith(f".{zone.name}")]
        return max(found, key=lambda zone: len(zone.name), default=None)


def canonical(kind: str, text: str) -> str:
    """Return a record's value as it is compared: dnspython's text of it, names in lower case; raises RecordError."""
    try:
        data = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(kind), text)
    except (dns.exception.DNSException, ValueError) as error:
        raise RecordError(f"'{text}' is no {kind} record: {error}") from error
    return of_data(data)


def of_data(data: Any) -> str:
    """Return the value of one of dnspython's records."""
    text = str(data.to_text())
    kind = dns.rdatatype.to_text(data.rdtype)
    return text.lower() if kind in ("SRV", "CNAME", "NS", "TLSA", "PTR", "DS", "MX") else text


def wanted(records: Iterable[Mapping[str, Any]]) -> tuple[Wanted, ...]:
    """Return records as filter xmpp_dns_records makes them; raises RecordError."""
    found = []
    for one in records:
        name, kind = str(one["name"]).lower().rstrip("."), str(one["type"]).upper()
        value = canonical(kind, str(one["value"]))
        found.append(Wanted(name, kind, int(one.get("ttl") or 3600), value, str(one.get("purpose") or "")))
    return tuple(found)


def zone_line(name: str, kind: str, value: str, ttl: int) -> str:
    """Return a record as a line of a zone file."""
    return f"{name}. {ttl} IN {kind} {value}"
