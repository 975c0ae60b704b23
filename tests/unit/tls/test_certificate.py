# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/tls/certificate.py and der.py against certificates that `cryptography` made."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import certificate, chain_proof, der
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import CertificateError
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

PAIR = material.authority()
LEAF = material.issue(("example.org", "muc.example.org"), by=PAIR.intermediate)
UTC = datetime.timezone.utc
NOBODY_ELSE = chain_proof.Trust()


@pytest.mark.parametrize("kind", material.MAKERS)
def test_every_key_type_is_read_as_cryptography_reads_it(kind):
    issued = material.issue(("Example.org", "*.example.net", "xn--mnchen-3ya.example"), kind=kind)
    theirs, ours = issued.certificate, certificate.parse(issued.der)
    assert ours.der == issued.der
    assert ours.sha256 == hashlib.sha256(issued.der).hexdigest()
    assert ours.subject == theirs.subject.rfc4514_string()
    assert ours.issuer == theirs.issuer.rfc4514_string()
    assert ours.names == ("example.org", "*.example.net", "xn--mnchen-3ya.example")
    assert ours.not_before == theirs.not_valid_before_utc
    assert ours.not_after == theirs.not_valid_after_utc
    assert ours.serial == theirs.serial_number
    key_id = theirs.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert ours.key_id == key_id.hex()
    assert ours.public_key == issued.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert ours.key_type == kind.partition("-")[0]
    assert not ours.is_ca
    assert ours.pem == issued.pem


def test_authorities_and_their_keys_are_told():
    root, middle = (certificate.parse(one.der) for one in (PAIR.root, PAIR.intermediate))
    assert root.is_ca
    assert middle.is_ca
    assert middle.authority_key_id == root.key_id
    assert middle.issuer_der == root.subject_der
    assert certificate.parse(LEAF.der).authority_key_id == middle.key_id


def test_names_of_xmpp_are_read_beside_dns_names():
    others = (
        x509.OtherName(material.XMPP_ADDR, b"\x0c\x10im.example.org\xc3\xa9"),
        x509.OtherName(material.SRV_NAME, b"\x16\x18_xmpp-client.example.org"),
        x509.OtherName(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"),
        x509.RFC822Name("root@example.org"),
        x509.UniformResourceIdentifier("xmpp:example.org"),
    )
    ours = certificate.parse(material.issue(("example.org",), others=others).der)
    assert ours.names == ("example.org",)
    assert ours.xmpp_addresses == ("im.example.org\u00e9",)
    assert ours.srv_names == ("_xmpp-client.example.org",)


@pytest.mark.parametrize(
    "value", ["plain", 'a,b+c"d\\e<f>g;h', " both ", "#hash", "Zürich \u4e2d", "a=b", "x" * 64, "-", "#", " x"]
)
def test_distinguished_names_are_written_as_in_rfc_4514(value):
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CH"),
            x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "example"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, value),
            x509.NameAttribute(NameOID.COMMON_NAME, value),
        ]
    )
    ours = certificate.parse(material.issue(subject=name).der)
    assert ours.subject == name.rfc4514_string()


def test_a_subject_cannot_write_lines_into_a_log():
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "a\nb\x1b[31m")])
    assert certificate.parse(material.issue(subject=name).der).subject == "O=a\\0ab\\1b[31m"


def test_a_certificate_without_names_has_none():
    ours = certificate.parse(material.issue((), subject=x509.Name([])).der)
    assert (ours.names, ours.subject) == ((), "")


@pytest.mark.parametrize("year", [1950, 1999, 2000, 2049, 2050, 2051, 9999])
def test_times_of_both_encodings(year):
    end = datetime.datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    begin = datetime.datetime(1950, 1, 1, tzinfo=UTC)
    assert certificate.parse(material.issue(not_before=begin, not_after=end).der).not_after == end


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("example.org", "example.org", True),
        ("example.org", "EXAMPLE.org.", True),
        ("example.org", "muc.example.org", False),
        ("*.example.org", "muc.example.org", True),
        ("*.example.org", "example.org", False),
        ("*.example.org", "a.muc.example.org", False),
        ("*.example.org", ".example.org", False),
        ("*.example.org", "*.example.org", True),
        ("*.org", "example.org", False),
        ("*", "localhost", False),
        ("m*.example.org", "muc.example.org", False),
        ("muc.*.org", "muc.example.org", False),
        ("xn--mnchen-3ya.example", "m\u00fcnchen.example", True),
        ("*.xn--mnchen-3ya.example", "muc.M\u00fcnchen.example", True),
        ("localhost", "localhost", True),
        ("", "example.org", False),
        ("example.org", "", False),
    ],
)
def test_wildcards_stand_for_one_whole_label(pattern, name, expected):
    assert certificate.name_matches(pattern, name) is expected


def test_the_common_name_alone_covers_nothing():
    cert = certificate.parse(material.issue((), common_name="example.org").der)
    assert not certificate.covers(cert, "example.org")
    assert cert.common_names == ("example.org",)


def test_uncovered_names_are_listed_in_order():
    cert = certificate.parse(LEAF.der)
    assert certificate.uncovered(cert, ["upload.example.org", "example.org", "a.org"]) == (
        "upload.example.org",
        "a.org",
    )


