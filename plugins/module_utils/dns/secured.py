# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the resolver of a host checks signatures, and a zone is signed: two questions, and no library (RFC 4035).

Runs on targets, where dnspython need not be: only the header of the answers is read.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns.wire import BadAnswerError, question, read
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

RESOLV_CONF = Path("/etc/resolv.conf")


class NoAnswerError(XmppError):
    """No resolver answered; the text says which ones were asked."""


@dataclass(frozen=True)
class Secured:
    """What a resolver says. checks: whether it proves what it says; signed: the domains that it could prove."""

    resolver: str
    checks: bool
    signed: tuple[str, ...]


def proved(answer: bytes, number: int) -> bool | None:
    """Whether an answer was proved by signatures; nothing for what is no answer to the query of that number."""
    try:
        return read(answer, number).proved
    except BadAnswerError:
        return None


def resolvers(text: str) -> list[str]:
    """Return the addresses of resolvers in a text such as /etc/resolv.conf."""
    lines = [line.split() for line in text.splitlines()]
    return [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]


def _ask(server: str, name: str, timeout: float) -> bool | None:
    number = struct.unpack("!H", os.urandom(2))[0]
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    for _try in range(2):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as connection:
                connection.settimeout(timeout)
                connection.connect((server, 53))
                connection.send(question(name, number))
                return proved(connection.recv(4096), number)
        except OSError:
            continue
    return None


def look(
    domains: Sequence[str],
    servers: Sequence[str],
    timeout: float = 3.0,
    ask: Callable[[str, str, float], bool | None] = _ask,
) -> Secured:
    """Return what the first resolver that answers says; raises NoAnswerError. ask: (server, name, timeout) → proved."""
    for server in servers:
        said = {domain: ask(server, domain, timeout) for domain in domains}
        if all(one is None for one in said.values()):
            continue
        signed = tuple(domain for domain, one in said.items() if one)
        # the root is signed: who does not prove that, proves nothing
        return Secured(server, bool(signed) or bool(ask(server, "", timeout)), signed)
    raise NoAnswerError(f"no resolver answered: {', '.join(servers) or 'none in ' + str(RESOLV_CONF)}")


def objections(domains: Sequence[str], seen: Secured) -> list[str]:
    """Return a sentence for each part that DANE lacks. Pure."""
    if not seen.checks:
        return [
            f"the resolver of this host ({seen.resolver}) does not check signatures (DNSSEC), and so no record of a "
            "key can be trusted. Have one that does, such as unbound on the host itself, or leave prosody_dane off"
        ]
    return [
        f"the zone of {domain} is not signed, or its parent does not vouch for it, and so other servers do not go by "
        "its records (bin/xmpp dns INVENTORY says which). Have it signed, or leave prosody_dane off"
        for domain in domains
        if domain not in seen.signed
    ]
