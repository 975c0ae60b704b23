# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A direct file transfer through the relay for them: bytes of one client reach the other."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import Client
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import (
    PROSODY_LOG,
    CheckFailed,
    explain,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Stage

NS_BYTESTREAMS = "http://jabber.org/protocol/bytestreams"
LOOK = f"Look at proxy65_ports, proxy65_address and proxy65_acl; {PROSODY_LOG}"
SIZE = 1024


async def proxy(stage: Stage) -> str:
    """Both accounts connect to the relay, the first activates it, bytes pass both ways (XEP-0065)."""
    first, second = stage.clients()
    service = await stage.component(
        "proxy/bytestreams", "a relay for file transfers", "Is the proxy65 component loaded? prosodyctl shell host list"
    )
    host, port = await _stream_host(stage, first, service.jid)
    sid = f"check-{stage.marker}"
    name = hashlib.sha1(f"{sid}{first.jid}{second.jid}".encode()).hexdigest()
    attempted = f"passing bytes through {service.jid} at {host}:{port}"
    streams: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    try:
        # whom the file is for comes first, then who sends it
        for _end in (second, first):
            streams.append(await asyncio.wait_for(_connect(host, port, name), first.timeout))
        activation = ET.Element(f"{{{NS_BYTESTREAMS}}}query", {"sid": sid})
        ET.SubElement(activation, f"{{{NS_BYTESTREAMS}}}activate").text = second.jid
        await stage.ask(first, service.jid, activation, "the activation of a bytestream", "set", LOOK)
        (to_reader, to_writer), (from_reader, from_writer) = streams
        for writer, reader in ((from_writer, to_reader), (to_writer, from_reader)):
            content = secrets.token_bytes(SIZE)
            writer.write(content)
            if await asyncio.wait_for(reader.readexactly(SIZE), first.timeout) != content:
                raise CheckFailed(attempted, "other bytes came out than went in", LOOK)
    except asyncio.TimeoutError:
        raise CheckFailed(attempted, f"nothing came within {first.timeout:g} s", LOOK) from None
    except asyncio.IncompleteReadError:
        raise CheckFailed(attempted, "the relay closed the connection", LOOK) from None
    except OSError as error:
        raise CheckFailed(
            attempted, explain(error), f"Is port {port} open? ss -ltn 'sport = :{port}'. {LOOK}"
        ) from None
    finally:
        for _reader, writer in streams:
            with contextlib.suppress(OSError):
                writer.transport.abort()
    return f"{service.jid}: {SIZE} bytes passed each way through port {port}"


async def _stream_host(stage: Stage, client: Client, jid: str) -> tuple[str, int]:
    """Where the relay says it is reached; its host gives way to the address of the target. Raises CheckFailed."""
    answer = await stage.ask(client, jid, ET.Element(f"{{{NS_BYTESTREAMS}}}query"), "its address and port", advice=LOOK)
    found = answer.find(f".//{{{NS_BYTESTREAMS}}}streamhost")
    host, port = ("", "") if found is None else (found.get("host", ""), found.get("port", ""))
    if not host or not port.isdigit():
        raise CheckFailed(f"asking {jid} for its address and port", "it names none", LOOK)
    return stage.target.address or host, int(port)


async def _connect(host: str, port: int, name: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A SOCKS5 connection to the bytestream of this name (RFC 1928, XEP-0065 5.3.2).

    Raises OSError, IncompleteReadError.
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"\x05\x01\x00")
        if await reader.readexactly(2) != b"\x05\x00":
            raise OSError("the relay does not speak SOCKS5 without authentication")
        writer.write(b"\x05\x01\x00\x03" + bytes([len(name)]) + name.encode() + b"\x00\x00")
        reply = await reader.readexactly(5)
        await reader.readexactly(reply[4] + 2)
        if reply[1] != 0:
            raise OSError(f"the relay refused the connection (SOCKS5 reply {reply[1]})")
    except BaseException:
        writer.transport.abort()
        raise
    return reader, writer
