# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ways in for browsers: host-meta, WebSocket, BOSH."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from urllib.parse import urljoin
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import fetch
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.https import HttpFailed
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import CheckFailed
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Stage
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stanzas import NS_SASL
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.websocket import open_stream

NS_XRD = "http://docs.oasis-open.org/ns/xri/xrd-1.0"
NS_BOSH = "http://jabber.org/protocol/httpbind"
REL_WEBSOCKET = "urn:xmpp:alt-connections:websocket"
# XEP-0156 section 3.2: clients ask at the domain, with the port that https has
HTTPS = 443
REL_BOSH = "urn:xmpp:alt-connections:xbosh"


async def links(stage: Stage) -> dict[str, str]:
    """rel → URL out of host-meta (XEP-0156), asked once. Raises CheckFailed."""
    if stage.links is None:
        stage.links = {}
        stage.links = await _host_meta(stage)
    return stage.links


async def _host_meta(stage: Stage) -> dict[str, str]:
    port = stage.target.ports["https"]
    url = f"https://{stage.target.domain}:{port}/.well-known/host-meta"
    look = "Is http_altconnect loaded (websocket and bosh do it) and does the proxy pass /.well-known/host-meta?"
    answer = await fetch.send(stage, "GET", url, {}, None)
    if answer.status != 200:
        raise CheckFailed(f"GET {url}", f"HTTP {answer.status}", look)
    try:
        document = ET.fromstring(answer.body)
    except ET.ParseError as error:
        raise CheckFailed(f"GET {url}", f"not XML: {error}", look) from None
    return {link.get("rel", ""): link.get("href", "") for link in document.iter(f"{{{NS_XRD}}}Link")}


async def host_meta(stage: Stage) -> str:
    """host-meta names the WebSocket and the BOSH endpoint, both over TLS."""
    found = await links(stage)
    attempted = f"reading the connection methods in host-meta of {stage.target.domain}"
    methods = {"websocket": (REL_WEBSOCKET, "wss://"), "bosh": (REL_BOSH, "https://")}
    wanted = [method for name, method in methods.items() if name not in stage.target.without]
    for rel, scheme in wanted:
        if not found.get(rel, "").startswith(scheme):
            raise CheckFailed(
                attempted,
                f"{rel.rpartition(':')[2]} is {found.get(rel) or 'missing'}",
                f"It must start with {scheme}: look at websocket and bosh in modules_enabled, and at http_external_url",
            )
    seen = ", ".join(found[rel] for rel, _scheme in wanted)
    port = stage.target.ports["https"]
    if port != HTTPS:
        seen += f" (read at port {port}; clients ask at {HTTPS}, which has to lead here: group proxy, or a forward)"
    return seen


async def _endpoint_of(stage: Stage, rel: str, default: str) -> str:
    """The URL that host-meta names, else the one Prosody has by default."""
    with contextlib.suppress(CheckFailed):
        found = (await links(stage)).get(rel, "")
        if found.startswith(("https://", "wss://")):
            return found
    return default


async def below(stage: Stage, path: str) -> str:
    """The URL of `path` beside the BOSH endpoint that host-meta names, else where Prosody has it by default."""
    return urljoin(await _endpoint_of(stage, REL_BOSH, f"https://{_authority(stage)}/http-bind"), path)


def _authority(stage: Stage) -> str:
    return f"{stage.target.domain}:{stage.target.ports['https']}"


async def bosh(stage: Stage) -> str:
    """A BOSH session opens and offers SCRAM (XEP-0206)."""
    url = await _endpoint_of(stage, REL_BOSH, f"https://{_authority(stage)}/http-bind")
    rid = secrets.randbelow(1 << 40) + 1
    domain = stage.target.domain
    head = {"Content-Type": "text/xml; charset=utf-8"}
    opening = (
        f"<body xmlns='{NS_BOSH}' rid='{rid}' to='{domain}' xml:lang='en' wait='5' hold='1' ver='1.6' "
        "xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'/>"
    )
    answer = await fetch.send(stage, "POST", url, head, opening.encode())
    attempted, look = f"POST {url}", "Is mod_bosh loaded for the host, and does the proxy pass this path?"
    if answer.status != 200:
        raise CheckFailed(attempted, f"HTTP {answer.status}", look)
    try:
        body = ET.fromstring(answer.body)
    except ET.ParseError as error:
        raise CheckFailed(attempted, f"not XML: {error}", look) from None
    session = body.get("sid", "")
    if not session:
        raise CheckFailed(attempted, f"no session: {body.get('condition') or body.get('type') or 'no sid'}", look)
    closing = f"<body xmlns='{NS_BOSH}' rid='{rid + 1}' sid='{session}' type='terminate'/>"
    await fetch.send(stage, "POST", url, head, closing.encode())
    return f"{url}: session opened, {_scram_in(body, attempted)} offered"


def _scram_in(features: ET.Element, attempted: str) -> str:
    offered = [item.text or "" for item in features.iter(f"{{{NS_SASL}}}mechanism")]
    scram = sorted(name for name in offered if name.startswith("SCRAM-"))
    if not scram:
        raise CheckFailed(
            attempted,
            f"no SCRAM among the mechanisms offered: {', '.join(offered) or 'none'}",
            "Behind a proxy: does it pass X-Forwarded-Proto, and is it in trusted_proxies?",
        )
    return ", ".join(scram)


async def websocket(stage: Stage) -> str:
    """A WebSocket upgrades, an XMPP stream opens in it and offers SCRAM (RFC 7395)."""
    url = await _endpoint_of(stage, REL_WEBSOCKET, f"wss://{_authority(stage)}/xmpp-websocket")
    try:
        features = await asyncio.to_thread(
            open_stream, url, stage.target.domain, stage.context(), stage.http_address(url), stage.target.timeout
        )
    except HttpFailed as error:
        raise CheckFailed(f"opening {url}", str(error), fetch.advice(error.kind, url)) from None
    return f"{url}: stream opened, {_scram_in(features, f'opening {url}')} offered"
