# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HTTPS from outside: connected to the address given, while TLS and Host keep the name in the URL."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import explain
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import jid


class HttpFailed(XmppError):
    """No HTTP answer. `kind` is unresolved, unreachable, certificate, tls, timeout or protocol."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True)
class Response:
    """Status, headers (names in lower case) and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def endpoint(url: str) -> tuple[str, int, str]:
    """(host as DNS has it, port, path with query) of an https or wss URL. Raises HttpFailed for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "wss") or not parts.hostname:
        raise HttpFailed("protocol", f"{url} is not an https or wss URL")
    path = parts.path or "/"
    try:
        host = parts.hostname if ":" in parts.hostname else jid.domain_to_ascii(parts.hostname)
    except jid.InvalidJid as error:
        raise HttpFailed("protocol", f"{url} is not an https or wss URL: {error}") from None
    return host, parts.port or 443, f"{path}?{parts.query}" if parts.query else path


def resolves(name: str) -> bool:
    """Whether this machine finds an address of a name."""
    try:
        return bool(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return False


def open_tls(host: str, port: int, address: str | None, context: ssl.SSLContext, timeout: float) -> ssl.SSLSocket:
    """A TLS socket to address:port (the host's own address when None), verified for `host`. Raises HttpFailed."""
    at = f"{address or host}:{port}"
    try:
        plain = socket.create_connection((address or host, port), timeout)
    except (socket.timeout, TimeoutError):
        raise HttpFailed("timeout", f"no connection to {at} within {timeout:g} s") from None
    except socket.gaierror as error:
        raise HttpFailed("unresolved", f"the name {address or host} has no address: {explain(error)}") from None
    except OSError as error:
        raise HttpFailed("unreachable", f"no connection to {at}: {explain(error)}") from None
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise HttpFailed("certificate", f"the certificate at {at} is not valid for {host}: {explain(error)}") from None
    except (socket.timeout, TimeoutError):
        plain.close()
        raise HttpFailed("timeout", f"{at} took the connection but did not speak TLS within {timeout:g} s") from None
    except OSError as error:
        plain.close()
        raise HttpFailed("tls", f"TLS handshake with {at} for {host} failed: {explain(error)}") from None


def request(
    method: str,
    url: str,
    context: ssl.SSLContext,
    *,
    address: str | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout: float = 15.0,
) -> Response:
    """One request, without following redirects. Blocking; every socket wait ends after `timeout`. Raises HttpFailed."""
    host, port, path = endpoint(url)
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    connection.sock = open_tls(host, port, address, context, timeout)
    try:
        # http.client derives Host from host and port; for 443 over TLS it must be the bare name
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", host if port == 443 else f"{host}:{port}")
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
    except (socket.timeout, TimeoutError):
        raise HttpFailed("timeout", f"no answer to {method} https://{host}:{port} within {timeout:g} s") from None
    except (OSError, http.client.HTTPException) as error:
        raise HttpFailed("protocol", f"{method} https://{host}:{port} failed: {explain(error)}") from None
    finally:
        connection.close()
    return Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)
