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
    parse_pem,
    prove_pair,
    read_chain,
    uncovered,
)


@dataclass(frozen=True)
class State:
    """What was found. problems: a line each, none when it is fit; chain: the certificates, none when unreadable."""

    problems: tuple[str, ...]
    chain: tuple[Certificate, ...] = field(default=(), repr=False)


def judge(
    chain: Sequence[Certificate],
    names: Sequence[str],
    now: datetime.datetime,
    valid_days: int = 0,
    issuer: Certificate | None = None,
    where: str = "the certificate",
) -> list[str]:
    """List what is wrong with a chain, apart from its key.

    names: DNS names the leaf must cover; valid_days: how long every certificate must still be valid; issuer: whom the
    leaf must come from.
    """
    problems = []
    leaf = chain[0]
    missing = uncovered(leaf, names)
    if missing:
        holds = ", ".join(leaf.names) or "no DNS name at all"
        problems.append(f"{where} is for {holds}, and lacks {', '.join(missing)}: get one that covers all names.")
    for certificate in chain:
        what = where if certificate is leaf else f"{where}: the certificate of {certificate.subject} in it"
        left = (certificate.not_after - now).total_seconds() / 86400
        if certificate.not_before > now:
            problems.append(
                f"{what} is valid from {certificate.not_before:%Y-%m-%d %H:%M} UTC on only: check the clock."
            )
        if left < 0:
            problems.append(f"{what} expired on {certificate.not_after:%Y-%m-%d %H:%M} UTC: renew it.")
        elif left < valid_days:
            problems.append(f"{what} expires in {int(left)} days, and {valid_days} are asked for: renew it.")
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


def examine(
    fullchain: Path,
    privkey: Path,
    names: Sequence[str],
    now: datetime.datetime,
    valid_days: int = 0,
    issuer: str = "",
) -> State:
    """Read a certificate with its key and judge both. issuer: PEM of the authority it must come from, or nothing."""
    try:
        chain = read_chain(fullchain)
    except CertificateError as error:
        return State((f"{error}.",))
    authority = parse_pem(issuer.encode("ascii"), "the certificate authority")[0] if issuer else None
    problems = judge(chain, names, now, valid_days, authority, str(fullchain))
    try:
        # a handshake proves more, and fails for a certificate that has other faults already
        (check_pair if problems else prove_pair)(fullchain, privkey)
    except CertificateError as error:
        problems.append(f"{error}.")
    return State(tuple(problems), chain)
