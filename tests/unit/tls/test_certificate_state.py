# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/tls/certificate_state.py and module certificates_info: every fault planted once and seen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import certificate, chain_proof
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_state import Wanted, examine
from ansible_collections.allthingslinux.xmpp.plugins.modules import certificates_info
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material

NOW, DAY = material.NOW, material.DAY
AUTHORITY = material.authority()
NAMES = ["example.org", "muc.example.org"]


def good(**changes):
    return material.issue(**{"names": ("example.org", "*.example.org"), "by": AUTHORITY.intermediate, **changes})


def state(tmp_path, fullchain, key, now=NOW, **options):
    chain, privkey = material.write_pair(tmp_path, fullchain, key)
    return examine(chain, privkey, Wanted(**{"names": NAMES, "trusted": AUTHORITY.root.pem, **options}), now)


@pytest.mark.parametrize("end", ["", AUTHORITY.root.pem])
def test_a_good_one(tmp_path, end):
    leaf = good()
    found = state(tmp_path, AUTHORITY.fullchain(leaf) + end, leaf.key_pem(), valid_days=30)
    assert (found.problems, found.warnings) == ((), ())
    assert len(found.chain) == (3 if end else 2)


def test_one_that_was_issued_for_too_long(tmp_path):
    """Now is the beginning of the last of its days."""
    leaf = good(not_before=NOW - 367 * DAY, not_after=NOW + DAY)
    assert state(tmp_path, AUTHORITY.fullchain(leaf), leaf.key_pem(), max_days=368).problems == ()
    [problem] = state(tmp_path, AUTHORITY.fullchain(leaf), leaf.key_pem(), max_days=366).problems
    assert problem.endswith("was issued for 368 days, and 366 are the most: have it issued again.")


def test_a_leaf_that_signed_itself_is_whole(tmp_path):
    leaf = material.issue(NAMES)
    assert state(tmp_path, leaf.pem, leaf.key_pem()).problems == ()


@pytest.mark.parametrize("store", [True, False])
def test_without_the_certificates_of_its_issuers_it_is_refused(tmp_path, monkeypatch, store):
    """The root is known and the intermediate is missing, on a host with and without a store of authorities."""
    monkeypatch.setattr(chain_proof.Trust, "has_store", store)
    leaf = good()
    [problem] = state(tmp_path, leaf.pem, leaf.key_pem()).problems
    assert problem.startswith(
        f"{tmp_path / 'fullchain.pem'}: the certificates of its issuers are missing. It was issued by"
    )
    assert "CN=Test intermediate" in problem
    assert state(tmp_path, leaf.pem, leaf.key_pem(), trusted=AUTHORITY.intermediate.pem).problems == ()


@pytest.mark.parametrize("store", [True, False])
def test_an_authority_that_is_not_known_is_a_warning_where_others_are(tmp_path, monkeypatch, store):
    """It may be one of their own, which the clients have; where the host has no store nothing can be told."""
    monkeypatch.setattr(chain_proof.Trust, "has_store", store)
    leaf = good()
    found = state(tmp_path, AUTHORITY.fullchain(leaf), leaf.key_pem(), trusted="")
    assert found.problems == ()
    assert len(found.warnings) == store
    assert all(
        "was issued by CN=Test root, which is no authority that this host trusts" in one for one in found.warnings
    )


def crossed(**times):
    """A root that signs the one the world knows, as authorities do for old clients."""
    old = material.issue((), ca=True, common_name="Old root", **times)
    both = material.issue((), ca=True, common_name="Test root", by=old, key=AUTHORITY.root.key)
    return old, both


