# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SCRAM verifiers, against Prosody's own (recorded in data/jid.json) and the examples of the RFCs."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.filter.scram_verifier import FilterModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import scram
from hypothesis import given, settings
from hypothesis import strategies as st

RECORDED = json.loads((Path(__file__).parents[1] / "data/jid.json").read_text())["scram"]


@pytest.mark.parametrize(("hash_name", "password", "salt", "iterations", "expected"), RECORDED)
def test_the_keys_are_those_of_prosody(
    hash_name: str, password: str, salt: str, iterations: int, expected: list[str]
) -> None:
    found = scram.verifier(password, salt, iterations, hash_name)
    assert [found.stored_key, found.server_key] == expected
    assert scram.hash_of(found.stored_key) == hash_name


def test_the_exchange_of_rfc_7677() -> None:
    # RFC 7677, section 3: user "user", password "pencil"; its salt is binary, so the keys are made here
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
    message = (
        b"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    signature = base64.b64encode(hmac.digest(server_key, message, "sha256"))
    assert signature == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_a_password_is_recognised() -> None:
    known = scram.verifier("pencil", "salt", 4096)
    assert scram.matches("pencil", known)
    assert scram.matches("pen\u00adcil", known)
    assert not scram.matches("pencil ", known)


@settings(max_examples=30, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30),
    st.sampled_from(["SHA-1", "SHA-256"]),
)
def test_the_text_form_holds_everything(salt: str, hash_name: str) -> None:
    key = "ab" * scram.HASHES[hash_name][1]
    known = scram.Verifier(key, key, salt, 4096, hash_name)
    assert scram.parse(f" {known}\n") == known


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "cannot be read: expected SCRAM-SHA-256"),
        ("md5abc", "cannot be read: expected"),
        ("SCRAM-SHA-512$4096:c2FsdA==$YQ==:YQ==", "cannot be read: expected"),
        ("SCRAM-SHA-256$0:c2FsdA==$YQ==:YQ==", "cannot be read: expected"),
        ("SCRAM-SHA-256$4096:c2FsdA$YQ==:YQ==", "is not base64"),
        ("SCRAM-SHA-256$4096:c2FsdA==$YQ==:YQ==", "32 bytes long"),
        (f"SCRAM-SHA-1$4095:c2FsdA==${'A' * 27}=:{'A' * 27}=", "4095 iterations are fewer than 4096"),
        (f"SCRAM-SHA-1$4096:/w==${'A' * 27}=:{'A' * 27}=", "this salt is not text"),
        (f"SCRAM-SHA-1$4096:AA==${'A' * 27}=:{'A' * 27}=", "this salt is not text"),
    ],
)
def test_a_verifier_that_cannot_be_used(text: str, reason: str) -> None:
    with pytest.raises(scram.ScramError, match=reason) as caught:
        scram.parse(text)
    assert not text or text not in str(caught.value)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(scram.ScramError):
        scram.parse(f"SCRAM-SHA-256${text}")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "it is empty"),
        ("\u00ad", "it is empty"),
        ("a\x07b", "a control character|mind control characters"),
        ("x" * 1024, "length"),
        ("\ue000", "private use"),
        ("אa", "direction"),
    ],
)
def test_a_password_that_cannot_be_used(password: str, reason: str) -> None:
    with pytest.raises(scram.ScramError, match=reason) as caught:
        scram.verifier(password, "salt", 4096)
    # not even a character of it is told
    assert "U+" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("p", "s", 4096, "MD5"), 'no SCRAM hash "MD5"'),
        (("p", "s", 0), "at least one iteration"),
        (("p", "", 4096), "needs a salt"),
    ],
)
def test_parameters_that_cannot_be(arguments: tuple, reason: str) -> None:
    with pytest.raises(scram.ScramError, match=reason):
        scram.verifier(*arguments)


def test_nothing_shows_the_keys() -> None:
    known = scram.verifier("pencil", "salt", 4096)
    assert known.stored_key not in repr(known)


def test_hash_of_unknown_length() -> None:
    assert scram.hash_of("abc") is None


def test_filter() -> None:
    function = FilterModule().filters()["scram_verifier"]
    assert scram.parse(function("pencil", "salt")) == scram.verifier("pencil", "salt", 10000)
    assert function("pencil", "salt") == function("pencil", "salt", iterations=10000, hash="SHA-256")
    with pytest.raises(AnsibleFilterError, match="at least 4096 iterations"):
        function("pencil", "salt", 100)
    with pytest.raises(AnsibleFilterError, match="empty"):
        function("", "salt")
