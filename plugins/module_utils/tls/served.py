# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a running Prosody serves on its TLS ports: where to look (asked of the server), looking, and judging."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import listening
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.listening import LISTENING, Held
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import Certificate
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import (
    Served,
    TlsProbeError,
    read_served,
)

# config.get never returns a secret here
_QUESTION = (
    LISTENING
    + r"""
local cm, mm = require "prosody.core.configmanager", require "prosody.core.modulemanager"
local json = require "prosody.util.json"
local out = { listening = listening(), hosts = {}, reload = {} }
for name, host in pairs(prosody.hosts) do
    local http = cm.get(name, "http_host")
    out.hosts[#out.hosts+1] = { name = name, c2s = host.modules.c2s ~= nil, s2s = host.modules.s2s ~= nil,
        tls = host.modules.tls ~= nil, http_host = type(http) == "string" and http or name }
end
for _, name in ipairs { "c2s", "s2s", "http" } do
    if mm.is_loaded("*", name) then out.reload[#out.reload+1] = name end
end
out.certificates = require "prosody.util.paths".resolve_relative_path(
    prosody.paths.config or ".", cm.get("*", "certificates") or "certs")
return true, json.encode(out)
"""
)
_NO_IPV6 = os.strerror(errno.EADDRNOTAVAIL).lower()
# service → the XMPP service its streams belong to (mod_c2s, mod_s2s)
_XMPP = {
    "c2s": "xmpp-client",
    "c2s_direct_tls": "xmpp-client",
    "legacy_ssl": "xmpp-client",
    "s2s": "xmpp-server",
    "s2s_direct_tls": "xmpp-server",
}


class Runner(Protocol):
    """What is needed of an AdminSocket."""

    def command(self, line: str, secrets: Sequence[str] = (), check: bool = True) -> Any:
        """Run one shell command."""

    def lua_json(self, chunk: str) -> Any:
        """Evaluate Lua that returns JSON."""


@dataclass(frozen=True)
class Host:
    """A virtual host or component, and what it takes part in. http_host: its name on HTTP ports."""

    name: str
    c2s: bool
    s2s: bool
    tls: bool
    http_host: str


@dataclass(frozen=True)
class Running:
    """The part of a running server's state that TLS depends on. reload: modules to reload for new certificates."""

    ports: tuple[Held, ...]
    hosts: tuple[Host, ...]
    reload: tuple[str, ...]
    certificates: str


@dataclass(frozen=True)
class Target:
    """One look: an address, a port and a name (None: no server name is sent)."""

    service: str
    address: str
    port: int
    name: str | None
    domain: str | None
    starttls: bool

    def __str__(self) -> str:
        return f"{self.service} {self.address} port {self.port} for {self.name or 'no name'}"


@dataclass(frozen=True)
class Seen:
    """What a look saw: either `served` or the reason why nothing was. reached: whether a connection came about."""

    target: Target
    served: Served | None
    error: str = ""
    reached: bool = True

    @property
    def sha256(self) -> str:
        """Fingerprint of the served certificate, "" when there is none."""
        return self.served.certificate.sha256 if self.served else ""

    def __str__(self) -> str:
        if self.served is None:
            return self.error
        leaf = self.served.certificate
        return f"{leaf.subject or 'no subject'} until {leaf.not_after:%Y-%m-%d} (SHA-256 {leaf.sha256[:16]}…)"


def ask(runner: Runner) -> Running:
    """The ports and hosts of the running server; raises what the runner raises."""
    return read_answer(runner.lua_json(_QUESTION))


def read_answer(answer: Mapping[str, Any]) -> Running:
    """Prosody's answer as values; an empty list may come as {} (Lua has one kind of table)."""
    hosts = [Host(one["name"], one["c2s"], one["s2s"], one["tls"], one["http_host"]) for one in answer["hosts"] or ()]
    return Running(
        listening.read(answer["listening"]).held,
        tuple(sorted(hosts, key=lambda one: one.name)),
        tuple(answer["reload"] or ()),
        answer["certificates"],
    )


def reload(runner: Runner, running: Running) -> None:
    """Have a running server read its certificates again; clients stay connected. Raises what the runner raises.

    config:reload alone is not enough (Prosody 13.0.1). Direct TLS and HTTPS ports keep the old certificate for clients
    that send no server name, until the modules that own the ports are reloaded. And mod_tls may look for certificates
    before certmanager has listed the directory anew, as both wait for the same event in no order: it would miss files
    that are new, unless it is reloaded after it.
    """
    runner.command("config:reload()")
    runner.command('module:reload("tls")')
    for name in running.reload:
        runner.command(f'module:reload("{name}", "*")')


