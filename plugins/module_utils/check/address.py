# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where to connect: the address given, or what DNS says as a client would ask it."""

from __future__ import annotations

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import CheckFailed
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Target

try:
    import dns.asyncresolver
    import dns.exception

    HAS_DNS = True
except ImportError:
    HAS_DNS = False

SRV = {
    "c2s": "_xmpp-client._tcp",
    "c2s_tls": "_xmpps-client._tcp",
    "s2s": "_xmpp-server._tcp",
    "s2s_tls": "_xmpps-server._tcp",
}

DIRECT_TLS = ("c2s_tls", "s2s_tls")


async def of_service(target: Target, service: str) -> tuple[str, int]:
    """(address, port) of one of the services in SRV.

    The target's address and port if it has one, else those of the best SRV record, else the domain's own.
    Raises CheckFailed when DNS says that the service is not offered.
    """
    port = target.ports[service]
    address = (target.tls_address if service in DIRECT_TLS else target.starttls_address) or target.address
    if address:
        return address, port
    if HAS_DNS:
        try:
            records = await dns.asyncresolver.resolve(f"{SRV[service]}.{target.domain}", "SRV", lifetime=target.timeout)
        except dns.exception.DNSException:
            return target.domain, port
        best = min(records, key=lambda record: (record.priority, -record.weight))
        host = best.target.to_text(omit_final_dot=True)
        if host == ".":
            raise CheckFailed(
                f"looking up {SRV[service]}.{target.domain}",
                "the SRV record says that this service is not offered",
                "Correct the record, or do not check for the service",
            )
        return host, best.port
    return target.domain, port
