# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ports that must not answer from outside."""

from __future__ import annotations

import asyncio

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import CheckFailed, NotOffered
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Stage

PATIENCE = 3.0
KNOWN = {
    80: "plain HTTP",
    5269: "federation",
    5270: "federation over direct TLS",
    5280: "Prosody's plain HTTP, meant for the loopback interface",
    5347: "external components, which sign in with a shared secret without TLS",
    5432: "PostgreSQL",
    5582: "Prosody's telnet console",
    5766: "coturn's console",
    9090: "Prometheus",
}


async def closed_ports(stage: Stage) -> str:
    """None of the ports takes a connection."""
    ports = stage.target.closed_ports
    if not ports:
        raise NotOffered("no ports given that must be closed")
    host = stage.target.address or stage.target.domain
    answers = await asyncio.gather(*(_answers(host, port, min(PATIENCE, stage.target.timeout)) for port in ports))
    open_ports = [port for port, answered in zip(ports, answers) if answered]
    if open_ports:
        named = ", ".join(f"{port} ({KNOWN[port]})" if port in KNOWN else str(port) for port in open_ports)
        raise CheckFailed(
            f"connecting to ports of {host} that must be closed from outside",
            f"reachable all the same: {named}",
            "Bind them to the loopback interface or block them in the firewall: ss -ltnp; nft list ruleset",
        )
    return f"{', '.join(str(port) for port in ports)} do not answer from outside"


async def _answers(host: str, port: int, patience: float) -> bool:
    """Whether a TCP connection is taken."""
    try:
        _reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), patience)
    except (OSError, asyncio.TimeoutError):
        return False
    writer.close()
    return True