def test_a_chain_is_read_in_the_order_of_the_file(tmp_path):
    path = tmp_path / "fullchain.pem"
    path.write_text("comment\r\n" + LEAF.pem.replace("\n", "\r\n") + "\n# between\n" + PAIR.intermediate.pem)
    chain = certificate.read_chain(path)
    assert [cert.der for cert in chain] == [LEAF.der, PAIR.intermediate.der]
    certificate.check_order(chain)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no certificate in it"),
        ("-----BEGIN CERTIFICATE-----\nAAAA", "no certificate in it"),
        ("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----", "certificate 1 cannot be read"),
        ("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----", "0 parts instead of"),
        (LEAF.pem + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "certificate 2 cannot be read"),
    ],
)
def test_what_is_not_a_chain_is_refused(tmp_path, content, message):
    path = tmp_path / "fullchain.pem"
    path.write_text(content)
    with pytest.raises(CertificateError, match=message):
        certificate.read_chain(path)


def test_a_missing_chain_is_named():
    with pytest.raises(CertificateError, match=r"^/nonexistent: cannot be read: No such file"):
        certificate.read_chain("/nonexistent")


def chain_of(*issued):
    return [certificate.parse(one.der) for one in issued]


def test_the_order_of_a_chain():
    certificate.check_order(chain_of(LEAF))
    certificate.check_order(chain_of(LEAF, PAIR.intermediate))
    certificate.check_order(chain_of(LEAF, PAIR.intermediate, PAIR.root))
    certificate.check_order(chain_of(PAIR.root))
    with pytest.raises(CertificateError, match="begins with the authority 'CN=Test intermediate'"):
        certificate.check_order(chain_of(PAIR.intermediate, LEAF))
    with pytest.raises(CertificateError, match="'CN=Test root' follows"):
        certificate.check_order(chain_of(LEAF, PAIR.root, PAIR.intermediate))
    with pytest.raises(CertificateError, match=r"'CN=example\.org' follows"):
        certificate.check_order(chain_of(LEAF, LEAF))
    namesake = material.issue((), ca=True, common_name="Test intermediate")
    with pytest.raises(CertificateError, match="out of order"):
        certificate.check_order(chain_of(LEAF, namesake))


@pytest.mark.parametrize("kind", material.MAKERS)
def test_a_key_is_matched_to_its_certificate(tmp_path, kind):
    mine, other = material.issue(kind=kind), material.issue(kind=kind)
    certificate.check_pair(*material.write_pair(tmp_path / "right", mine.pem, mine.key_pem()))
    chain, key = material.write_pair(tmp_path / "right", mine.pem, mine.key_pem())
    assert chain_proof.prove(certificate.read_chain(chain), key, chain_proof.Trust(), "it")
    with pytest.raises(CertificateError, match=r"privkey.pem: the key is not that of 'CN=example.org'"):
        certificate.check_pair(*material.write_pair(tmp_path / "wrong", mine.pem, other.key_pem()))


def test_keys_of_different_types_do_not_match(tmp_path):
    mine, other = material.issue(kind="EC"), material.issue(kind="RSA")
    with pytest.raises(CertificateError, match=r"privkey\.pem: the key is not that of"):
        certificate.check_pair(*material.write_pair(tmp_path, mine.pem, other.key_pem()))


def test_a_key_with_a_passphrase_is_refused_without_asking_for_it(tmp_path):
    mine = material.issue()
    with pytest.raises(CertificateError, match="has a passphrase"):
        certificate.check_pair(*material.write_pair(tmp_path, mine.pem, mine.key_pem(b"secret")))


def test_a_key_too_small_for_openssl_is_refused(tmp_path):
    mine = material.issue(key=rsa.generate_private_key(65537, 1024))
    with pytest.raises(CertificateError, match="EE_KEY_TOO_SMALL"):
        certificate.check_pair(*material.write_pair(tmp_path, mine.pem, mine.key_pem()))


@pytest.mark.parametrize(
    "content", ["", "nothing", LEAF.pem, "-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----"]
)
def test_a_file_without_a_key_is_refused_and_not_quoted(tmp_path, content):
    with pytest.raises(CertificateError, match="no usable private key in it") as raised:
        certificate.check_pair(*material.write_pair(tmp_path, LEAF.pem, content))
    assert all(line not in str(raised.value) for line in content.splitlines()[1:-1])


def test_a_missing_key_is_named(tmp_path):
    chain, _key = material.write_pair(tmp_path, LEAF.pem, "")
    with pytest.raises(CertificateError, match="/nonexistent: cannot be read"):
        certificate.check_pair(chain, "/nonexistent")


def prove(tmp_path, fullchain, trust=NOBODY_ELSE):
    chain, key = material.write_pair(tmp_path, fullchain, LEAF.key_pem())
    return chain_proof.prove(certificate.read_chain(chain), key, trust, "it")


