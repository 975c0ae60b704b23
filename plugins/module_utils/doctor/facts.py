# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was seen of a service from outside, as data. No judgement, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns.answers import Answer, View

#: service → how it is looked for (RFC 6120, XEP-0368), the port without a record, how its streams begin
SERVICES: Mapping[str, tuple[str, int, str, bool]] = {
    "c2s": ("_xmpp-client._tcp", 5222, "xmpp-client", True),
    "c2s_tls": ("_xmpps-client._tcp", 5223, "xmpp-client", False),
    "s2s": ("_xmpp-server._tcp", 5269, "xmpp-server", True),
    "s2s_tls": ("_xmpps-server._tcp", 5270, "xmpp-server", False),
}


@dataclass(frozen=True)
class Leaf:
    """The certificate that a port serves. covers: whether it is for the domain; keys: what TLSA records may name."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: float
    not_after: float
    sha256: str
    covers: bool = True
    key_sha256: str = ""
    self_issued: bool = False
    chain: int = 1
    chain_known: bool = True


@dataclass(frozen=True)
class Port:
    """One address of one target, as a client or server meets it.

    step and seen: where it ended and why, "" where all went well. trust: why the chain is not accepted, "" where it is.
    versions: the protocols that it takes. group: the key exchange that it chooses. in_clear: mechanisms before TLS.
    """

    service: str
    target: str
    port: int
    address: str
    by_record: bool = True
    step: str = ""
    seen: str = ""
    leaf: Leaf | None = None
    trust: str = ""
    versions: tuple[str, ...] = ()
    group: str = ""
    in_clear: tuple[str, ...] = ()
    tls_optional: bool = False
    mechanisms: tuple[str, ...] = ()
    registers: bool = False
    by_invitation: bool = False

    @property
    def where(self) -> str:
        """The port as it is named in findings."""
        place = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.service} {self.target} ({place}:{self.port})"

    @property
    def good(self) -> bool:
        """Whether it speaks XMPP in TLS."""
        return not self.step and self.leaf is not None


@dataclass(frozen=True)
class Way:
    """A way in for browsers. state: good, failed, or absent; seen: what was seen."""

    state: str = "absent"
    seen: str = ""
    mend: str = ""


@dataclass(frozen=True)
class Web:
    """What is found by https. status: of host-meta, 0 without an answer. links: rel → URL. shared: for all pages."""

    status: int = 0
    seen: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    json_status: int = 0
    shared: bool = True
    websocket: Way = Way()
    bosh: Way = Way()


@dataclass(frozen=True)
class Relay:
    """A TURN or STUN server. answers: whether it does; open: whether it relays for whom it does not know."""

    service: str
    target: str
    port: int
    address: str
    answers: bool = False
    seen: str = ""
    open: bool = False


@dataclass(frozen=True)
class Session:
    """What an account sees. error: why nobody is signed in. features: place → features and identities.

    contacts: kind → addresses (XEP-0157). checks: name → Way, for upload and relays. relays: (service such as turn/udp,
    name, port) of those that are handed out (XEP-0215).
    """

    error: str = ""
    features: Mapping[str, frozenset[str]] = field(default_factory=dict)
    contacts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    checks: Mapping[str, Way] = field(default_factory=dict)
    relays: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True)
class Facts:
    """All that was seen of one domain. now: seconds since 1970. srv: what records lead to, by the name of the record.

    registration: open, form, invitation, closed, or "" where it was not seen. session: nothing without an account.
    tlsa: owner → values. caa: those that count (RFC 8659), wherever they stand.
    """

    domain: str
    now: float
    view: View
    srv: Mapping[str, Answer]
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    tlsa: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    caa: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    web: Web | None = None
    relays: tuple[Relay, ...] = ()
    registration: str = ""
    session: Session | None = None
    ipv6_here: bool = True

    def of(self, *services: str) -> list[Port]:
        """The ports of some services."""
        return [port for port in self.ports if port.service in services]
