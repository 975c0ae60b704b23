# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Signing in over STARTTLS and direct TLS."""

from __future__ import annotations

import asyncio

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import address
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import (
    Account,
    Client,
    SignInFailed,
    connect,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import (
    PROSODY_LOG,
    CheckFailed,
    milliseconds,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Stage


def advice(kind: str, stage: Stage, port: int) -> str:
    """What to look at after a sign-in that failed this way."""
    target = stage.target
    return {
        "unresolved": "Give the address at which clients reach the host (xmpp_address in the inventory), or mend DNS",
        "unreachable": f"Is port {port} open (firewall, address), and does Prosody run? "
        f"systemctl status prosody; ss -ltn 'sport = :{port}'",
        "timeout": f"Does a firewall swallow port {port}, or does the server hang? {PROSODY_LOG}",
        "host_unknown": f"Is {target.domain} a VirtualHost of this server, and is this the right server? "
        "prosodyctl shell host list",
        "certificate": f"Compare what is served (openssl s_client -connect {target.address or target.domain}:{port} "
        f"-servername {target.domain}) with the CA that was trusted ({target.ca or 'that of the system'}); "
        "does it cover the name, is the chain complete, is it in date?",
        "tls": "Key and certificate of the domain may not belong together, or tls_profile is broken: "
        f"prosodyctl check certs; {PROSODY_LOG}",
        "no_starttls": "The host has no usable certificate, or the tls module is off: prosodyctl check certs; "
        'is "tls" in modules_enabled?',
        "mechanism": "Look at authentication, password_hash and insecure_sasl_mechanisms in prosody.cfg.lua",
        "credentials": "Does the account exist with this password (prosodyctl shell user list "
        f"{target.domain})? When every account is refused, the database may be down: systemctl status postgresql",
        "closed": f"Look at the log: {PROSODY_LOG}",
    }[kind]


async def sign_in_pair(stage: Stage, name: str, direct_tls: bool) -> str:
    """Both accounts sign in on one port; the sessions stay with the stage. Raises CheckFailed."""
    target = stage.target
    service = "c2s_tls" if direct_tls else "c2s"
    at, port = await address.of_service(target, service)
    clients: list[Client] = []
    try:
        for account in target.accounts:
            clients.append(await _sign_in(stage, account, at, port, direct_tls, name))
    except BaseException:
        await asyncio.gather(*(client.close() for client in clients))
        raise
    first, second = clients
    stage.sessions.append((first, second))
    in_clear = first.offered_in_clear
    if in_clear:
        raise CheckFailed(
            f"{name} at {at}:{port}",
            f"passwords could be sent without TLS ({', '.join(in_clear)} offered before STARTTLS)",
            "c2s_require_encryption must be true",
        )
    return (
        f"{first.tls_version}, {first.mechanism}, {first.account.name} and {second.account.name} "
        f"signed in in {milliseconds(first.seconds)} and {milliseconds(second.seconds)}"
    )


async def _sign_in(stage: Stage, account: Account, at: str, port: int, direct_tls: bool, name: str) -> Client:
    target = stage.target
    try:
        client = await connect(account, at, port, direct_tls=direct_tls, ca=target.ca, timeout=target.timeout)
    except SignInFailed as error:
        raise CheckFailed(
            f"{account.jid} signing in over {name} at {at}:{port}", str(error), advice(error.kind, stage, port)
        ) from None
    client.available()
    return client


async def starttls(stage: Stage) -> str:
    """Both accounts over STARTTLS (RFC 6120)."""
    return await sign_in_pair(stage, "STARTTLS", direct_tls=False)


async def direct_tls(stage: Stage) -> str:
    """Both accounts over direct TLS (XEP-0368)."""
    return await sign_in_pair(stage, "direct TLS", direct_tls=True)
