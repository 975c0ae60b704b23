# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading X.509 certificates (RFC 5280) with the standard library alone, and judging a certificate with its key.

`parse` and everything below it are pure. Keys are only ever handed to OpenSSL; nothing here keeps or prints one.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import datetime
import hashlib
import ipaddress
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import der

# RFC 4514 section 3: the attribute types with a short name
_ATTRIBUTES = {
    "2.5.4.3": "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
}
_KEY_TYPES = {
    "1.2.840.113549.1.1.1": "RSA",
    "1.2.840.113549.1.1.10": "RSA-PSS",
    "1.2.840.10045.2.1": "EC",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
}
_SUBJECT_KEY_ID, _SUBJECT_ALT_NAME, _BASIC_CONSTRAINTS, _AUTHORITY_KEY_ID = (
    "2.5.29.14",
    "2.5.29.17",
    "2.5.29.19",
    "2.5.29.35",
)
# RFC 6120 section 13.7.1.4 and RFC 4985: names that only XMPP, and only one service, may use
_XMPP_ADDR, _SRV_NAME = "1.3.6.1.5.5.7.8.5", "1.3.6.1.5.5.7.8.7"
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\s*(.*?)-----END CERTIFICATE-----", re.DOTALL)


class CertificateError(XmppError):
    """A certificate, chain or key that cannot be used; the text says which and why."""


@dataclass(frozen=True)
class Certificate:
    """What a certificate says.

    sha256: hex digest of `der`. names: the dNSName entries in lower case, as A-labels, in order; addresses: the
    iPAddress entries as text. Times are in UTC. key_id, authority_key_id: hex, empty when absent. public_key: the
    SubjectPublicKeyInfo, which TLSA records hash.
    """

    der: bytes = field(repr=False)
    sha256: str
    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime.datetime
    not_after: datetime.datetime
    serial: int = 0
    key_id: str = ""
    authority_key_id: str = ""
    is_ca: bool = False
    key_type: str = ""
    common_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    xmpp_addresses: tuple[str, ...] = ()
    srv_names: tuple[str, ...] = ()
    public_key: bytes = field(default=b"", repr=False)
    subject_der: bytes = field(default=b"", repr=False)
    issuer_der: bytes = field(default=b"", repr=False)

    @property
    def pem(self) -> str:
        """The certificate as PEM text."""
        return ssl.DER_cert_to_PEM_cert(self.der)

    @property
    def self_issued(self) -> bool:
        """Whether it names itself as its issuer, as a root does."""
        return self.subject_der == self.issuer_der


def parse(data: bytes) -> Certificate:
    """The certificate whose DER encoding is `data`; raises CertificateError for all else (RFC 5280 section 4.1)."""
    try:
        return _parse(data)
    except CertificateError:
        raise
    except der.DerError as error:
        raise CertificateError(f"not a certificate: {error}") from error


def _parse(data: bytes) -> Certificate:
    signed = der.read_whole(data).expect(der.SEQUENCE, "certificate").children()
    if len(signed) != 3:
        raise CertificateError(f"not a certificate: {len(signed)} parts instead of body, algorithm and signature")
    fields = list(signed[0].expect(der.SEQUENCE, "certificate body").children())
    if fields and fields[0].tag == 0xA0:  # version, absent in version 1
        fields.pop(0)
    if len(fields) < 6:
        raise CertificateError("not a certificate: its body is too short")
    serial, _algorithm, issuer, validity, subject, public_key = fields[:6]
    times = validity.expect(der.SEQUENCE, "validity").children()
    if len(times) != 2:
        raise CertificateError("not a certificate: validity has not two times")
    extensions: dict[str, der.Node] = {}
    for extra in fields[6:]:
        if extra.tag == 0xA3:
            extensions = _extensions(extra)
    dns, addresses, xmpp, srv = _alternative_names(extensions.get(_SUBJECT_ALT_NAME))
    return Certificate(
        der=data,
        sha256=hashlib.sha256(data).hexdigest(),
        subject=_distinguished_name(subject),
        issuer=_distinguished_name(issuer),
        names=dns,
        not_before=der.time(times[0]),
        not_after=der.time(times[1]),
        serial=der.integer(serial),
        key_id=_key_id(extensions.get(_SUBJECT_KEY_ID)),
        authority_key_id=_authority_key_id(extensions.get(_AUTHORITY_KEY_ID)),
        is_ca=_is_ca(extensions.get(_BASIC_CONSTRAINTS)),
        key_type=_key_type(public_key),
        common_names=_common_names(subject),
        addresses=addresses,
        xmpp_addresses=xmpp,
        srv_names=srv,
        public_key=public_key.whole,
        subject_der=subject.whole,
        issuer_der=issuer.whole,
    )