def test_a_root_at_the_end_that_has_expired_and_nobody_needs_is_left_out(tmp_path):
    old, both = crossed(not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    leaf = good()
    fullchain = AUTHORITY.fullchain(leaf) + both.pem
    found = state(tmp_path, fullchain + old.pem, leaf.key_pem(), valid_days=30)
    assert found.problems == ()
    assert "".join(one.pem for one in found.chain) == fullchain
    [warning] = found.warnings
    assert "the certificate of the authority CN=Old root in it expired on" in warning
    assert "Nobody needs it, and it is left out" in warning


def test_a_root_at_the_end_that_expires_soon_and_nobody_needs_is_none_of_our_business(tmp_path):
    old, both = crossed(not_after=NOW + 5 * DAY)
    leaf = good()
    found = state(tmp_path, AUTHORITY.fullchain(leaf) + both.pem + old.pem, leaf.key_pem(), valid_days=30)
    assert (found.problems, found.warnings, len(found.chain)) == ((), (), 4)


def test_an_issuer_that_has_expired_is_not_renewed_by_renewing(tmp_path):
    old = material.issue(
        (), ca=True, common_name="Old", by=AUTHORITY.root, not_before=NOW - 9 * DAY, not_after=NOW - DAY
    )
    leaf = good(by=old)
    [problem] = state(tmp_path, leaf.pem + old.pem, leaf.key_pem()).problems
    assert problem.endswith("UTC: get the chain that this authority gives out now.")
    assert "the authority CN=Old in it expired on" in problem


def planted(fault):
    """Return fullchain, key, options and the message (with {file} and {key} for the paths)."""
    leaf = good()
    options: dict[str, Any] = {}
    chain, key = AUTHORITY.fullchain(leaf), leaf.key_pem()
    if fault == "other key":
        key, message = good().key_pem(), "{key}: the key is not that of 'CN=example.org' in {file}."
    elif fault == "name missing":
        options["names"] = [*NAMES, "a.b.example.org", "example.net"]
        message = (
            "{file} is for example.org, *.example.org, and lacks a.b.example.org, example.net: "
            "get one that covers all names."
        )
    elif fault == "no name":
        leaf = good(names=())
        chain, key = AUTHORITY.fullchain(leaf), leaf.key_pem()
        message = (
            "{file} is for no DNS name at all, and lacks example.org, muc.example.org: get one that covers all names."
        )
    elif fault == "expired":
        chain = leaf.pem
        options["now"] = NOW + 61 * DAY
        message = f"{{file}} expired on {NOW + 60 * DAY:%Y-%m-%d %H:%M} UTC: renew it."
    elif fault == "expires soon":
        chain = leaf.pem
        options["valid_days"] = 61
        message = "{file} expires in 60 days, and 61 are asked for: renew it."
    elif fault == "not yet":
        chain = leaf.pem
        options["now"] = NOW - 2 * DAY
        message = f"{{file}} is valid from {NOW - DAY:%Y-%m-%d %H:%M} UTC on only: check the clock."
    elif fault == "issuer expired":
        old = material.issue((), ca=True, common_name="Old", by=AUTHORITY.root, not_after=NOW + DAY)
        leaf = good(by=old)
        chain, key, options = leaf.pem + old.pem, leaf.key_pem(), {"now": NOW + 2 * DAY}
        message = (
            f"{{file}}: the certificate of the authority CN=Old in it expired on {NOW + DAY:%Y-%m-%d %H:%M} UTC: "
            "get the chain that this authority gives out now."
        )
    elif fault == "wrong order":
        chain = AUTHORITY.fullchain(leaf) + AUTHORITY.intermediate.pem
        message = (
            "{file}: out of order: 'CN=Test intermediate' was issued by 'CN=Test root', but 'CN=Test intermediate' "
            "follows; order it leaf first, then each one's issuer."
        )
    elif fault == "other authority":
        options["issuer"] = AUTHORITY.root.pem
        message = "{file} was issued by CN=Test intermediate, not by CN=Test root: have it issued again."
    elif fault == "authority of the same name":
        options["issuer"] = material.authority().intermediate.pem
        message = "{file} was issued by CN=Test intermediate, not by CN=Test intermediate: have it issued again."
    elif fault == "passphrase":
        key = leaf.key_pem(b"secret")
        message = "{key}: the key has a passphrase; give one without, readable by root only."
    else:
        chain, message = "hello", "{file}: no certificate in it (PEM, '-----BEGIN CERTIFICATE-----', expected)."
    return chain, key, options, message


FAULTS = [
    "other key", "name missing", "no name", "expired", "expires soon", "not yet", "issuer expired", "wrong order",
    "other authority", "authority of the same name", "passphrase", "junk",
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(tmp_path, fault):
    chain, key, options, message = planted(fault)
    found = state(tmp_path, chain, key, **options)
    expected = message.format(file=tmp_path / "fullchain.pem", key=tmp_path / "privkey.pem")
    assert list(found.problems) == [expected]


def test_a_signature_that_is_wrong(tmp_path):
    leaf, other = good(), material.authority().intermediate
    stranger = material.issue((), ca=True, common_name="Test intermediate", by=AUTHORITY.root, key=other.key)
    forged = material.issue(("example.org", "*.example.org"), by=stranger)
    # the authority key identifier tells the chain of a stranger already; without one only the signature does
    found = state(tmp_path, forged.pem + AUTHORITY.intermediate.pem, forged.key_pem())
    assert any("out of order" in problem or "does not verify" in problem for problem in found.problems)
    assert state(tmp_path, AUTHORITY.fullchain(leaf), leaf.key_pem()).problems == ()


def test_the_right_authority(tmp_path):
    leaf = good()
    assert state(tmp_path, leaf.pem, leaf.key_pem(), issuer=AUTHORITY.intermediate.pem).problems == ()


def test_several_faults_are_all_told(tmp_path):
    leaf = good(names=("example.org",))
    found = state(tmp_path, leaf.pem, good().key_pem(), now=NOW + 100 * DAY)
    assert len(found.problems) == 3


def test_missing_files(tmp_path):
    found = examine(tmp_path / "a", tmp_path / "b", Wanted(NAMES), NOW)
    assert list(found.problems) == [f"{tmp_path / 'a'}: cannot be read: No such file or directory."]


def test_the_module_with_files_and_with_texts(tmp_path):
    leaf, other = good(), good()
    chain, key = material.write_pair(tmp_path, AUTHORITY.fullchain(leaf), leaf.key_pem())
    result = module_runner.run(
        certificates_info,
        check=True,
        certificates=[
            {
                "name": "one",
                "names": NAMES,
                "fullchain": str(chain),
                "privkey": str(key),
                "authority_text": AUTHORITY.root.pem,
            },
            {
                "name": "two",
                "fullchain": "/controller/two.pem",
                "privkey": "/controller/two.key",
                "fullchain_text": other.pem,
                "privkey_text": leaf.key_pem(),
            },
        ],
        valid_days=30,
    )
    first, second = result["certificates"]
    assert result["changed"] is False
    assert (first["problems"], first["names"]) == ([], ["example.org", "*.example.org"])
    assert first["fullchain"] == AUTHORITY.fullchain(leaf)
    assert first["issuer"] == "CN=Test intermediate"
    assert first["chain"] == AUTHORITY.intermediate.pem + AUTHORITY.root.pem
    assert first["not_after"] == f"{NOW + 60 * DAY:%Y-%m-%dT%H:%M:%SZ}"
    assert len(bytes.fromhex(first["sha256"])) == 32
    told = ["/controller/two.key: the key is not that of 'CN=example.org' in /controller/two.pem."]
    assert second["problems"] == result["problems"] == told
    assert result["unfit"] == ["two"]
    assert "PRIVATE" not in json.dumps(result)


def test_the_module_tells_who_must_not_have_issued_what_is_there(tmp_path):
    leaf = good()
    chain, key = material.write_pair(tmp_path, AUTHORITY.fullchain(leaf), leaf.key_pem())
    there = {"name": "one", "fullchain": str(chain), "privkey": str(key)}
    absent = {"name": "two", "fullchain": str(tmp_path / "a"), "privkey": str(tmp_path / "b")}
    refuse = {"CN=Test intermediate": "it is lost", "CN=Another": "that one, too"}
    result = module_runner.run(certificates_info, certificates=[there, there, absent], refuse_issuers=refuse)
    assert result["refused"] == ["it is lost"]
    assert module_runner.run(certificates_info, certificates=[absent], refuse_issuers=refuse)["refused"] == []
    assert module_runner.run(certificates_info, certificates=[there])["refused"] == []


def test_the_module_with_nothing_there(tmp_path):
    entry = {"name": "x", "fullchain": str(tmp_path / "a"), "privkey": str(tmp_path / "b")}
    result = module_runner.run(certificates_info, certificates=[entry])
    assert result["unfit"] == ["x"]
    assert result["certificates"][0]["sha256"] == ""


def test_the_module_with_an_authority_that_cannot_be_read():
    entry = {"name": "x", "fullchain": "/f", "privkey": "/k", "fullchain_text": good().pem, "privkey_text": ""}
    result = module_runner.run(certificates_info, certificates=[entry], issuer="hello")
    assert result["failed"]
    assert "the certificate authority: no certificate in it" in result["msg"]


def test_the_module_finds_a_key_that_dns_does_not_name(tmp_path, monkeypatch):
    """Before anything is changed: what is given is compared with what is served."""
    served, given = good(), good()
    (tmp_path / "served.pem").write_text(served.pem)
    asked = []

    def held_back(before, after, names, _now):
        asked.append((before.sha256, after.sha256, names))
        return "no record names its key"

    monkeypatch.setattr(certificates_info.vouched, "held_back", held_back)
    entry = {
        "name": "one",
        "names": NAMES,
        "fullchain": "given.pem",
        "privkey": "given.key",
        "fullchain_text": AUTHORITY.fullchain(given),
        "privkey_text": given.key_pem(),
        "authority_text": AUTHORITY.root.pem,
    }
    replaces = {"replaces": str(tmp_path / "served.pem")}
    result = module_runner.run(certificates_info, certificates=[{**entry, **replaces}])
    assert result["problems"] == ["given.pem: no record names its key, and run this again."]
    parsed = [certificate.parse(one.der).sha256 for one in (served, given)]
    assert asked == [(*parsed, NAMES)]
    # who does not go by DANE, and where nothing is served yet
    for more in ({}, {"replaces": str(tmp_path / "absent.pem")}):
        assert module_runner.run(certificates_info, certificates=[{**entry, **more}])["problems"] == []
