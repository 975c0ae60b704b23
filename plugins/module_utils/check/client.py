# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real client, signed in: connect, send, wait for what comes, read the archive.

Used by the checks, the end-to-end tests and the login round trip of monitoring. TLS is always verified, the mechanism
is always of the SCRAM family, and every wait is bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import explain, require
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stanzas import (
    NS_CLIENT,
    NS_FORM,
    NS_FORWARD,
    NS_MAM,
    NS_RSM,
    NS_SASL,
    NS_STREAM,
    NS_TLS,
    Match,
    StanzaRefused,
    namespace_of,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

try:
    import slixmpp
    from slixmpp.exceptions import IqError, IqTimeout

    MISSING = ""
except ImportError as error:
    MISSING = str(error)

logging.getLogger("slixmpp").addHandler(logging.NullHandler())

SCRAM = {f"SCRAM-{hash_name}{plus}" for hash_name in ("SHA-1", "SHA-256", "SHA-512") for plus in ("", "-PLUS")}

# How signing in can fail
KINDS = (
    "unresolved",
    "unreachable",
    "timeout",
    "host_unknown",
    "no_starttls",
    "certificate",
    "tls",
    "mechanism",
    "credentials",
    "closed",
)


class SignInFailed(XmppError):
    """No session. `kind` is one of KINDS."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class NoAnswer(XmppError):
    """Nothing came in the time allowed."""


@dataclass(frozen=True)
class Account:
    """Bare JID and password; the password never shows in a repr."""

    jid: str
    password: str = field(repr=False)

    @property
    def name(self) -> str:
        """The part before the @."""
        return self.jid.partition("@")[0]

    @property
    def domain(self) -> str:
        """The part after the @."""
        return self.jid.partition("@")[2]


@dataclass(frozen=True)
class Archived:
    """A message as the archive gives it back (XEP-0313): its archive id, and the message itself."""

    id: str
    message: ET.Element


def verified_context(ca: str | None) -> ssl.SSLContext:
    """A TLS context that checks chain and name against `ca` (path of a PEM bundle), or against the system's when None.

    Raises SignInFailed("certificate") when the bundle cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=ca or None)
    except (OSError, ssl.SSLError) as error:
        raise SignInFailed("certificate", f"the CA bundle {ca} cannot be read: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def connect(
    account: Account,
    address: str,
    port: int,
    *,
    direct_tls: bool = False,
    ca: str | None = None,
    timeout: float = 15.0,
) -> Client:
    """Sign in at address:port as a client does, over STARTTLS or direct TLS, verified for the account's domain.

    Returns the session with its presence not yet sent. Raises SignInFailed.
    """
    require("slixmpp", MISSING)
    client = Client(account, verified_context(ca), timeout)
    try:
        await client.sign_in(address, port, direct_tls)
    except BaseException:
        await client.close()
        raise
    return client


