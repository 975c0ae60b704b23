# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and keys for tests, made with the `cryptography` package: an implementation that is not ours."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
XMPP_ADDR = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5")
SRV_NAME = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7")

MAKERS: dict[str, Any] = {
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "EC": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EC-P384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "EC-P521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "Ed448": ed448.Ed448PrivateKey.generate,
}


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Any

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def key_pem(self, passphrase: bytes | None = None) -> str:
        protection: Any = (
            serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        )
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
        ).decode()


def issue(
    names: Sequence[str] = ("example.org",),
    *,
    kind: str = "EC",
    by: Issued | None = None,
    ca: bool = False,
    subject: x509.Name | None = None,
    common_name: str | None = None,
    not_before: datetime.datetime = NOW - DAY,
    not_after: datetime.datetime = NOW + 60 * DAY,
    others: Sequence[x509.GeneralName] = (),
    key: Any = None,
) -> Issued:
    """A certificate for `names`, signed by `by` or by itself."""
    key = key or MAKERS[kind]()
    if subject is None:
        subject = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, common_name or (names[0] if names else "nameless"))]
        )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if by:
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()), critical=False
        )
    if names or others:
        alternatives = [x509.DNSName(name) for name in names] + list(others)
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    signer = (by or Issued(None, key)).key  # type: ignore[arg-type]
    digest = None if isinstance(signer, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)) else hashes.SHA256()
    return Issued(builder.sign(signer, digest), key)


@dataclass(frozen=True)
class Authority:
    """A root and an intermediate authority."""

    root: Issued
    intermediate: Issued

    def fullchain(self, leaf: Issued) -> str:
        return leaf.pem + self.intermediate.pem


def authority() -> Authority:
    root = issue((), ca=True, common_name="Test root")
    return Authority(root, issue((), ca=True, common_name="Test intermediate", by=root))


def write_pair(directory: Path, fullchain: str, key: str) -> tuple[Path, Path]:
    """fullchain.pem and privkey.pem (0600) in `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    chain_path, key_path = directory / "fullchain.pem", directory / "privkey.pem"
    chain_path.write_text(fullchain)
    key_path.write_text(key)
    key_path.chmod(0o600)
    return chain_path, key_path
