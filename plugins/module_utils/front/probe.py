# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a proxy answers at 80 and 443, as clients meet it. Who signed the certificates is not looked at here."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.https import HttpFailed, request
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import Certificate, covers
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import TlsProbeError, read_served


@dataclass(frozen=True)
class Site:
    """A virtual host: its name, the paths that must answer 200, and which ports take its clients and servers.

    c2s, s2s: 443. c2s_starttls, s2s_starttls: 5222 and 5269, where they upgrade to TLS.
    """

    name: str
    paths: Sequence[str] = ()
    c2s: bool = False
    s2s: bool = False
    c2s_starttls: bool = False
    s2s_starttls: bool = False


# where clients and servers that upgrade to TLS are taken
STARTTLS = {"xmpp-client": 5222, "xmpp-server": 5269}
# where nginx and haproxy tell this host with which configuration they run
GENERATION = "/xmpp-proxy-generation"


def problems(
    address: str,
    site: Site,
    timeout: float,
    http_port: int = 80,
    https_port: int = 443,
    wanted: Certificate | None = None,
) -> list[str]:
    """What does not answer as it should, in one line each; empty if everything does.

    wanted: the certificate that https must show; without one any that is for the name.
    """
    checks: list[Callable[[], str]] = [
        partial(_redirect, address, http_port, site.name, timeout),
        partial(_certificate, address, https_port, site.name, None, timeout, wanted),
        *(partial(_page, address, https_port, site.name, path, timeout) for path in site.paths),
    ]
    for service, on in (("xmpp-client", site.c2s), ("xmpp-server", site.s2s)):
        if on:
            checks.append(partial(_certificate, address, https_port, site.name, service, timeout))
    for service, on in (("xmpp-client", site.c2s_starttls), ("xmpp-server", site.s2s_starttls)):
        if on:
            checks.append(partial(_certificate, address, STARTTLS[service], site.name, service, timeout, upgrade=True))
    return [found for check in checks if (found := check())]


def generation_problem(name: str, generation: str, timeout: float, port: int = 80, what: str = "nginx") -> str:
    """What is wrong with the configuration that `what` on this host runs with, "" if it is `generation`.

    A reload of which nginx can do nothing, because a port is taken, ends well for systemd, and everything answers as
    before.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", GENERATION, headers={"Host": name})
        answer = connection.getresponse()
        seen = answer.read(200).decode("ascii", "replace")
    except (OSError, http.client.HTTPException) as error:
        return f"{what} at 127.0.0.1:{port}: {error}"
    finally:
        connection.close()
    if answer.status == 200 and seen == generation:
        return ""
    return f"{what} did not take over the new configuration and goes on with the one before"


def _redirect(address: str, port: int, name: str, timeout: float) -> str:
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request("GET", "/", headers={"Host": name})
        answer = connection.getresponse()
        place = answer.getheader("Location") or ""
    except (OSError, http.client.HTTPException) as error:
        return f"http://{name}/ at {address}:{port}: {error}"
    finally:
        connection.close()
    if answer.status == 308 and place.startswith(f"https://{name}"):
        return ""
    return f"http://{name}/ at {address}:{port} leads to {place or 'nothing'} (HTTP {answer.status}) instead of https"


def _page(address: str, port: int, name: str, path: str, timeout: float) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    suffix = "" if port == 443 else f":{port}"
    try:
        answer = request("GET", f"https://{name}{suffix}{path}", context, address=address, timeout=timeout)
    except HttpFailed as error:
        return f"https://{name}{path} at {address}: {error}"
    if answer.status == 200:
        return ""
    why = ": nginx gets no answer from Prosody, is it running?" if answer.status in (502, 504) else ""
    return f"https://{name}{path} at {address}: HTTP {answer.status}{why}"


def _certificate(
    address: str,
    port: int,
    name: str,
    service: str | None,
    timeout: float,
    wanted: Certificate | None = None,
    upgrade: bool = False,
) -> str:
    """upgrade: TLS begins with STARTTLS."""
    what = f"{service or 'https'}{' with STARTTLS' if upgrade else ''} for {name} at {address}:{port}"
    way = {"starttls" if upgrade else "direct": service}
    try:
        served = read_served(address, port, sni=name, to=name, timeout=timeout, **way)
    except TlsProbeError as error:
        return f"{what}: {error.step}: {error.seen}"
    if wanted is not None and served.certificate != wanted:
        return f"{what}: another certificate than the new one is served"
    return "" if covers(served.certificate, name) else f"{what}: the certificate is for other names"
