# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which requests a web server hands on to Prosody, and where it is: the same for every web server there is."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError


@dataclass(frozen=True)
class Route:
    """A path, everything below it where it ends with "/", and what is special: "websocket", "bosh", "upload" or "".

    limit: the largest body in bytes, 0 for any. Nobody needs more but who uploads.
    """

    path: str
    kind: str = ""
    limit: int = 65536


@dataclass(frozen=True)
class Site:
    """A name under which a web server has requests for Prosody."""

    name: str
    routes: tuple[Route, ...]


@dataclass(frozen=True)
class Upstream:
    """Where Prosody is: on the host of the web server in the open, elsewhere with TLS and a certificate for each name.

    authority: PEM file with those who vouch for it, "" for those that the system trusts.
    """

    host: str
    port: int
    tls: bool
    authority: str = ""

    @property
    def place(self) -> str:
        """Host and port as in a URL."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL without a path."""
        return f"{'https' if self.tls else 'http'}://{self.place}"


def upstream(front: Mapping[str, Any], address: str, authority: str = "") -> Upstream:
    """Where a web server finds Prosody; `address` is "" for loopback. Raises XmppError where it has no such
    port, or what is given cannot stand in a configuration."""
    kind = "https" if address else "http"
    if address and not _is_place(address):
        raise XmppError(f"prosody_snippets_address is {address!r}: give a host name or an address, without a port.")
    if authority and not re.fullmatch(r"/[\w./@+-]+", authority):
        raise XmppError(
            f"prosody_snippets_authority is {authority!r}: give the whole path of a file on the web server's host, "
            "such as /etc/ssl/xmpp-ca.pem."
        )
    port = front["ports"].get(kind) or 0
    if not port:
        raise XmppError(f"Prosody has no port for {kind} that a web server could hand on to: see prosody_{kind}_ports.")
    return Upstream(address or "127.0.0.1", port, bool(address), authority)


def _is_place(address: str) -> bool:
    try:
        return bool(ipaddress.ip_address(address))
    except ValueError:
        return bool(re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", address))


def sites(front: Mapping[str, Any]) -> tuple[Site, ...]:
    """Every name with what is below it. Uploads have a name of their own where the host is not behind a proxy."""
    found: list[Site] = []
    for host in front["sites"]:
        url = urlsplit(host["url"])
        if url.path not in ("", "/"):
            raise XmppError(
                f"{host['url']} has a path, and the pieces are for a site that is Prosody's from its root: give "
                "prosody_http_external_url without one, or write that web server's configuration by hand."
            )
        name = url.hostname or host["name"]
        uploads = _uploads(host)
        at = host.get("upload_at") or name
        found.append(Site(name, tuple(_routes(host) + (uploads if at == name else []))))
        if uploads and at != name:
            found.append(Site(at, tuple(uploads)))
    return tuple(found)


def _routes(host: Mapping[str, Any]) -> list[Route]:
    found = [Route("/.well-known/host-meta"), Route("/.well-known/host-meta.json")]
    if host["websocket"]:
        found.append(Route("/xmpp-websocket", "websocket"))
    if host["bosh"]:
        found.append(Route("/http-bind", "bosh", 1048576))
    if host["registration"] != "closed":
        paths: Sequence[str] = host.get("invite_paths") or ()
        found += [Route(path) for path in paths]
    return found


def _uploads(host: Mapping[str, Any]) -> list[Route]:
    if not host["upload"]:
        return []
    size = int(host["upload_size"])
    return [Route("/file_share/", "upload", size + 65536 if size else 0)]
