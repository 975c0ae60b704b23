# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looking at what a port serves: the certificate, the protocol and, for XMPP, the stream features after TLS.

No trust is decided here; the certificate is reported whoever signed it.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import (
    Certificate,
    CertificateError,
    a_label,
    parse,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.stream import (
    CONTENT,
    STARTTLS,
    Stream,
    StreamError,
    as_text,
)

TlsProbeError = StreamError


@dataclass(frozen=True)
class Served:
    """What a port showed.

    protocol: such as "TLSv1.3". cipher: OpenSSL's name. features: the stream features after TLS as well-formed XML, ""
    where it is not a client's stream. alpn: the protocol agreed on, or "". chain: all that was served, leaf first; the
    leaf alone where Python cannot tell (before 3.13), as `chain_known` says.
    """

    certificate: Certificate
    protocol: str
    cipher: str
    features: str
    alpn: str = ""
    chain: tuple[Certificate, ...] = ()
    chain_known: bool = False


def read_served(
    host: str,
    port: int,
    *,
    sni: str | None = None,
    starttls: str | None = None,
    direct: str | None = None,
    to: str | None = None,
    timeout: float = 5.0,
) -> Served:
    """What `host`:`port` serves in TLS; raises TlsProbeError.

    sni: server name to send; None sends none.
    starttls: "xmpp-client" or "xmpp-server": the port speaks XMPP and upgrades (RFC 6120 section 5).
    direct: "xmpp-client" or "xmpp-server": TLS at once, carrying XMPP (XEP-0368; its ALPN is offered).
    Neither: plain TLS, such as HTTPS. to: the XMPP domain addressed (default: sni, host). timeout: seconds for all.
    """
    for service in (starttls, direct):
        if service not in (None, *CONTENT):
            raise ValueError(f"{service!r} is neither xmpp-client nor xmpp-server")
    domain = to or sni or host
    context = _any_certificate()
    if direct:
        context.set_alpn_protocols([direct])
    with Stream(host, port, timeout) as probe:
        return _look(probe, context, sni, starttls, direct, domain)


def _any_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _look(
    probe: Stream, context: ssl.SSLContext, name: str | None, starttls: str | None, direct: str | None, domain: str
) -> Served:
    probe.connect()
    if starttls:
        features = probe.open(starttls, domain, "stream before TLS")
        if features.find(f"{{{STARTTLS}}}starttls") is None:
            raise probe.error("stream before TLS", "STARTTLS is not offered; features are " + as_text(features))
        probe.start_tls()
    try:
        label = a_label(name) if name else None
    except CertificateError as error:
        raise probe.error(f"TLS handshake for '{name}'", str(error)) from error
    tls = probe.handshake(context, label)
    # A server that insists on certificates ends the stream of one that shows none: there TLS itself is all to be seen.
    is_client = "xmpp-client" in (starttls, direct)
    features_text = as_text(probe.open("xmpp-client", domain, "stream after TLS")) if is_client else ""
    encoded, cipher = tls.getpeercert(binary_form=True), tls.cipher()
    if not encoded or not cipher:
        raise probe.error("TLS handshake", "no certificate was served")
    whole = tls.get_unverified_chain() if hasattr(tls, "get_unverified_chain") else None
    try:
        chain = tuple(parse(one) for one in whole or [encoded])
    except CertificateError as error:
        raise probe.error("reading the certificate", str(error)) from error
    return Served(
        chain[0],
        tls.version() or "",
        cipher[0],
        features_text,
        tls.selected_alpn_protocol() or "",
        chain,
        whole is not None,
    )
