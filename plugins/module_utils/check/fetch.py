# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HTTPS requests of the checks: made in a thread, failures told with what to look at."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.https import (
    HttpFailed,
    Response,
    endpoint,
    request,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import PROSODY_LOG, CheckFailed
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Stage


def advice(kind: str, url: str) -> str:
    """What to look at after an HTTPS request that failed this way."""
    host, port, _path = endpoint(url)
    return {
        "unresolved": "Give the address at which clients reach the host (xmpp_address in the inventory), or mend DNS",
        "unreachable": f"Is port {port} open, and does Prosody (or the proxy) listen there? ss -ltn 'sport = :{port}'",
        "timeout": f"Does a firewall swallow port {port}? {PROSODY_LOG}",
        "certificate": f"Does the certificate cover {host}, and is it the one loaded? prosodyctl check certs",
        "tls": f"Is there a certificate for {host} at all (HTTPS refuses unknown names)? prosodyctl check certs",
        "protocol": f"Look at the log: {PROSODY_LOG}",
    }[kind]


def origin(url: str) -> str:
    """ "https://host:port" of a URL: all of it that may be told."""
    host, port, _path = endpoint(url)
    return f"https://{host}:{port}"


async def send(stage: Stage, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
    """An HTTPS request in a thread, a failure turned into CheckFailed."""
    try:
        return await asyncio.to_thread(
            request,
            method,
            url,
            stage.context(),
            address=stage.http_address(url),
            headers=headers,
            body=body,
            timeout=stage.target.timeout,
        )
    except HttpFailed as error:
        raise CheckFailed(f"{method} {origin(url)}", str(error), advice(error.kind, url)) from None
