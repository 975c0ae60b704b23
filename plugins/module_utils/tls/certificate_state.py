# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a certificate with its key is fit for a server: key, names, time and chain, a line for each fault."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import (
    Certificate,
    CertificateError,
    check_order,
    check_pair,
    read_chain,
    uncovered,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.chain_proof import Trust, authorities, prove


@dataclass(frozen=True)
class Wanted:
    """What is asked of a certificate.

    names: DNS names and addresses that it must cover. valid_days: days that it must still be valid. max_days: days that
    it may have been issued for at most, 0 for any. issuer: PEM of the authority it must come from, or nothing.
    trusted: PEM of authorities that its clients trust, beside those of this host.
    """

    names: Sequence[str] = ()
    valid_days: int = 0
    max_days: int = 0
    issuer: str = ""
    trusted: str = ""


@dataclass(frozen=True)
class State:
    """What was found.

    problems: a line each, none when it is fit. warnings: what clients may stumble over. chain: the certificates to
    send, none when unreadable; one at the end that has expired and that nobody needs is left out.
    """

    problems: tuple[str, ...]
    chain: tuple[Certificate, ...] = field(default=(), repr=False)
    warnings: tuple[str, ...] = ()


def judge(
    chain: Sequence[Certificate],
    wanted: Wanted,
    now: datetime.datetime,
    issuer: Certificate | None = None,
    where: str = "the certificate",
) -> list[str]:
    """List what is wrong with a chain, apart from its key and from the time that its authorities have left."""
    problems = []
    leaf = chain[0]
    missing = uncovered(leaf, wanted.names)
    if missing:
        holds = ", ".join((*leaf.names, *leaf.addresses)) or "no DNS name at all"
        problems.append(f"{where} is for {holds}, and lacks {', '.join(missing)}: get one that covers all names.")
    for certificate in chain:
        if certificate.not_before > now:
            what = where if certificate is leaf else f"{where}: the certificate of {certificate.subject} in it"
            problems.append(
                f"{what} is valid from {certificate.not_before:%Y-%m-%d %H:%M} UTC on only: check the clock."
            )
    left = _days(leaf, now)
    if left < 0:
        problems.append(f"{where} expired on {leaf.not_after:%Y-%m-%d %H:%M} UTC: renew it.")
    elif left < wanted.valid_days:
        problems.append(f"{where} expires in {int(left)} days, and {wanted.valid_days} are asked for: renew it.")
    if wanted.max_days and _days(leaf, leaf.not_before) > wanted.max_days:
        days = int(_days(leaf, leaf.not_before))
        problems.append(
            f"{where} was issued for {days} days, and {wanted.max_days} are the most: have it issued again."
        )
    try:
        check_order(chain, where)
    except CertificateError as error:
        problems.append(f"{error}.")
    if issuer is not None and (
        leaf.issuer_der != issuer.subject_der
        or (leaf.authority_key_id and issuer.key_id and leaf.authority_key_id != issuer.key_id)
    ):
        problems.append(f"{where} was issued by {leaf.issuer}, not by {issuer.subject}: have it issued again.")
    return problems


def examine(fullchain: Path, privkey: Path, wanted: Wanted, now: datetime.datetime) -> State:
    """Read a certificate with its key and judge both; raises CertificateError for an authority that cannot be read."""
    try:
        chain = read_chain(fullchain)
    except CertificateError as error:
        return State((f"{error}.",))
    issuers = authorities(wanted.issuer, "the certificate authority")
    problems = judge(chain, wanted, now, issuers[0] if issuers else None, str(fullchain))
    trust = Trust((*issuers, *authorities(wanted.trusted, "the authority that clients trust")))
    warnings: list[str] = []
    try:
        if problems:
            check_pair(fullchain, privkey)  # a handshake proves more, and fails for the faults that are told already
        else:
            chain, problems, warnings = _prove(chain, privkey, trust, wanted.valid_days, now, str(fullchain))
    except CertificateError as error:
        problems.append(f"{error}.")
    return State(tuple(problems), chain, tuple(warnings))


def _prove(
    chain: tuple[Certificate, ...],
    privkey: Path,
    trust: Trust,
    valid_days: int,
    now: datetime.datetime,
    where: str,
) -> tuple[tuple[Certificate, ...], list[str], list[str]]:
    """The chain to send, problems and warnings of a chain whose own certificate is right; raises CertificateError."""
    check_pair(where, privkey)
    ends = next((index for index, link in enumerate(chain) if index and _days(link, now) < valid_days), 0)
    if ends:
        # an authority that expires matters only to clients that do not know a better one (RFC 4158 section 2.4.2)
        link, left = chain[ends], _days(chain[ends], now)
        what = f"{where}: the certificate of the authority {link.subject} in it"
        expired = f"expired on {link.not_after:%Y-%m-%d %H:%M} UTC"
        if not _known(chain[:ends], privkey, trust, where):
            when = expired if left < 0 else f"expires in {int(left)} days, and {valid_days} are asked for"
            return chain, [f"{what} {when}: get the chain that this authority gives out now."], []
        if left < 0:
            return chain[:ends], [], [f"{what} {expired}. Nobody needs it, and it is left out."]
    if prove(chain, privkey, trust, where):
        return chain, [], []
    last = chain[-1]
    issued = f"was issued by {last.issuer}, which is no authority that this host trusts"
    if len(chain) == 1:
        # no public authority issues from its root (CA/Browser Forum, Baseline Requirements, 6.1.7)
        missing = (
            f"{where}: the certificates of its issuers are missing. It {issued}, so clients refuse it: append the "
            "certificates of its issuers (the file is often called fullchain or bundle), or name the certificate of an "
            "authority of your own as its authority."
        )
        return chain, [missing], []
    if not trust.has_store:
        return chain, [], []
    unknown = (
        f"{where}: its last certificate, {last.subject}, {issued}. Clients that do not trust it either will not "
        "connect. Is the certificate of another issuer missing? If it is one of your own, name its certificate "
        "as its authority."
    )
    return chain, [], [unknown]


def _known(chain: Sequence[Certificate], privkey: Path, trust: Trust, where: str) -> bool:
    """Whether a client that trusts `trust` takes the chain."""
    try:
        return prove(chain, privkey, trust, where)
    except CertificateError:
        return False


def _days(certificate: Certificate, since: datetime.datetime) -> float:
    """How many days a certificate is valid after a time."""
    return (certificate.not_after - since).total_seconds() / 86400
