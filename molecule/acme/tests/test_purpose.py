# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other servers with certificates as public authorities issue them since 2026: without the purpose "TLS client"."""

from __future__ import annotations

import datetime
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DOMAIN, PEER = "acme.example", "peer.example"
OPEN = (
    f"<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
    f"from='{PEER}' to='{DOMAIN}' version='1.0'>"
)
AUTH = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>"


def signed(subject, key, issuer, issuer_key, *extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]),
        key.public_key(),
        x509.random_serial_number(),
        now - datetime.timedelta(minutes=1),
        now + datetime.timedelta(days=2),
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


@pytest.fixture(scope="module")
def authority(service):
    """The key of an authority that the host trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = signed("peers", key, "peers", key, x509.BasicConstraints(ca=True, path_length=None))
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    path = "/usr/local/share/ca-certificates/peers.crt"
    service.check_output("printf %%s %s > %s && update-ca-certificates 2>&1", pem, path)
    yield key
    service.check_output("rm %s && update-ca-certificates --fresh 2>&1", path)


@pytest.fixture
def shown(tmp_path, address):
    """A function: the other server with a certificate → all that ours says to it."""

    def come(purposes, signer, name=PEER):
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        made = signed(name, key, "peers", signer, names, x509.ExtendedKeyUsage(purposes))
        pem = tmp_path / "peer.pem"
        encoding = serialization.Encoding.PEM
        secret = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        pem.write_bytes(secret + made.public_bytes(encoding))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(pem)
        context.set_alpn_protocols(["xmpp-server"])
        heard = ""
        # through the front door, where servers come in with TLS from the first byte
        plain = socket.create_connection((address, 443), 10)
        with context.wrap_socket(plain, server_hostname=DOMAIN) as stream:
            for text, until in ((OPEN, "</stream:features>"), (AUTH, "/>")):
                stream.sendall(text.encode())
                heard = ""
                while until not in heard and "</stream:stream>" not in heard and (part := stream.recv(4096)):
                    heard += part.decode()
                if "EXTERNAL" not in heard:
                    break
        return heard

    return come


@pytest.mark.parametrize(
    "purposes",
    [[ExtendedKeyUsageOID.SERVER_AUTH], [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]],
    ids=["server", "both"],
)
def test_they_are_let_in_by_their_certificate_whatever_its_purpose(shown, authority, purposes):
    """SASL EXTERNAL (XEP-0178)."""
    assert "<success" in shown(purposes, authority)


def test_those_of_nobody_and_for_another_name_are_not(shown, authority):
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH]
    assert "<success" not in shown(purposes, ec.generate_private_key(ec.SECP256R1()))
    assert "<success" not in shown(purposes, authority, "other.example")
