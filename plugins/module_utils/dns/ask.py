# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asking DNS: the resolver that others may have, and the servers of a zone themselves. The only I/O of this package."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns.answers import (
    ANSWERED,
    FAILED,
    NO_DATA,
    NO_NAME,
    Answer,
    View,
    Zone,
    of_data,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

try:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name
    import dns.query
    import dns.rcode
    import dns.rdatatype
    import dns.resolver
    import dns.reversename

    MISSING = ""
except ImportError as error:
    MISSING = str(error)

Question = tuple[str, str]
_AT_ONCE = 16


@dataclass(frozen=True)
class Server:
    """Where a name server is. name: what it is called, "" where only its address is known."""

    address: str
    port: int = 53
    name: str = ""

    def __str__(self) -> str:
        place = self.address if self.port == 53 else f"{self.address}#{self.port}"
        return f"{self.name} ({place})" if self.name else place


class Asker:
    """Asks and remembers, so that nothing is asked twice.

    resolvers: those of the public view, the first one that answers counts; servers: of every zone, where they are not
    to be looked up. timeout: seconds for one question.
    """

    def __init__(self, resolvers: Sequence[Server], servers: Sequence[Server] = (), timeout: float = 3.0) -> None:
        self.resolvers, self.servers, self.timeout = tuple(resolvers), tuple(servers), timeout
        self._silent: dict[Server, str] = {}

    def look(self, questions: Iterable[Question]) -> View:
        """Ask everything of everyone. Never raises for what the network does."""
        asked = list(dict.fromkeys(questions))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            names = list(dict.fromkeys(name for name, _type in asked))
            apexes = dict(zip(names, pool.map(self.apex, names)))
            public = dict(zip(asked, pool.map(lambda one: self.public(*one), asked)))
            found = {}
            for apex in sorted({one for one in apexes.values() if one}):
                mine = [one for one in asked if apexes[one[0]] == apex]
                found[apex] = self._zone(apex, mine, pool.map)
        failed = [one.seen for one in public.values() if not one.came]
        error = failed[0] if failed and len(failed) == len(public) else ""
        return View(", ".join(map(str, self.resolvers)) or "no resolver", public, found, error)

    def apex(self, name: str) -> str:
        """Return the name of the zone that a name lies in, "" where that is not known."""
        sources = [*(self.servers[:1]), *self.resolvers]
        for server in sources:
            reply, _seen = self._ask(server, name, "SOA", recursive=server not in self.servers)
            for section in (reply.answer, reply.authority) if reply is not None else ():
                for found in section:
                    if found.rdtype == dns.rdatatype.SOA:
                        owner = found.name.to_text(omit_final_dot=True).lower()
                        if owner not in ("", ".") and (name == owner or name.endswith(f".{owner}")):
                            return owner
        return ""

    def public(self, name: str, kind: str, check: bool = True) -> Answer:
        """Return what the resolver says. check: whether it is to refuse what its signatures do not prove."""
        said = Answer(FAILED, seen="no resolver is known")
        for server in self.resolvers:
            reply, seen = self._ask(server, name, kind, recursive=True, check=check)
            said = _answer(reply, name, kind) if reply is not None else Answer(FAILED, seen=f"{server}: {seen}")
            if said.came:
                return said
        return said

    def addresses(self, name: str) -> list[str]:
        """Return the addresses of a name in the public view, those of IPv4 first."""
        return [value for kind in ("A", "AAAA") for value in self.public(name, kind).values]

    def pointer(self, address: str) -> Answer:
        """Return the name of an address."""
        return self.public(dns.reversename.from_address(address).to_text(omit_final_dot=True), "PTR")

    def _servers(self, apex: str) -> list[Server]:
        if self.servers:
            return list(self.servers)
        found = []
        for value in self.public(apex, "NS").values:
            name = value.rstrip(".")
            # one of each family: the others of a name serve the same
            for kind in ("A", "AAAA"):
                found += [Server(one, name=name) for one in self.public(name, kind).values[:1]]
        return found

    def _zone(self, apex: str, asked: Sequence[Question], each: Callable[..., Iterable[Any]]) -> Zone:
        servers = self._servers(apex)
        told = list(each(lambda server: self._at(server, apex), servers))
        here = [server for server, seen in zip(servers, told) if not seen]
        # what one family of a server does not say, the other may: only a server without any answer is silent
        heard = {one.name for one in here if one.name}
        silent = {str(one): seen for one, seen in zip(servers, told) if seen and one.name not in heard}
        pairs = [(server, one) for server in here for one in asked]
        answers = list(each(lambda pair: self.at(pair[0], *pair[1]), pairs))
        by: dict[str, dict[Question, Answer]] = {str(server): {} for server in here}
        for (server, one), answer in zip(pairs, answers):
            by[str(server)][one] = answer
        soa, keys = self.public(apex, "SOA"), self._keys(here, apex)
        broken = not soa.came and self.public(apex, "SOA", check=False).status == ANSWERED
        return Zone(
            apex,
            by,
            silent,
            ds=self.public(apex, "DS").status == ANSWERED,
            keys=keys.status == ANSWERED,
            validated=soa.validated,
            broken=broken,
            signed_until=min((one.signed_until for one in [keys, *answers] if one.signed_until), default=0),
            update_at=str(here[0].address) if here else "",
        )

    def _keys(self, servers: Sequence[Server], apex: str) -> Answer:
        return self.at(servers[0], apex, "DNSKEY") if servers else self.public(apex, "DNSKEY")

    def _at(self, server: Server, apex: str) -> str:
        """Why a server does not serve a zone, "" where it does."""
        reply, seen = self._ask(server, apex, "SOA", recursive=False)
        if reply is None:
            return seen
        if not reply.flags & dns.flags.AA:
            return "does not serve the zone (no authoritative answer)"
        return ""

    def at(self, server: Server, name: str, kind: str) -> Answer:
        """Return what a server itself has. An alias that leads elsewhere is followed in the public view."""
        reply, seen = self._ask(server, name, kind, recursive=False)
        if reply is None:
            return Answer(FAILED, seen=f"{server}: {seen}")
        said = _answer(reply, name, kind)
        if said.alias and not said.values:
            there = self.public(said.alias, kind)
            said = replace(there, alias=said.alias) if there.came else said
        return said

    def _ask(self, server: Server, name: str, kind: str, recursive: bool, check: bool = True) -> tuple[Any, str]:
        """One question. Out: dnspython's message, or nothing and why."""
        if server in self._silent:
            return None, self._silent[server]
        query = dns.message.make_query(dns.name.from_text(name), kind, want_dnssec=True, payload=1232)
        query.flags = (query.flags | dns.flags.RD | dns.flags.AD) if recursive else query.flags & ~dns.flags.RD
        if not check:
            query.flags |= dns.flags.CD
        seen = ""
        for _try in range(2):
            try:
                reply, _tcp = dns.query.udp_with_fallback(query, server.address, self.timeout, server.port)
            except dns.exception.Timeout:
                seen = f"no answer within {self.timeout:g} s"
            except (dns.exception.DNSException, OSError, EOFError) as error:
                seen = str(error) or type(error).__name__
                break
            else:
                if reply.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                    return reply, ""
                return None, f"answers {dns.rcode.to_text(reply.rcode())}"
        self._silent[server] = seen
        return None, seen


