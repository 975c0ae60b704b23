# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A file uploaded and fetched with the same bytes."""

from __future__ import annotations

import re
import secrets
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import fetch
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import PROSODY_LOG, CheckFailed
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Stage

NS_UPLOAD = "urn:xmpp:http:upload:0"
SIZE = 4096
# The only headers that a client may send on (XEP-0363, 5)
ALLOWED_HEADERS = ("authorization", "cookie", "expires")


async def upload(stage: Stage) -> str:
    """Slot over XMPP, PUT and GET over HTTPS (XEP-0363)."""
    client, _other = stage.clients()
    service = await stage.component(
        "store/file",
        "a file upload service",
        "Is the http_file_share component configured and loaded? prosodyctl shell host list",
        NS_UPLOAD,
    )
    wanted = ET.Element(
        f"{{{NS_UPLOAD}}}request",
        {"filename": f"check-{stage.marker}.txt", "size": str(SIZE), "content-type": "text/plain"},
    )
    answer = await stage.ask(
        client,
        service.jid,
        wanted,
        "an upload slot",
        advice="Look at http_file_share_access, _size_limit, _daily_quota and _global_quota",
    )
    put, get = answer.find(f".//{{{NS_UPLOAD}}}put"), answer.find(f".//{{{NS_UPLOAD}}}get")
    put_url = "" if put is None else put.get("url", "")
    get_url = "" if get is None else get.get("url", "")
    if put is None or not put_url.startswith("https://") or not get_url.startswith("https://"):
        raise CheckFailed(
            f"asking {service.jid} for an upload slot",
            f"its URLs are not https: {re.sub('/[^/]*/[^/]*$', '/…', put_url) or 'missing'}",
            "Look at http_external_url, http_ports and https_ports",
        )
    headers = {"Content-Type": "text/plain"}
    for header in put.iter(f"{{{NS_UPLOAD}}}header"):
        name, value = header.get("name", ""), (header.text or "").replace("\n", "").strip()
        if name.lower() in ALLOWED_HEADERS:
            headers[name] = value
            stage.secrets.update(part for part in value.split() if len(part) > 8)
    content = secrets.token_hex(SIZE // 2).encode()
    stored = await fetch.send(stage, "PUT", put_url, headers, content)
    if stored.status not in (200, 201):
        raise CheckFailed(
            f"PUT of {SIZE} bytes to {fetch.origin(put_url)}", f"HTTP {stored.status}", _status_advice(stored.status)
        )
    fetched = await fetch.send(stage, "GET", get_url, {}, None)
    if fetched.status != 200:
        raise CheckFailed(
            f"GET of the uploaded file from {fetch.origin(get_url)}",
            f"HTTP {fetched.status}",
            _status_advice(fetched.status),
        )
    if fetched.body != content:
        raise CheckFailed(
            f"GET of the uploaded file from {fetch.origin(get_url)}",
            f"{len(fetched.body)} bytes that differ from the {SIZE} uploaded",
            "Does a proxy in between change or cache what it passes?",
        )
    return f"{service.jid}: {SIZE} bytes stored and fetched unchanged over {fetch.origin(get_url)}"


def _status_advice(status: int) -> str:
    if status in (401, 403):
        return "Does a proxy drop the Authorization header, or do two servers answer with different secrets?"
    if status == 404:
        return "Is http_file_share served under this name and path? Look at http_external_url and the proxy"
    if status == 413:
        return "Does a proxy limit the size of a request (client_max_body_size)?"
    return f"Look at the log ({PROSODY_LOG}) and at the free space of the data directory (df)"