def names(running: Running) -> tuple[str, ...]:
    """Every name that the running server answers to in TLS."""
    found = {host.name for host in running.hosts} | {host.http_host for host in running.hosts}
    return tuple(sorted(found))


def targets(running: Running, wanted: Callable[[str], bool], address: str | None = None) -> tuple[Target, ...]:
    """Where to look: every TLS port with every name for which `wanted` is true, and without a name.

    address: where all ports are reached; default: the interface they listen on, loopback for "all".
    """
    found = []
    for port in running.ports:
        if port.encryption not in ("ssl", "starttls"):
            continue
        place = address or {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(port.interface, port.interface)
        pairs = [pair for host in running.hosts if (pair := _name_on(port, host)) and wanted(pair[0])]
        for name, domain in dict.fromkeys(pairs):
            found.append(Target(port.service, place, port.port, name, domain, port.encryption == "starttls"))
        if pairs and port.encryption == "ssl":
            found.append(Target(port.service, place, port.port, None, pairs[0][1], False))
    return tuple(dict.fromkeys(found))


def _name_on(port: Held, host: Host) -> tuple[str, str] | None:
    """The TLS name and the XMPP domain of a host on a port; None when the host does not appear there."""
    service = _XMPP.get(port.service)
    if service is None:
        return (host.http_host, host.http_host) if port.encryption == "ssl" else None
    takes_part = host.c2s if service == "xmpp-client" else host.s2s
    if not takes_part or (port.encryption == "starttls" and not host.tls):
        return None
    return host.name, host.name


def look(where: Iterable[Target], timeout: float = 5.0, read: Callable[..., Served] = read_served) -> tuple[Seen, ...]:
    """What is served at each target; never raises for what a port does."""
    found = []
    for target in where:
        service = _XMPP.get(target.service)
        how = {} if service is None else {"starttls" if target.starttls else "direct": service}
        try:
            served = read(target.address, target.port, sni=target.name, to=target.domain, timeout=timeout, **how)
        except TlsProbeError as error:
            if target.address == "::1" and error.seen == _NO_IPV6:
                continue  # "::" is listened on, and nobody here has an IPv6 address to come from
            found.append(Seen(target, None, f"{error.step}: {error.seen}", error.step != "connecting"))
        else:
            found.append(Seen(target, served))
    return tuple(found)


def look_until(
    where: Sequence[Target],
    judge: Callable[[Sequence[Seen]], Sequence[str]],
    timeout: float = 5.0,
    tries: int = 4,
    pause: float = 0.5,
    see: Callable[[Sequence[Target], float], Sequence[Seen]] = look,
) -> tuple[Seen, ...]:
    """Look until `judge` finds no fault, a few times at most: ports are opened anew during a reload."""
    seen: Sequence[Seen] = ()
    for left in range(tries - 1, -1, -1):
        seen = see(where, timeout)
        if not judge(seen):
            break
        if left:
            time.sleep(pause)
    return tuple(seen)


def _is_whole(served: Sequence[Certificate], chain: Sequence[str]) -> bool:
    """Whether what was served is the chain that was expected, or that one and the way to a root.

    OpenSSL completes a certificate that lies there alone by the authorities that the host trusts (SSL_CTX_set_mode,
    SSL_MODE_NO_AUTO_CHAIN).
    """
    given, more = served[: len(chain)], served[len(chain) :]
    if [link.sha256 for link in given] != list(chain):
        return False
    links = [given[-1], *more]
    issued = all(one.issuer_der == other.subject_der for one, other in zip(links, more))
    return not more or (len(chain) == 1 and issued and more[-1].self_issued)


def faults(seen: Iterable[Seen], chain: Sequence[str], on_disk: Iterable[str]) -> tuple[str, ...]:
    """Sentences about all that is not served as it should be.

    chain: fingerprints of the chain expected for every name, leaf first. on_disk: fingerprints of all certificates that
    Prosody may take for clients that send no name.
    """
    allowed = {chain[0], *on_disk}
    found = []
    for one in seen:
        if one.served is None:
            found.append(f"{one.target}: {one.error}")
        elif one.target.name is None:
            if one.sha256 not in allowed:
                found.append(f"{one.target}: serves {one}, which is not on disk any more")
        elif one.sha256 != chain[0]:
            found.append(f"{one.target}: serves {one}")
        elif one.served.chain_known and not _is_whole(one.served.chain, chain):
            found.append(
                f"{one.target}: serves the right certificate with {len(one.served.chain) - 1} others in its "
                f"chain instead of {len(chain) - 1}"
            )
    return tuple(found)