class Client:
    """A session. Made by connect()."""

    def __init__(self, account: Account, context: ssl.SSLContext, timeout: float) -> None:
        self.account = account
        self.timeout = timeout
        self.seconds = 0.0
        self.tls_version = ""
        self.mechanism = ""
        self.offered: tuple[str, ...] = ()
        self.offered_in_clear: tuple[str, ...] = ()
        self.stream_features: frozenset[str] = frozenset()
        self._encrypted = False
        self._starttls_offered = False
        self._direct_tls = False
        self._waiting: list[tuple[Match, asyncio.Future[ET.Element]]] = []
        self._collecting: list[tuple[Match, list[ET.Element]]] = []
        self._signed_in: asyncio.Future[None] | None = None
        resource = f"check-{secrets.token_hex(4)}"
        self._xmpp: Any = slixmpp.ClientXMPP(f"{account.jid}/{resource}", account.password, ssl_context=context)
        self._xmpp.plugin["feature_mechanisms"].use_mechs = set(SCRAM)
        self._xmpp.add_filter("in", self._came)

    # Signing in

    async def sign_in(self, address: str, port: int, direct_tls: bool) -> None:
        """What connect() does after the set-up. Raises SignInFailed."""
        xmpp = self._xmpp
        xmpp.enable_direct_tls, xmpp.enable_starttls = direct_tls, not direct_tls
        if direct_tls:  # XEP-0368: at a port that serves others too, this says who is meant
            xmpp.ssl_context.set_alpn_protocols(["xmpp-client"])
        self._direct_tls = direct_tls
        self._signed_in = asyncio.get_running_loop().create_future()
        for event, handler in (
            ("session_start", self._started),
            ("connection_failed", self._unreachable),
            ("ssl_invalid_chain", self._untrusted),
            ("failed_auth", self._refused),
            ("no_auth", self._no_mechanism),
            ("stream_error", self._stream_error),
            ("disconnected", self._disconnected),
        ):
            xmpp.add_event_handler(event, handler)
        began = time.monotonic()
        try:
            await asyncio.wait_for(asyncio.get_running_loop().getaddrinfo(address, port), self.timeout)
            xmpp.connect(address, port)
            await asyncio.wait_for(self._signed_in, self.timeout)
        except socket.gaierror as error:
            raise SignInFailed("unresolved", f"the name {address} has no address: {explain(error)}") from None
        except asyncio.TimeoutError:
            raise SignInFailed("timeout", self._progress()) from None
        self.seconds = time.monotonic() - began

    def _progress(self) -> str:
        """How far a sign-in came that did not end in time."""
        if not self._xmpp.is_connected():
            return f"no connection within {self.timeout:g} s"
        if not self.offered and not self._starttls_offered:
            return f"connected, but no XMPP stream within {self.timeout:g} s"
        return f"the stream opened, but signing in did not end within {self.timeout:g} s"

    def _fail(self, kind: str, text: str) -> None:
        if self._signed_in is not None and not self._signed_in.done():
            self._signed_in.set_exception(SignInFailed(kind, text))

    def _started(self, _event: Any) -> None:
        tls = self._xmpp.socket
        if not isinstance(tls, (ssl.SSLObject, ssl.SSLSocket)):
            self._fail("tls", "the server let the account in without TLS")
            return
        mechanism = self._xmpp.plugin["feature_mechanisms"].mech
        if not getattr(mechanism, "_mutual_auth", False):
            self._fail("mechanism", "the server did not prove that it knows the account (no SCRAM server signature)")
            return
        self.tls_version = tls.version() or ""
        self.mechanism = mechanism.name
        if self._signed_in is not None and not self._signed_in.done():
            self._signed_in.set_result(None)

    def _unreachable(self, error: Any) -> None:
        if isinstance(error, ssl.SSLError):
            self._untrusted(error)
        else:
            self._fail("unreachable", explain(error) if isinstance(error, BaseException) else str(error))

    def _untrusted(self, error: ssl.SSLError) -> None:
        if isinstance(error, ssl.SSLCertVerificationError):
            self._fail("certificate", f"the certificate cannot be trusted: {explain(error)}")
        else:
            self._fail("tls", f"TLS handshake failed: {explain(error)}")

    def _refused(self, failure: Any) -> None:
        text = f" ({failure['text']})" if failure["text"] else ""
        kind = "credentials" if failure["condition"] in ("not-authorized", "account-disabled") else "mechanism"
        self._fail(kind, f"the server refused the sign-in: {failure['condition']}{text}")

    def _no_mechanism(self, _event: Any) -> None:
        if not self._encrypted:
            self._fail("no_starttls", "the server does not offer STARTTLS")
        else:
            self._fail("mechanism", f"no SCRAM mechanism among those offered: {', '.join(self.offered) or 'none'}")

    def _stream_error(self, error: Any) -> None:
        text = f" ({error['text']})" if error["text"] else ""
        kind = "host_unknown" if error["condition"] == "host-unknown" else "closed"
        if error["condition"] == "undefined-condition" and not (self._direct_tls or self._encrypted):
            # Prosody's way to say that without TLS there is nothing it could offer
            kind = "no_starttls"
        self._fail(kind, f"stream error {error['condition']}{text}")

    def _disconnected(self, reason: Any) -> None:
        if isinstance(reason, ssl.SSLError):
            self._untrusted(reason)
        why = explain(reason) if isinstance(reason, BaseException) else str(reason or "")
        self._fail("closed", "the server closed the connection" + (f": {why}" if why else ""))
        for _match, future in self._waiting:
            if not future.done():
                future.set_exception(NoAnswer("the server closed the connection"))
        self._waiting.clear()

    # Stanzas

    def _came(self, stanza: Any) -> Any:
        """Sees every element of the stream before slixmpp handles it."""
        xml: ET.Element = stanza.xml
        if xml.tag == f"{{{NS_STREAM}}}features":
            self._features(xml)
        for match, found in self._collecting:
            if match(xml):
                found.append(xml)
        for entry in list(self._waiting):
            match, future = entry
            if future.done():
                self._waiting.remove(entry)
            elif match(xml):
                future.set_result(xml)
                self._waiting.remove(entry)
        return stanza

    def _features(self, xml: ET.Element) -> None:
        mechanisms = tuple(item.text or "" for item in xml.iter(f"{{{NS_SASL}}}mechanism"))
        self._encrypted = isinstance(self._xmpp.socket, (ssl.SSLObject, ssl.SSLSocket))
        if self._encrypted:
            self.offered = self.offered or mechanisms
            self.stream_features = frozenset(namespace_of(item.tag) for item in xml)
        else:
            self.offered_in_clear = mechanisms
            self._starttls_offered = xml.find(f"{{{NS_TLS}}}starttls") is not None

    @property
    def jid(self) -> str:
        """The full JID that the server bound."""
        return str(self._xmpp.boundjid.full)

    def available(self) -> None:
        """Send presence, so that messages to the bare JID come here too."""
        self._xmpp.send_presence(ppriority=10)

    def send(self, stanza: ET.Element) -> None:
        """Send one stanza, as it is."""
        self._xmpp.send_xml(stanza)

    def send_message(self, to: str, body: str, kind: str = "chat") -> str:
        """Send a message; returns the id it was given."""
        message_id = secrets.token_hex(8)
        message = ET.Element(f"{{{NS_CLIENT}}}message", {"to": to, "type": kind, "id": message_id})
        ET.SubElement(message, f"{{{NS_CLIENT}}}body").text = body
        self.send(message)
        return message_id

    def expect(self, match: Match) -> asyncio.Future[ET.Element]:
        """A future for the next stanza that matches. Ask before sending what provokes it, then await receive()."""
        future: asyncio.Future[ET.Element] = asyncio.get_running_loop().create_future()
        self._waiting.append((match, future))
        return future

    async def receive(self, expected: asyncio.Future[ET.Element], what: str) -> ET.Element:
        """The expected stanza. Raises NoAnswer naming `what` after the timeout."""
        try:
            return await asyncio.wait_for(expected, self.timeout)
        except asyncio.TimeoutError:
            raise NoAnswer(f"no {what} within {self.timeout:g} s") from None

    @contextlib.contextmanager
    def collecting(self, match: Match) -> Iterator[list[ET.Element]]:
        """The list of all stanzas that match while the block runs."""
        entry: tuple[Match, list[ET.Element]] = (match, [])
        self._collecting.append(entry)
        try:
            yield entry[1]
        finally:
            self._collecting.remove(entry)

    async def query(self, to: str, payload: ET.Element, kind: str = "get") -> ET.Element:
        """Send an IQ and return the answering IQ. Raises StanzaRefused or NoAnswer."""
        iq = self._xmpp.Iq()
        iq["type"] = kind
        iq["to"] = to
        iq.append(payload)
        try:
            reply = await iq.send(timeout=self.timeout)
        except IqError as error:
            raise StanzaRefused(error.condition, error.text) from None
        except IqTimeout:
            raise NoAnswer(f"no answer from {to} within {self.timeout:g} s") from None
        answer: ET.Element = reply.xml
        return answer

    # Archive

    async def archive(self, *, with_jid: str = "", ids: Sequence[str] = (), limit: int = 20) -> list[Archived]:
        """The newest messages of the account's own archive, oldest first (XEP-0313).

        `with_jid` keeps those exchanged with one JID, `ids` those with these archive ids.
        Raises StanzaRefused, NoAnswer.
        """
        query_id = secrets.token_hex(4)
        query = ET.Element(f"{{{NS_MAM}}}query", {"queryid": query_id})
        form = ET.SubElement(query, f"{{{NS_FORM}}}x", {"type": "submit"})
        for name, values in (("FORM_TYPE", [NS_MAM]), ("with", [with_jid] if with_jid else []), ("ids", list(ids))):
            if values:
                entry = ET.SubElement(form, f"{{{NS_FORM}}}field", {"var": name})
                for value in values:
                    ET.SubElement(entry, f"{{{NS_FORM}}}value").text = value
        page = ET.SubElement(query, f"{{{NS_RSM}}}set")
        ET.SubElement(page, f"{{{NS_RSM}}}max").text = str(limit)
        ET.SubElement(page, f"{{{NS_RSM}}}before")

        def is_result(xml: ET.Element) -> bool:
            result = xml.find(f"{{{NS_MAM}}}result")
            return result is not None and result.get("queryid") == query_id

        with self.collecting(is_result) as found:
            await self.query(self.account.jid, query, "set")
        results = []
        for xml in found:
            result = xml.find(f"{{{NS_MAM}}}result")
            message = xml.find(f".//{{{NS_FORWARD}}}forwarded/{{{NS_CLIENT}}}message")
            if result is not None and message is not None:
                results.append(Archived(result.get("id", ""), message))
        return results

    async def close(self) -> None:
        """Sign out; never raises, takes a second at most."""
        xmpp = self._xmpp
        xmpp.cancel_connection_attempt()
        with contextlib.suppress(Exception):
            if xmpp.is_connected():
                await asyncio.wait_for(xmpp.disconnect(wait=0.5, ignore_send_queue=False), 1.0)
        with contextlib.suppress(Exception):
            xmpp.abort()
        sender = getattr(xmpp, "_run_out_filters", None)
        if sender is not None:
            sender.cancel()