def _extensions(wrapper: der.Node) -> dict[str, der.Node]:
    """Extension identifier → the element its value holds; values that are not DER are left out."""
    found = {}
    for extension in wrapper.only_child("extensions").expect(der.SEQUENCE, "extensions").children():
        parts = extension.expect(der.SEQUENCE, "extension").children()
        if len(parts) not in (2, 3):
            raise der.DerError("extension: identifier and value expected")
        name = der.object_identifier(parts[0])
        if name in (_SUBJECT_KEY_ID, _SUBJECT_ALT_NAME, _BASIC_CONSTRAINTS, _AUTHORITY_KEY_ID):
            found[name] = der.read_whole(parts[-1].expect(der.OCTET_STRING, "extension value").content)
    return found


def _alternative_names(
    node: der.Node | None,
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """dNSName, iPAddress, id-on-xmppAddr and SRVName entries of a subjectAltName."""
    dns: list[str] = []
    addresses: list[str] = []
    xmpp: list[str] = []
    srv: list[str] = []
    for name in node.expect(der.SEQUENCE, "subjectAltName").children() if node else ():
        if name.tag == 0x82:
            dns.append(name.content.decode("ascii", "backslashreplace").lower())
        elif name.tag == 0x87:
            with contextlib.suppress(ValueError):  # neither 4 nor 16 bytes: no address of a host
                addresses.append(str(ipaddress.ip_address(name.content)))
        elif name.tag == 0xA0:
            parts = name.children()
            if len(parts) != 2 or parts[1].tag != 0xA0:
                raise der.DerError("otherName: type and value expected")
            kind = der.object_identifier(parts[0])
            if kind in (_XMPP_ADDR, _SRV_NAME):
                value = der.text(parts[1].only_child("otherName"))
                (xmpp if kind == _XMPP_ADDR else srv).append(value)
    return tuple(dns), tuple(addresses), tuple(xmpp), tuple(srv)


def _key_id(node: der.Node | None) -> str:
    return node.expect(der.OCTET_STRING, "subjectKeyIdentifier").content.hex() if node else ""


def _authority_key_id(node: der.Node | None) -> str:
    for part in node.expect(der.SEQUENCE, "authorityKeyIdentifier").children() if node else ():
        if part.tag == 0x80:
            return part.content.hex()
    return ""


def _is_ca(node: der.Node | None) -> bool:
    parts = node.expect(der.SEQUENCE, "basicConstraints").children() if node else ()
    return bool(parts) and parts[0].tag == der.BOOLEAN and der.boolean(parts[0])


def _key_type(node: der.Node) -> str:
    parts = node.expect(der.SEQUENCE, "public key").children()
    if not parts or not (algorithm := parts[0].expect(der.SEQUENCE, "public key algorithm").children()):
        raise der.DerError("public key: algorithm expected")
    name = der.object_identifier(algorithm[0])
    return _KEY_TYPES.get(name, name)


def _distinguished_name(node: der.Node) -> str:
    """The name as text, most specific part first (RFC 4514)."""
    parts = []
    for relative in node.expect(der.SEQUENCE, "name").children():
        pairs = []
        for attribute in relative.expect(der.SET, "relative name").children():
            pair = attribute.expect(der.SEQUENCE, "attribute").children()
            if len(pair) != 2:
                raise der.DerError("attribute: type and value expected")
            kind = der.object_identifier(pair[0])
            try:
                value = _escaped(der.text(pair[1]))
            except der.DerError:
                value = "#" + pair[1].whole.hex()
            pairs.append(f"{_ATTRIBUTES.get(kind, kind)}={value}")
        parts.append("+".join(pairs))
    return ",".join(reversed(parts))


def _common_names(node: der.Node) -> tuple[str, ...]:
    """The CN values of a name: no client looks at them any more, but Prosody does when it picks a file for a host."""
    pairs = [attribute.children() for relative in node.children() for attribute in relative.children()]
    found = []
    for kind, value in pairs:
        if der.object_identifier(kind) == "2.5.4.3":
            with contextlib.suppress(der.DerError):
                found.append(der.text(value))
    return tuple(found)


def _escaped(value: str) -> str:
    """A value as RFC 4514 section 2.4 writes it; other control characters escaped too, for this goes into logs."""
    value = re.sub(r'([\\,+"<>;])', r"\\\1", value)
    value = re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\{ord(match[0]):02x}", value)
    if value.startswith(("#", " ")):
        value = "\\" + value
    if value.endswith(" ") and len(value) > 1:
        value = value[:-1] + "\\ "
    return value


def parse_pem(data: bytes, where: str) -> tuple[Certificate, ...]:
    """The certificates of a PEM file's bytes, in the order of the file; raises CertificateError naming `where`."""
    found = []
    for number, match in enumerate(_PEM.finditer(data), start=1):
        try:
            found.append(parse(base64.b64decode(b"".join(match[1].split()), validate=True)))
        except (binascii.Error, CertificateError) as error:
            raise CertificateError(f"{where}: certificate {number} cannot be read: {error}") from error
    if not found:
        raise CertificateError(f"{where}: no certificate in it (PEM, '-----BEGIN CERTIFICATE-----', expected)")
    return tuple(found)


def read_chain(path: str | Path) -> tuple[Certificate, ...]:
    """The certificates of a PEM file, the leaf first when the file is as TLS wants it; raises CertificateError."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise CertificateError(f"{path}: cannot be read: {error.strerror}") from error
    return parse_pem(data, str(path))


def a_label(name: str) -> str:
    """A DNS name as certificates and TLS carry it: lower case, A-labels, no final dot; raises CertificateError."""
    name = name.rstrip(".")
    if name.isascii():
        return name.lower()
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise CertificateError(f"'{name}' is not a DNS name: {error}") from error


def name_matches(pattern: str, name: str) -> bool:
    """Whether a dNSName covers a DNS name: equal, or '*' standing for exactly the left-most label (RFC 6125 6.4.3)."""
    pattern, name = pattern.rstrip(".").lower(), a_label(name)
    if not name or not pattern:
        return False
    if pattern == name:
        return True
    first, dot, parent = pattern.partition(".")
    label, _dot, rest = name.partition(".")
    # a star over a whole top-level domain would be accepted by no client
    return first == "*" and bool(dot) and "." in parent and rest == parent and label not in ("", "*")


def address_of(name: str) -> str:
    """The normal form of an IP address; nothing when `name` is none."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return ""


def covers(cert: Certificate, name: str) -> bool:
    """Whether a client may take `cert` for a DNS name or address; only subjectAltName counts (RFC 6125, RFC 9525)."""
    address = address_of(name)
    if address:
        return address in cert.addresses
    return any(name_matches(pattern, name) for pattern in cert.names)


def uncovered(cert: Certificate, names: Sequence[str]) -> tuple[str, ...]:
    """Those of `names` that `cert` does not cover."""
    return tuple(name for name in names if not covers(cert, name))


def check_order(chain: Sequence[Certificate], where: str = "the chain") -> None:
    """Leaf first, each certificate followed by its issuer (RFC 8446 4.4.2); raises CertificateError with advice."""
    if chain[0].is_ca and len(chain) > 1:
        raise CertificateError(
            f"{where}: it begins with the authority '{chain[0].subject}'; the server's own certificate comes first"
        )
    for below, above in zip(chain, chain[1:]):
        if below.issuer_der != above.subject_der or (
            below.authority_key_id and above.key_id and below.authority_key_id != above.key_id
        ):
            raise CertificateError(
                f"{where}: out of order: '{below.subject}' was issued by '{below.issuer}', "
                f"but '{above.subject}' follows; order it leaf first, then each one's issuer"
            )


def check_pair(fullchain_path: str | Path, key_path: str | Path) -> None:
    """That OpenSSL loads the pair and the key belongs to the first certificate; raises CertificateError.

    A key with a passphrase is refused (a server that starts by itself has nobody to ask), as is one that OpenSSL finds
    too small.
    """
    chain = read_chain(fullchain_path)
    try:
        encrypted = b"ENCRYPTED" in Path(key_path).read_bytes()
    except OSError as error:
        raise CertificateError(f"{key_path}: cannot be read: {error.strerror}") from error
    if encrypted:
        raise CertificateError(f"{key_path}: the key has a passphrase; give one without, readable by root only")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # the callback keeps OpenSSL from asking on a terminal
        context.load_cert_chain(str(fullchain_path), str(key_path), password=lambda: "")
    except ssl.SSLError as error:
        if error.reason in ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"):
            why = f"the key is not that of '{chain[0].subject}' in {fullchain_path}"
        elif error.reason in ("NO_START_LINE", "UNSUPPORTED", "PEM_LIB") or not error.reason:
            why = "no usable private key in it (PEM, '-----BEGIN PRIVATE KEY-----', expected)"
        else:
            why = f"OpenSSL refuses it together with {fullchain_path}: {error.reason}"
        raise CertificateError(f"{key_path}: {why}") from error
