# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""TURN: credentials over XMPP, and a datagram that really passes between two relays."""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import (
    COTURN_LOG,
    CheckFailed,
    NotOffered,
    NotTried,
    explain,
    milliseconds,
    require,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Stage

try:
    from aioice import stun, turn

    MISSING = ""
except ImportError as error:
    MISSING = str(error)

NS_SERVICES = "urn:xmpp:extdisco:2"
LIFETIME = 60
ADVERTISE = "Look at turn_external_* and external_services in prosody.cfg.lua"


@dataclass(frozen=True)
class Service:
    """A service that the server advertises (XEP-0215), with credentials valid for a while."""

    type: str
    transport: str
    host: str
    port: int
    username: str
    password: str = field(repr=False)


def services_in(answer: ET.Element) -> list[Service]:
    """The services in an answer of XEP-0215; default ports by type, default transport udp (tcp for turns)."""
    found = []
    for item in answer.iter(f"{{{NS_SERVICES}}}service"):
        kind = item.get("type", "")
        secure = kind in ("turns", "stuns")
        port = item.get("port") or ("5349" if secure else "3478")
        found.append(
            Service(
                kind,
                item.get("transport") or ("tcp" if secure else "udp"),
                item.get("host", ""),
                int(port),
                item.get("username", ""),
                item.get("password", ""),
            )
        )
    return found


async def advertised(stage: Stage) -> list[Service]:
    """What the server hands out to the first account. Raises CheckFailed."""
    client, _other = stage.clients()
    query = ET.Element(f"{{{NS_SERVICES}}}services")
    answer = await stage.ask(
        client,
        stage.target.domain,
        query,
        "TURN credentials",
        advice="Is turn_external or external_services loaded? " + ADVERTISE,
    )
    services = services_in(answer)
    stage.secrets.update(service.password for service in services)
    return services


async def credentials(stage: Stage) -> str:
    """At least one TURN service with credentials is handed out (XEP-0215)."""
    services = await advertised(stage)
    relays = [service for service in services if service.type in ("turn", "turns")]
    if not relays:
        raise CheckFailed("asking for TURN credentials", f"no TURN among {len(services)} services", ADVERTISE)
    bare = [f"{service.type}:{service.host}:{service.port}" for service in relays if not service.password]
    if bare:
        raise CheckFailed(
            "asking for TURN credentials",
            f"no credentials for {', '.join(bare)}",
            "A turns service needs its own entry with a secret in external_services. " + ADVERTISE,
        )
    return ", ".join(
        f"{service.type}:{service.host}:{service.port}?transport={service.transport}" for service in relays
    )


async def udp(stage: Stage) -> str:
    """A datagram through two relays allocated over UDP."""
    return await _relay(stage, "turn", "udp")


async def tcp(stage: Stage) -> str:
    """The same with allocations over TCP, where offered."""
    return await _relay(stage, "turn", "tcp")


async def tls(stage: Stage) -> str:
    """The same with allocations over TLS, where offered."""
    return await _relay(stage, "turns", "tcp")


async def _relay(stage: Stage, kind: str, transport: str) -> str:
    require("aioice", MISSING)
    try:
        services = await advertised(stage)
    except CheckFailed:
        raise NotTried("not tried, because there are no TURN credentials") from None
    chosen = [
        service for service in services if (service.type, service.transport) == (kind, transport) and service.password
    ]
    if not chosen:
        if kind == "turn" and transport == "udp":
            raise NotTried("not tried, because there are no credentials for TURN over UDP")
        raise NotOffered("not offered")
    service = chosen[0]
    ends: list[Any] = []
    try:
        for _end in range(2):
            ends.append(await _allocate(stage, service))
        seconds = await _exchange(ends[0], ends[1], service, stage.target.timeout)
        first, second = (end.relayed_address for end in ends)
    finally:
        await asyncio.gather(*(_release(end) for end in ends))
    return (
        f"{service.host}:{service.port}: relays {_place(first)} and {_place(second)} allocated, "
        f"a datagram there and back in {milliseconds(seconds)}"
    )


def _place(address: tuple[str, int]) -> str:
    """Address and port as they are written: an address of IPv6 in brackets."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def advice_for(refused: Any) -> str:
    """What helps against a refused allocation (RFC 8656 section 19); in: aioice's message."""
    code = refused.error_code
    if code in (401, 441):
        return (
            "The credentials were refused: coturn's static-auth-secret and the secret in Prosody's configuration "
            "must be the same, and the clocks of both hosts must agree"
        )
    if code == 440:
        # Who names no family wants IPv4 (section 7.2); clients of calls name none, and so does aioice
        return (
            "The TURN server relays no IPv4, which is what clients mean that name no family of addresses: "
            "set allocation-default-address-family=ipv6 in its turnserver.conf"
        )
    if code in (486, 508):
        return f"Look at total-quota, user-quota, min-port and max-port in turnserver.conf; {COTURN_LOG}"
    return COTURN_LOG


