# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether DNS vouches for a key that is going to be served: DANE (RFC 7673) refuses one that no record names."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Iterable, Sequence

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns import plain
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns.secured import NoAnswerError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns.wire import SRV, TLSA, Service, Voucher
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import Certificate

Ask = Callable[[str, int], Sequence[object]]
#: of an authority (RFC 6698 section 2.1.1): what they say of a certificate below it is not asked here
_OF_AUTHORITIES = (0, 2)
_DIGESTS: dict[int, Callable[[bytes], bytes]] = {
    0: lambda data: data,
    1: lambda data: hashlib.sha256(data).digest(),
    2: lambda data: hashlib.sha512(data).digest(),
}
_SERVICES = ("xmpps-server", "xmpp-server", "xmpps-client", "xmpp-client")


def vouches(record: Voucher, certificate: Certificate) -> bool:
    """Whether a record names a certificate or its key, or an authority, which may well be its own. Pure."""
    if record.usage in _OF_AUTHORITIES:
        return True
    digest = _DIGESTS.get(record.matching)
    return digest is not None and digest(certificate.public_key if record.selector else certificate.der) == record.data


def owners(names: Sequence[str], ask: Ask) -> Iterable[str]:
    """Name the records that others look at, each once, as they do: by way of SRV (RFC 7673 section 3).

    May raise NoAnswerError.
    """
    found: dict[str, None] = {}
    for name in names:
        if name.startswith("*"):
            continue
        for service in _SERVICES:
            for one in ask(f"_{service}._tcp.{name}", SRV):
                if isinstance(one, Service) and one.target:
                    found[f"_{one.port}._tcp.{one.target.lower()}"] = None
    return tuple(found)


def unvouched(names: Sequence[str], certificate: Certificate, ask: Ask) -> list[str]:
    """List the places in DNS that name keys, but not that of a certificate. May raise NoAnswerError."""
    wrong = []
    for owner in owners(names, ask):
        records = [one for one in ask(owner, TLSA) if isinstance(one, Voucher)]
        if records and not any(vouches(record, certificate) for record in records):
            wrong.append(owner)
    return wrong


def held_back(
    before: Certificate | None,
    after: Certificate,
    names: Sequence[str],
    now: datetime.datetime,
    ask: Ask = plain.records,
) -> str:
    """Say why a certificate must not be served yet in the place of another one; "" where nothing speaks against it.

    Where nothing is served, or what has expired, there is nothing to lose by a new key.
    """
    if before is None or before.public_key == after.public_key or before.not_after <= now:
        return ""
    try:
        wrong = unvouched(names, after, ask)
    except NoAnswerError as error:
        return (
            "it has a new key, and whether DNS names it (DANE) is not known: "
            f"{error}. Servers that go by DANE would refuse a key that DNS does not name"
        )
    if not wrong:
        return ""
    return (
        f"it has a new key, which {', '.join(wrong)} in DNS does not name beside the one that is served, and servers "
        "that go by DANE would refuse it. Have its record there first (bin/xmpp dns --apply, or by hand the TLSA lines "
        "that it prints), and wait for the TTL of the records"
    )
