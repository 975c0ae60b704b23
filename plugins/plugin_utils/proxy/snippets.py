# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pieces of configuration for a web server of the operator's own in front of Prosody: nginx, Apache, Caddy, Traefik.

Each piece belongs into a site that has its certificate already. It hands on what Prosody offers to everybody and
nothing else: not its metrics, its status or its administration.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.proxy import routes
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.proxy.routes import Route, Site, Upstream

# Prosody closes a stream that is idle before sign-in after 14 minutes, and answers a request of BOSH within 5
_TIMEOUTS = {"websocket": 900, "bosh": 330, "upload": 300, "": 60}


def snippets(front: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, str]:
    """Return file name → text. Raises XmppError.

    front: what `prosody.front` says of the server.
    options: address, of Prosody as the web server sees it ("" where both are on one host), and authority, a file there
      with those who vouch for Prosody's certificate ("" for the system's).
    """
    at = routes.upstream(front, str(options.get("address") or ""), str(options.get("authority") or ""))
    found: dict[str, str] = {}
    for site in routes.sites(front):
        for kind, (write, ending) in _WRITERS.items():
            found[f"{kind}-{site.name}.{ending}"] = write(site, at)
    return found


def _head(where: str) -> str:
    return f"# Written by playbook proxy_snippets of allthingslinux.xmpp; run it again after a change.\n# {where}\n"


def _nginx(site: Site, at: Upstream) -> str:
    lines = [
        _head(f"Include it in the server block for {site.name}, which has its certificate.")
        + "# A header of its own in a location makes nginx forget those around it, so each location has them all."
    ]
    for route in site.routes:
        lines += [
            f"location {'' if route.path.endswith('/') else '= '}{route.path} {{",
            f"    proxy_pass {at.url};",
            "    proxy_http_version 1.1;",
            "    proxy_set_header Host $host;",
            "    proxy_set_header X-Forwarded-For $remote_addr;",
            "    proxy_set_header X-Forwarded-Proto https;",
            f"    proxy_read_timeout {_TIMEOUTS[route.kind]}s;",
            f"    client_max_body_size {route.limit};",
        ]
        if route.kind == "websocket":
            lines += ["    proxy_set_header Upgrade $http_upgrade;", '    proxy_set_header Connection "upgrade";']
        else:
            lines += ['    proxy_set_header Connection "";']
        if route.kind in ("bosh", "websocket"):
            lines += ["    proxy_buffering off;"]
        if route.kind == "upload":
            lines += [
                "    proxy_request_buffering off;",
                "    client_body_buffer_size 256k;",
                "    proxy_max_temp_file_size 0;",
                "    # Prosody 13.0 answers most ranges with 416: it is asked for the whole, and nginx cuts",
                "    proxy_force_ranges on;",
                '    proxy_set_header Range "";',
                '    proxy_set_header If-Range "";',
            ]
        if at.tls:
            lines += [
                "    proxy_ssl_server_name on;",
                "    proxy_ssl_name $host;",
                "    proxy_ssl_verify on;",
                "    proxy_ssl_verify_depth 4;",
                f"    proxy_ssl_trusted_certificate {at.authority or '/etc/ssl/certs/ca-certificates.crt'};",
            ]
        lines.append("}")
    return "\n".join(lines) + "\n"


def _apache(site: Site, at: Upstream) -> str:
    lines = [
        _head(f"Include it in <VirtualHost *:443> for {site.name}, which has its certificate.")
        + "# It takes Apache 2.4.47 or newer: a2enmod proxy proxy_http headers"
        + (" ssl" if at.tls else ""),
        "ProxyRequests Off",
        "ProxyPreserveHost On",
        "# Prosody is told the address of the client by Apache alone",
        "RequestHeader unset X-Forwarded-For",
        "RequestHeader set X-Forwarded-Proto https",
    ]
    if at.tls:
        lines += [
            "SSLProxyEngine On",
            "SSLProxyVerify require",
            "SSLProxyCheckPeerName On",
            f"SSLProxyCACertificateFile {at.authority or '/etc/ssl/certs/ca-certificates.crt'}",
        ]
    for route in site.routes:
        match = f'<LocationMatch "^{_literal(route.path)}{"" if route.path.endswith("/") else "$"}">'
        extra = " upgrade=websocket" if route.kind == "websocket" else ""
        flush = " flushpackets=on" if route.kind == "bosh" else ""
        lines += [
            f'ProxyPass "{route.path}" "{at.url}{route.path}" timeout={_TIMEOUTS[route.kind]}{extra}{flush}',
            match,
            f"    LimitRequestBody {route.limit}",
            "</LocationMatch>",
        ]
    return "\n".join(lines) + "\n"


def _literal(path: str) -> str:
    return path.replace(".", "\\.")


def _caddy(site: Site, at: Upstream) -> str:
    label = f"xmpp_{site.name.replace('.', '_').replace('-', '_')}"
    lines = [
        _head(f"Import this file in the Caddyfile, and write in the block of {site.name}: import {label}")
        + "# Caddy tells Prosody the address of the client by itself.",
        f"({label}) {{",
    ]
    for route in site.routes:
        lines.append(f"\thandle {route.path}{'*' if route.path.endswith('/') else ''} {{")
        if route.limit:
            lines += ["\t\trequest_body {", f"\t\t\tmax_size {route.limit}", "\t\t}"]
        lines.append(f"\t\treverse_proxy {at.url} {{")
        if route.kind in ("bosh", "websocket", "upload"):
            lines.append("\t\t\tflush_interval -1")
        if at.tls:
            lines += ["\t\t\ttransport http {", f"\t\t\t\ttls_server_name {site.name}"]
            lines += [f"\t\t\t\ttls_trusted_ca_certs {at.authority}"] if at.authority else []
            lines.append("\t\t\t}")
        lines += ["\t\t}", "\t}"]
    return "\n".join([*lines, "}"]) + "\n"


def _traefik(site: Site, at: Upstream) -> str:
    """A file for the provider "file", in JSON, which is YAML as well."""
    label = f"xmpp-{site.name.replace('.', '-')}"
    paths = " || ".join(_rule(route) for route in site.routes)
    balancer: dict[str, Any] = {"passHostHeader": True, "servers": [{"url": at.url}]}
    http: dict[str, Any] = {
        "routers": {
            label: {
                "rule": f"Host(`{site.name}`) && ({paths})",
                "entryPoints": ["websecure"],
                "service": label,
                "tls": {},
            }
        },
        "services": {label: {"loadBalancer": balancer}},
    }
    if at.tls:
        balancer["serversTransport"] = label
        transport: dict[str, Any] = {"serverName": site.name}
        if at.authority:
            transport["rootCAs"] = [at.authority]
        http["serversTransports"] = {label: transport}
    head = _head(f"For the file provider of Traefik. Its entry point websecure has a certificate for {site.name}, and")
    text = json.dumps({"http": http}, indent=2)
    return f"{head}# respondingTimeouts.readTimeout of that entry point is 0, or as long as an upload takes.\n{text}\n"


def _rule(route: Route) -> str:
    return f"{'PathPrefix' if route.path.endswith('/') else 'Path'}(`{route.path}`)"


_WRITERS: dict[str, tuple[Callable[[Site, Upstream], str], str]] = {
    "nginx": (_nginx, "conf"),
    "apache": (_apache, "conf"),
    "caddy": (_caddy, "caddyfile"),
    "traefik": (_traefik, "yml"),
}
