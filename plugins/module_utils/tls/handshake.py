# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looking at what a port serves: the certificate, the protocol and, for XMPP, the stream features after TLS.

No trust is decided here; the certificate is reported whoever signed it.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import (
    Certificate,
    CertificateError,
    a_label,
    parse,
)

STREAMS = "http://etherx.jabber.org/streams"
STARTTLS = "urn:ietf:params:xml:ns:xmpp-tls"
# ALPN protocol and service name (XEP-0368) → content namespace of the stream (RFC 6120 section 4.8.2)
CONTENT = {"xmpp-client": "jabber:client", "xmpp-server": "jabber:server"}
_MOST_BYTES = 262144


class TlsProbeError(XmppError):
    """A port did not do what was asked; the text says host, port, step and what was seen."""

    def __init__(self, host: str, port: int, step: str, seen: str) -> None:
        super().__init__(f"{host} port {port}: {step}: {seen}")
        self.host, self.port, self.step, self.seen = host, port, step, seen


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
    with _Probe(host, port, time.monotonic() + timeout, timeout) as probe:
        return _look(probe, context, sni, starttls, direct, domain)


def _any_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _look(
    probe: _Probe, context: ssl.SSLContext, name: str | None, starttls: str | None, direct: str | None, domain: str
) -> Served:
    probe.connect()
    if starttls:
        features = probe.open_stream(starttls, domain, "stream before TLS")
        if features.find(f"{{{STARTTLS}}}starttls") is None:
            raise probe.error("stream before TLS", "STARTTLS is not offered; features are " + _text(features))
        probe.start_tls()
    tls = probe.handshake(context, name)
    # A server that insists on certificates ends the stream of one that shows none: there TLS itself is all to be seen.
    is_client = "xmpp-client" in (starttls, direct)
    features_text = _text(probe.open_stream("xmpp-client", domain, "stream after TLS")) if is_client else ""
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


def _parser() -> ElementTree.XMLPullParser[ElementTree.Element]:
    return ElementTree.XMLPullParser(("start", "end"))


class _Probe:
    """One connection with a deadline; every error it raises names host, port and step."""

    def __init__(self, host: str, port: int, deadline: float, timeout: float) -> None:
        self.host, self.port, self.deadline, self.timeout = host, port, deadline, timeout
        self.socket: socket.socket | None = None
        self.parser = _parser()
        self.depth = 0
        self.received = 0
        self.last = b""

    def __enter__(self) -> _Probe:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self.socket is not None:
            self.socket.close()

    def error(self, step: str, seen: str) -> TlsProbeError:
        return TlsProbeError(self.host, self.port, step, seen)

    def _failed(self, step: str, error: OSError) -> TlsProbeError:
        if isinstance(error, socket.timeout):
            return self.error(step, f"no answer within {self.timeout:g} s")
        if isinstance(error, ssl.SSLEOFError):
            return self.error(step, "the connection was closed")
        if isinstance(error, ssl.SSLError) and error.reason:
            return self.error(step, error.reason.replace("_", " ").lower())
        return self.error(step, (error.strerror or str(error) or type(error).__name__).lower())

    def _remaining(self, step: str) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise self.error(step, f"no answer within {self.timeout:g} s")
        return left

    def _ready(self, step: str) -> socket.socket:
        if self.socket is None:
            raise self.error(step, "not connected")
        self.socket.settimeout(self._remaining(step))
        return self.socket

    def connect(self) -> None:
        try:
            self.socket = socket.create_connection((self.host, self.port), timeout=self._remaining("connecting"))
        except (OSError, UnicodeError) as error:
            raise self._failed("connecting", error if isinstance(error, OSError) else OSError(str(error))) from error

    def handshake(self, context: ssl.SSLContext, name: str | None) -> ssl.SSLSocket:
        step = f"TLS handshake for '{name}'" if name else "TLS handshake without a server name"
        plain = self._ready(step)
        try:
            tls = context.wrap_socket(plain, server_hostname=a_label(name) if name else None)
        except OSError as error:
            raise self._failed(step, error) from error
        except (ValueError, CertificateError) as error:
            raise self.error(step, str(error)) from error
        self.socket = tls
        return tls

    def _next(self, step: str) -> ElementTree.Element:
        """The next complete element on the level below the stream's root."""
        while True:
            element = self._parsed(step)
            if element is not None:
                return element
            try:
                data = self._ready(step).recv(16384)
            except OSError as error:
                raise self._failed(step, error) from error
            if not data:
                raise self.error(step, "the connection was closed")
            self.received += len(data)
            self.last = data
            if self.received > _MOST_BYTES:
                raise self.error(step, f"more than {_MOST_BYTES} bytes")
            # RFC 6120 section 11.1 forbids document types, and nothing else could make the parser expand entities
            if b"<!D" in data or b"<!E" in data:
                raise self.error(step, "a document type, which XMPP forbids")
            self.parser.feed(data)

    def _parsed(self, step: str) -> ElementTree.Element | None:
        """The next complete element among what has been fed to the parser."""
        try:
            for event, element in cast(Iterator[tuple[str, ElementTree.Element]], self.parser.read_events()):
                self.depth += 1 if event == "start" else -1
                if self.depth == 0:
                    raise self.error(step, "the stream was closed")
                if event == "end" and self.depth == 1:
                    return element
        except ElementTree.ParseError as error:
            raise self.error(step, f"not XMPP: {self.last[:60]!r}") from error
        return None

    def _element(self, step: str) -> ElementTree.Element:
        element = self._next(step)
        if element.tag == f"{{{STREAMS}}}error":
            raise self.error(step, "stream error " + ", ".join(_condition(child) for child in element))
        return element

    def _send(self, text: str, step: str) -> None:
        try:
            self._ready(step).sendall(text.encode())
        except OSError as error:
            raise self._failed(step, error) from error

    def open_stream(self, service: str, domain: str, step: str) -> ElementTree.Element:
        """Open a stream (RFC 6120 section 4.2) and return the features offered."""
        self.parser = _parser()
        self.depth = 0
        dialback = " xmlns:db='jabber:server:dialback'" if service == "xmpp-server" else ""
        self._send(
            f"<?xml version='1.0'?><stream:stream xmlns='{CONTENT[service]}' xmlns:stream='{STREAMS}'{dialback}"
            f" to={quoteattr(domain)} version='1.0'>",
            step,
        )
        features = self._element(step)
        if features.tag != f"{{{STREAMS}}}features":
            raise self.error(step, f"stream features expected, {_text(features)} came")
        return features

    def start_tls(self) -> None:
        """Ask for TLS (RFC 6120 section 5.4.2) and wait until the server agrees."""
        self._send(f"<starttls xmlns='{STARTTLS}'/>", "STARTTLS")
        answer = self._element("STARTTLS")
        if answer.tag != f"{{{STARTTLS}}}proceed":
            raise self.error("STARTTLS", f"proceed expected, {_text(answer)} came")


def _condition(element: ElementTree.Element) -> str:
    name = element.tag.rpartition("}")[2]
    return f"'{element.text}'" if name == "text" else name


def _text(element: ElementTree.Element) -> str:
    return ElementTree.tostring(element, encoding="unicode")
