# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""JIDs, against what Prosody 13 makes of the same texts (recorded in data/jid.json)."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.filter import jid as jid_filters
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import jid, stringprep_profiles
from ansible_collections.allthingslinux.xmpp.plugins.test import jid as jid_test
from hypothesis import given, settings
from hypothesis import strategies as st

RECORDED = json.loads((Path(__file__).parents[1] / "data/jid.json").read_text())


@pytest.mark.parametrize(("text", "strict", "expected"), RECORDED["jid"])
def test_a_jid_is_what_it_is_to_prosody(text: str, strict: bool, expected: Any) -> None:
    # Prosody takes parts that consist of nothing once normalised; no such address can be used
    empties = {"\u00ad@x", "\u200b@x", "\ufeff@x"}
    if expected is False or text in empties or expected[1] == "":
        with pytest.raises(jid.InvalidJid):
            jid.parse(text, strict)
    else:
        found = jid.parse(text, strict)
        assert [found.local, found.domain, found.resource] == expected


@pytest.mark.parametrize(("text", "expected"), RECORDED["saslprep"])
def test_a_password_is_what_it_is_to_prosody(text: str, expected: Any) -> None:
    if expected is False:
        with pytest.raises(stringprep_profiles.StringprepError):
            stringprep_profiles.saslprep(text)
    else:
        assert stringprep_profiles.saslprep(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a@b@c", 'more than one "@"'),
        ("@b", 'nothing stands before the "@"'),
        ("a@", "it has no domain"),
        ("", "it has no domain"),
        ("a/", 'nothing stands after the "/"'),
        ("a b@c", "its local part is not allowed: it holds a space"),
        ("a\u00a0b@c", "it holds a space"),
        ("a'b@c", 'U+0027 "\'" (APOSTROPHE)'),
        ("a\x00@c", "U+0000"),
        ("\u00ad@c", "its local part is empty"),
        ("x" * 1024 + "@c", "1024 bytes long; at most 1023"),
        ("㌀" * 300 + "@c", "3600 bytes long when normalised"),
        ("אa@c", "right to left with letters"),
        ("א1@c", "does not start and end with one"),
        ("a@\ud800", "half of a surrogate pair"),
        ("a@x/\x07", "its resource is not allowed"),
        ("a@x\u2028", "its domain is not allowed"),
        ("\ue000@x", "private use"),
        ("a\u202eb@x", "changes display"),
        ("\U000e0001@x", "it holds the character U+E0001"),
        (5, "A JID must be text, not int"),
    ],
)
def test_the_reason_is_given(text: Any, reason: str) -> None:
    with pytest.raises(jid.InvalidJid) as caught:
        jid.parse(text)
    assert reason in str(caught.value)
    assert str(caught.value).isprintable()


def test_strict_refuses_what_is_newer_than_unicode_3_2() -> None:
    assert jid.parse("\U0001f600@x").local == "\U0001f600"
    with pytest.raises(jid.InvalidJid, match=r"newer than Unicode 3\.2"):
        jid.parse("\U0001f600@x", strict=True)


@settings(deadline=None)
@given(st.text(max_size=30), st.booleans())
def test_parsing_gives_a_jid_or_a_reason_and_is_stable(text: str, strict: bool) -> None:
    try:
        once = jid.parse(text, strict)
    except jid.InvalidJid:
        return
    assert once.domain
    try:
        again = jid.parse(str(once), strict)
    except jid.InvalidJid:
        # what is newer than Unicode 3.2, and a final dot of the domain, are not stable under stringprep
        assert any(unicodedata.ucd_3_2_0.category(character) == "Cn" for character in text) or "." in once.domain
        return
    if all(unicodedata.ucd_3_2_0.category(character) != "Cn" for character in text) and "." not in once.domain:
        assert again == once


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="@/", exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_a_local_part_is_the_same_alone_or_in_a_jid(text: str) -> None:
    try:
        alone = jid.nodeprep(text)
    except jid.InvalidJid:
        with pytest.raises(jid.InvalidJid):
            jid.parse(f"{text}@example.org")
    else:
        assert jid.parse(f"{text}@example.org").local == alone


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Example.ORG", "example.org"),
        ("straße.example", "strasse.example"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_domain_in_ascii(text: str, expected: str) -> None:
    assert jid.domain_to_ascii(text) == expected


@pytest.mark.parametrize("text", ["a..b", "x" * 64 + ".org", ".".join(["x" * 50] * 6), "a@\u2028"])
def test_a_domain_that_dns_cannot_have(text: str) -> None:
    with pytest.raises(jid.InvalidJid):
        jid.domain_to_ascii(text)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("jid_local", "romeo"),
        ("jid_domain", "example.org"),
        ("jid_domain_ascii", "example.org"),
        ("jid_resource", "Phone"),
        ("jid_bare", "romeo@example.org"),
        ("jid_normalize", "romeo@example.org/Phone"),
    ],
)
def test_filters(name: str, expected: str) -> None:
    function = jid_filters.FilterModule().filters()[name]
    assert function("Romeo@Example.org/Phone") == expected
    with pytest.raises(AnsibleFilterError, match="not a valid JID"):
        function("a@b@c")


def test_parts_that_are_absent_are_empty() -> None:
    filters = jid_filters.FilterModule().filters()
    assert [filters[name]("example.org") for name in ("jid_local", "jid_resource")] == ["", ""]
    assert filters["jid_normalize"]("example.org/x") == "example.org/x"


@pytest.mark.parametrize(
    ("value", "bare", "expected"),
    [
        ("romeo@example.org", False, True),
        ("romeo@example.org", True, True),
        ("example.org", False, True),
        ("example.org", True, False),
        ("romeo@example.org/x", False, True),
        ("romeo@example.org/x", True, False),
        ("a@b@c", False, False),
        (5, False, False),
        (None, False, False),
    ],
)
def test_the_test(value: Any, bare: bool, expected: bool) -> None:
    assert jid_test.TestModule().tests()["jid"](value, bare=bare) is expected


def test_the_address_of_an_account_has_a_local_part_and_no_resource() -> None:
    assert jid.account("Alice@Example.org") == jid.Jid("alice", "example.org")
    for text in ("example.org", "alice@example.org/phone", "alice@", "@example.org"):
        with pytest.raises(jid.InvalidJid, match=r"such as alice@example\.org"):
            jid.account(text)


@pytest.mark.parametrize(
    ("domain", "unicode"),
    [
        ("xn--bcher-kva.example", "bücher.example"),
        ("example.org", "example.org"),
        ("bücher.example", "bücher.example"),
        ("xn--\u00fc.example", "xn--\u00fc.example"),
        ("xn--99999999.example", "xn--99999999.example"),
    ],
)
def test_a_domain_of_dns_as_addresses_have_it(domain: str, unicode: str) -> None:
    assert jid.domain_to_unicode(domain) == unicode


def test_a_domain_in_other_letters_is_told_as_dns_has_it() -> None:
    function = jid_filters.FilterModule().filters()["jid_domain_ascii"]
    assert function("romeo@Bücher.example") == "xn--bcher-kva.example"
    with pytest.raises(AnsibleFilterError, match="cannot be used in DNS"):
        function("x" * 64 + ".org")