def test_a_chain_is_proved_by_a_handshake(tmp_path):
    assert prove(tmp_path, PAIR.fullchain(LEAF) + PAIR.root.pem)
    assert not prove(tmp_path, PAIR.fullchain(LEAF))
    # same name, same key identifier, another key: only the signature tells
    forged = material.issue((), ca=True, common_name="Test intermediate")
    impostor = forged.certificate.public_bytes(serialization.Encoding.PEM).decode()
    with pytest.raises(CertificateError, match="does not verify"):
        prove(tmp_path, LEAF.pem + impostor)


@pytest.mark.parametrize("trusted", [PAIR.root, PAIR.intermediate])
def test_a_leaf_does_not_vouch_for_itself(tmp_path, trusted):
    trust = chain_proof.Trust(certificate.parse_pem(trusted.pem.encode(), "trusted"))
    assert not prove(tmp_path, LEAF.pem)
    assert prove(tmp_path, LEAF.pem, trust) == (trusted is PAIR.intermediate)
    assert prove(tmp_path, PAIR.fullchain(LEAF), trust)


def test_the_authorities_of_the_host_are_trusted(tmp_path, monkeypatch):
    store = tmp_path / "store.pem"
    store.write_text(PAIR.root.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(store))
    assert chain_proof.Trust().has_store
    assert prove(tmp_path, PAIR.fullchain(LEAF))
    assert not prove(tmp_path, LEAF.pem)
    assert not prove(tmp_path, PAIR.fullchain(LEAF), chain_proof.Trust(system=False))


def test_addresses_are_read_and_covered():
    addresses = [x509.IPAddress(ipaddress.ip_address(one)) for one in ("192.0.2.7", "2001:db8::7")]
    leaf = certificate.parse(material.issue(("192.0.2.8",), others=addresses).der)
    assert leaf.addresses == ("192.0.2.7", "2001:db8::7")
    assert certificate.uncovered(leaf, ["192.0.2.7", "2001:DB8:0::7", "192.0.2.8"]) == ("192.0.2.8",)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_certificate_or_a_certificate_error(data):
    with pytest.raises(CertificateError):
        certificate.parse(data)


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_certificate_is_read_or_refused_but_never_crashes(data):
    damaged = bytearray(LEAF.der)
    for _number in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.sampled_from([len(damaged), len(damaged) - 1, 40]))
    try:
        read = certificate.parse(bytes(damaged[:end]))
    except CertificateError:
        return
    assert isinstance(read.names, tuple)
    assert read.not_before.tzinfo is UTC


@given(st.recursive(st.binary(max_size=20), lambda inner: st.lists(inner, max_size=4), max_leaves=12))
def test_what_is_encoded_is_read_back(value):
    def encode(what):
        tag, content = (4, what) if isinstance(what, bytes) else (0x30, b"".join(map(encode, what)))
        size = len(content)
        if size < 128:
            return bytes([tag, size]) + content
        length = size.to_bytes((size.bit_length() + 7) // 8, "big")
        return bytes([tag, 0x80 | len(length)]) + length + content

    def decode(node):
        return node.content if node.tag == 4 else [decode(child) for child in node.children()]

    assert decode(der.read_whole(encode(value))) == value


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no tag and length"),
        (b"\x30", "no tag and length"),
        (b"\x1f\x00", "above 30"),
        (b"\x30\x80\x00\x00", "not DER"),
        (b"\x30\x85\x01\x00\x00\x00\x00", "not DER"),
        (b"\x30\x82\x01", "length cut off"),
        (b"\x30\x81\x05hello", "shortest form"),
        (b"\x30\x82\x00\x85" + b"x" * 133, "shortest form"),
        (b"\x30\x05hi", "5 bytes announced, 2 present"),
        (b"\x30\x00\x00", "1 bytes follow"),
    ],
)
def test_malformed_der_says_what_is_wrong(data, message):
    with pytest.raises(der.DerError, match=message):
        der.read_whole(data)


@pytest.mark.parametrize(
    ("reader", "data"),
    [
        (der.integer, b"\x02\x00"),
        (der.integer, b"\x04\x01\x00"),
        (der.boolean, b"\x01\x02\x00\x00"),
        (der.object_identifier, b"\x06\x01\x80"),
        (der.object_identifier, b"\x06\x00"),
        (der.text, b"\x0c\x01\xff"),
        (der.text, b"\x05\x00"),
        (der.time, b"\x17\x0b9912312359Z"),
        (der.time, b"\x17\x0d991331235959Z"),
        (der.time, b"\x18\x0f20261332000000Z"),
        (der.time, b"\x17\x02\xff\xff"),
        (der.time, b"\x05\x00"),
    ],
)
def test_malformed_values_are_refused(reader, data):
    with pytest.raises(der.DerError):
        reader(der.read_whole(data))


@given(st.integers(-(2**70), 2**70))
def test_integers(value):
    content = value.to_bytes(10, "big", signed=True)
    assert der.integer(der.Node(der.INTEGER, content, b"")) == value


@given(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**40), max_size=6))
def test_object_identifiers(first, second, rest):
    name = ".".join(map(str, (first, second, *rest)))
    encoded = b""
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        encoded += bytes(reversed(groups))
    assert der.object_identifier(der.Node(der.OID, encoded, b"")) == name
