# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What other servers find: the ports of federation, and a certificate they can trust."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import address
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import (
    PROSODY_LOG,
    CheckFailed,
    explain,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Stage

NS_TLS = "urn:ietf:params:xml:ns:xmpp-tls"
# Nobody is by this name (RFC 2606), and nothing is sent to it: it only stands where a server has to say who it is
STRANGER = "check.invalid"
FEATURES_END = re.compile(rb"</stream:features>|<stream:features\s*/>")
PROCEED = re.compile(rb"<proceed\b")


async def s2s(stage: Stage) -> str:
    """A stream for servers opens, offers STARTTLS, and the certificate is valid for the domain (RFC 6120)."""
    attempted, at = await _where(stage, "s2s")
    async with _connection(stage, attempted, at, None) as (reader, writer):
        answer = await _open(stage, reader, writer, attempted)
        if f"xmlns='{NS_TLS}'" not in answer and f'xmlns="{NS_TLS}"' not in answer:
            raise CheckFailed(
                attempted, "no STARTTLS offered", f"Is there a certificate? prosodyctl check certs; {PROSODY_LOG}"
            )
        writer.write(f"<starttls xmlns='{NS_TLS}'/>".encode())
        await _until(stage, reader, PROCEED, attempted)
        version = await _handshake(stage, writer, attempted)
    return f"{version} after STARTTLS, certificate valid for {stage.target.domain}"


async def s2s_tls(stage: Stage) -> str:
    """The same over direct TLS (XEP-0368)."""
    attempted, at = await _where(stage, "s2s_tls")
    context = stage.context()
    context.set_alpn_protocols(["xmpp-server"])
    async with _connection(stage, attempted, at, context) as (reader, writer):
        version = writer.get_extra_info("ssl_object").version()
        await _open(stage, reader, writer, attempted)
    return f"{version}, certificate valid for {stage.target.domain}"


async def _where(stage: Stage, service: str) -> tuple[str, tuple[str, int]]:
    """(what is attempted, (address, port))."""
    host, port = await address.of_service(stage.target, service)
    return f"opening a stream for servers at {host}:{port}", (host, port)


@contextlib.asynccontextmanager
async def _connection(
    stage: Stage, attempted: str, at: tuple[str, int], context: ssl.SSLContext | None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """(reader, writer) of a connection, closed at the end. Raises CheckFailed."""
    port = at[1]
    try:
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(*at, ssl=context, server_hostname=stage.target.domain if context else None),
            stage.target.timeout,
        )
    except asyncio.TimeoutError:
        raise CheckFailed(
            attempted, f"no connection within {stage.target.timeout:g} s", f"Does a firewall swallow port {port}?"
        ) from None
    except ssl.SSLError as error:
        raise _bad_tls(attempted, stage, error) from None
    except OSError as error:
        raise CheckFailed(
            attempted, explain(error), f"Is port {port} open, and is federation on? ss -ltn 'sport = :{port}'"
        ) from None
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def _bad_tls(attempted: str, stage: Stage, error: ssl.SSLError) -> CheckFailed:
    if isinstance(error, ssl.SSLCertVerificationError):
        return CheckFailed(
            attempted,
            f"the certificate cannot be trusted: {explain(error)}",
            f"Other servers will refuse it: does it cover {stage.target.domain}, is the chain complete, is it in date?",
        )
    return CheckFailed(attempted, f"TLS handshake failed: {explain(error)}", f"prosodyctl check certs; {PROSODY_LOG}")


async def _open(stage: Stage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, attempted: str) -> str:
    """Open a stream and return what the server said up to its features. Raises CheckFailed."""
    domain = stage.target.domain
    writer.write(
        "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
        f"xmlns:db='jabber:server:dialback' from='{STRANGER}' to='{domain}' version='1.0'>".encode()
    )
    return await _until(stage, reader, FEATURES_END, attempted)


async def _until(stage: Stage, reader: asyncio.StreamReader, end: re.Pattern[bytes], attempted: str) -> str:
    """What the server says, up to `end`. Raises CheckFailed when it says something else.

    A stranger without a certificate may be sent away once TLS is there (s2s_secure_auth): that is an answer, too.
    """
    heard = b""

    async def read() -> None:
        nonlocal heard
        while not end.search(heard) and (part := await reader.read(4096)):
            heard += part

    with contextlib.suppress(asyncio.TimeoutError, OSError):
        await asyncio.wait_for(read(), stage.target.timeout)
    condition = re.search(rb"<stream:error[^>]*><([a-z-]+)", heard)
    if end.search(heard) or (condition and condition[1] == b"not-authorized"):
        return heard.decode(errors="replace")
    seen = f"stream error {condition[1].decode()}" if condition else "no answer of an XMPP server"
    raise CheckFailed(attempted, seen, f"Is this the right server, and is mod_s2s loaded? {PROSODY_LOG}")


async def _handshake(stage: Stage, writer: asyncio.StreamWriter, attempted: str) -> str:
    """TLS on a connection that had none; returns its version. Raises CheckFailed."""
    try:
        transport = await asyncio.wait_for(
            asyncio.get_running_loop().start_tls(
                writer.transport, writer.transport.get_protocol(), stage.context(), server_hostname=stage.target.domain
            ),
            stage.target.timeout,
        )
    except asyncio.TimeoutError:
        raise CheckFailed(
            attempted, f"no TLS within {stage.target.timeout:g} s", f"Look at the log: {PROSODY_LOG}"
        ) from None
    except ssl.SSLError as error:
        raise _bad_tls(attempted, stage, error) from None
    except OSError as error:
        raise CheckFailed(
            attempted, f"TLS handshake failed: {explain(error)}", f"Look at the log: {PROSODY_LOG}"
        ) from None
    if transport is None:
        raise CheckFailed(attempted, "the connection broke during the TLS handshake", f"Look at the log: {PROSODY_LOG}")
    version: str = transport.get_extra_info("ssl_object").version()
    transport.abort()
    return version
