# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/tls/certificate_index.py: which file Prosody takes, as core/certmanager.lua decides."""

from __future__ import annotations

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import certificate
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_index import (
    choices,
    identities,
    key_of,
    read_files,
)
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material

ONE = material.issue(("example.org", "*.example.org"), common_name="host.example")
TWO = material.issue(("muc.example.org", "xn--mnchen-3ya.example"))
OLD = material.issue(
    ("example.org",), not_before=material.NOW - 9 * material.DAY, not_after=material.NOW - material.DAY
)


def put(path, issued, before="", key=True):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(before + issued.pem)
    if key:
        key_path = path.with_name(key_of(path.name))
        key_path.write_text("key")


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/certs/example.org.crt", "/certs/example.org.key"),
        ("/certs/example.org/fullchain.pem", "/certs/example.org/privkey.pem"),
        ("/certs/fullchain.crt", "/certs/privkey.key"),
        ("/certs/fullchain.pem.bak", "/certs/privkey.pem.bak"),
    ],
)
def test_where_the_key_of_a_file_is_sought(path, key):
    assert key_of(path) == key


def test_only_what_prosody_would_index_is_read(tmp_path):
    put(tmp_path / "example.org.crt", ONE)
    put(tmp_path / "a" / "fullchain.pem", TWO)
    put(tmp_path / "a" / "b" / "x.crt", TWO)
    put(tmp_path / "a" / "b" / "c" / "too-deep.crt", TWO)
    put(tmp_path / ".hidden" / "x.crt", TWO)
    put(tmp_path / "plain.pem", TWO)
    put(tmp_path / "keyless.crt", TWO, key=False)
    put(tmp_path / "commented.crt", TWO, before="subject: x\n")
    put(tmp_path / "expired.crt", OLD)
    (tmp_path / "broken.crt").write_text("-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n")
    (tmp_path / "broken.key").write_text("key")
    found = read_files(tmp_path, material.NOW)
    assert sorted(path[len(str(tmp_path)) + 1 :] for path in found) == [
        "a/b/x.crt",
        "a/fullchain.pem",
        "example.org.crt",
    ]
    assert read_files(tmp_path / "none", material.NOW) == {}


def test_identities_are_dns_names_and_the_common_name():
    assert identities(certificate.parse(ONE.der)) == {"example.org", "*.example.org", "host.example"}


@pytest.mark.parametrize(
    ("host", "picked"),
    [
        ("example.org", {"one"}),
        ("Example.org", {"one"}),
        ("upload.example.org", {"one"}),
        ("muc.example.org", {"two"}),
        ("a.b.example.org", set()),
        ("host.example", {"one"}),
        ("m\u00fcnchen.example", {"two"}),
        ("other.example", set()),
    ],
)
def test_an_exact_name_comes_before_a_wildcard(host, picked):
    files = {"one": certificate.parse(ONE.der), "two": certificate.parse(TWO.der)}
    assert choices(files, host) == picked


def test_two_files_with_one_name_are_both_choices():
    files = {"one": certificate.parse(ONE.der), "copy": certificate.parse(ONE.der)}
    assert choices(files, "example.org") == choices(files, "x.example.org") == {"one", "copy"}