class _Inbox(asyncio.DatagramProtocol):
    """Where what a relay receives is kept."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.queue.put_nowait(data)


async def _allocate(stage: Stage, service: Service) -> Any:
    """A relay allocation: aioice's protocol object. Raises CheckFailed."""
    loop = asyncio.get_running_loop()
    host = stage.target.turn_address or stage.target.address or service.host
    port = service.port
    how = "TLS" if service.type == "turns" else service.transport.upper()
    attempted = f"allocating a relay at {_place((host, port))} over {how}"

    def options(at: tuple[str, int]) -> dict[str, Any]:
        return {
            "server": at,
            "username": service.username,
            "password": service.password,
            "lifetime": LIFETIME,
            "channel_refresh_time": LIFETIME,
        }

    look = f"Is coturn running, and port {port} open? systemctl status coturn; {COTURN_LOG}"
    transport: Any
    protocol: Any
    try:
        found = await asyncio.wait_for(loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM), stage.target.timeout)
        at = str(found[0][4][0]), port
        if service.transport == "udp":
            transport, protocol = await loop.create_datagram_endpoint(
                lambda: turn.TurnClientUdpProtocol(**options(at)), remote_addr=at
            )
        else:
            secure = service.type == "turns"
            transport, protocol = await asyncio.wait_for(
                loop.create_connection(
                    lambda: turn.TurnClientTcpProtocol(**options(at)),
                    *at,
                    ssl=stage.context() if secure else None,
                    server_hostname=service.host if secure else None,
                ),
                stage.target.timeout,
            )
    except asyncio.TimeoutError:
        raise CheckFailed(attempted, f"no connection within {stage.target.timeout:g} s", look) from None
    except ssl.SSLCertVerificationError as error:
        raise CheckFailed(
            attempted,
            f"the certificate is not valid for {service.host}: {explain(error)}",
            "Which certificate does coturn serve, and does it cover the name? Look at cert= in turnserver.conf",
        ) from None
    except socket.gaierror as error:
        raise CheckFailed(
            attempted,
            f"the name {host} has no address: {explain(error)}",
            "Give the address at which clients reach the TURN server (xmpp_address in the inventory), or mend DNS",
        ) from None
    except OSError as error:
        raise CheckFailed(attempted, explain(error), look) from None
    try:
        await asyncio.wait_for(protocol.connect(), stage.target.timeout)
    except stun.TransactionFailed as error:
        transport.close()
        raise CheckFailed(attempted, explain(error), advice_for(error.response)) from None
    except (asyncio.TimeoutError, stun.TransactionError, OSError):
        transport.close()
        raise CheckFailed(attempted, f"no answer within {stage.target.timeout:g} s", look) from None
    except BaseException:
        transport.close()
        raise
    protocol.receiver = _Inbox()
    return protocol


async def _exchange(first: Any, second: Any, service: Service, timeout: float) -> float:
    """Datagrams first → second and back, repeated till they pass; seconds for the round trip. Raises CheckFailed."""
    one, other = first.relayed_address, second.relayed_address
    attempted = f"a datagram between relays {_place(one)} and {_place(other)}"
    deadline = time.monotonic() + timeout
    payload = secrets.token_bytes(16)
    try:
        # Both ends bind a channel to the other, which also permits what comes from there
        await asyncio.wait_for(second.send_data(b"hello", first.relayed_address), timeout)
        while time.monotonic() < deadline:
            began = time.monotonic()
            await asyncio.wait_for(first.send_data(payload, second.relayed_address), timeout)
            if not await _arrives(second, payload):
                continue
            await asyncio.wait_for(second.send_data(payload[::-1], first.relayed_address), timeout)
            if await _arrives(first, payload[::-1]):
                return time.monotonic() - began
    except stun.TransactionFailed as error:
        raise CheckFailed(
            attempted,
            f"refused: {explain(error)}",
            "coturn denies its own external address: make it an allowed-peer-ip in turnserver.conf, "
            "although its range is denied",
        ) from None
    except (asyncio.TimeoutError, stun.TransactionError):
        raise CheckFailed(attempted, f"no answer within {timeout:g} s", f"{COTURN_LOG} on {service.host}") from None
    raise CheckFailed(
        attempted,
        f"allocated, but nothing passed within {timeout:g} s",
        "Is the relay range (min-port to max-port, UDP) open in the firewall, and is external-ip right? "
        "Behind NAT, can the server reach its own external address? Look at turnserver.conf",
    )


async def _arrives(end: Any, payload: bytes) -> bool:
    """Whether this datagram comes within a second."""
    deadline = time.monotonic() + 1.0
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        try:
            if await asyncio.wait_for(end.receiver.queue.get(), left) == payload:
                return True
        except asyncio.TimeoutError:
            return False


async def _release(end: Any) -> None:
    """Give an allocation back; what fails here expires by itself after LIFETIME."""
    try:
        await asyncio.wait_for(end.delete(), 2.0)
    except (asyncio.TimeoutError, stun.TransactionError, OSError):
        end.transport.close()