def _answer(reply: Any, name: str, kind: str) -> Answer:
    """One of dnspython's messages as an answer."""
    wanted, owner, alias = dns.rdatatype.from_text(kind), dns.name.from_text(name), ""
    for _step in range(8):  # RFC 1034 section 3.6.2
        found = [one for one in reply.answer if one.name == owner and one.rdtype == dns.rdatatype.CNAME]
        if not found or wanted == dns.rdatatype.CNAME:
            break
        owner = found[0][0].target
        alias = owner.to_text(omit_final_dot=True).lower()
    sets = [one for one in reply.answer if one.name == owner and one.rdtype == wanted]
    ends = [item.expiration for one in reply.answer if one.rdtype == dns.rdatatype.RRSIG for item in one]
    validated = bool(reply.flags & dns.flags.AD)
    until = min(ends, default=0)
    if sets:
        values = tuple(sorted(of_data(item) for item in sets[0]))
        return Answer(ANSWERED, values, int(sets[0].ttl), alias, validated, until)
    status = NO_NAME if reply.rcode() == dns.rcode.NXDOMAIN else NO_DATA
    return Answer(status, alias=alias, validated=validated, signed_until=until)


def servers(texts: Iterable[str]) -> tuple[Server, ...]:
    """Return servers out of texts such as 192.0.2.53 and 192.0.2.53#5353; raises XmppError."""
    found = []
    for text in texts:
        address, _mark, port = text.partition("#")
        try:
            found.append(Server(str(ipaddress.ip_address(address)), int(port or 53)))
        except ValueError as error:
            raise XmppError(
                f"'{text}' is no name server: an address is expected, with # and a port if need be"
            ) from error
    return tuple(found)


def of_this_machine() -> tuple[Server, ...]:
    """Return the resolvers that this machine has."""
    try:
        return tuple(Server(str(one)) for one in dns.resolver.Resolver().nameservers if isinstance(one, str))
    except (dns.exception.DNSException, OSError):
        return ()


def asker(resolvers: Iterable[str], zone_servers: Iterable[str], timeout: float) -> Asker:
    """Return an asker out of the options of a module; without resolvers, those of this machine. Raises XmppError."""
    return Asker(servers(resolvers) or of_this_machine(), servers(zone_servers), timeout)


def now() -> float:
    """Seconds since 1970."""
    return time.time()
