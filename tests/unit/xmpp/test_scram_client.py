# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client's side of SCRAM: the example of the RFC, refusals, and the same keys as a verifier has."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import scram
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.scram import ScramError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.scram_client import MECHANISMS, ScramClient


def test_scram_is_that_of_the_rfc() -> None:
    """RFC 7677 section 3."""
    scram = ScramClient("SCRAM-SHA-256", "user", "pencil", "rOprNGfwEbeRWgbNEkqO")
    assert scram.first() == "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    challenge = f"r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    assert scram.final(challenge) == f"c=biws,r={nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    scram.prove_server("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    with pytest.raises(ScramError, match="prove"):
        scram.prove_server("v=AAAA")


@pytest.mark.parametrize("challenge", ["r=other,s=QQ==,i=1", "r=mine,s=QQ==,i=1", "s=QQ==,i=1", "r=mine2,s=QQ==,i=x"])
def test_a_bad_challenge_is_refused(challenge: str) -> None:
    with pytest.raises(ScramError):
        ScramClient("SCRAM-SHA-1", "u", "p", "mine").final(challenge)


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("password", ["pencil", "I\u00adX", "\u00aa", "a\u00a0b"])
def test_a_password_is_prepared_as_the_server_prepared_it(mechanism: str, password: str) -> None:
    """SASLprep (RFC 4013): what a verifier was made of proves itself, also where its spelling is another one."""
    known = scram.verifier(password, "salt", 4096, mechanism.removeprefix("SCRAM-"))
    algorithm = scram.HASHES[known.hash][0]
    client = ScramClient(mechanism, "u", password, "mine")
    challenge = f"r=mine2,s={base64.b64encode(b'salt').decode()},i=4096"
    proof = base64.b64decode(client.final(challenge).partition(",p=")[2])
    message = f"n=u,r=mine,{challenge},c=biws,r=mine2".encode()
    signature = hmac.digest(bytes.fromhex(known.stored_key), message, algorithm)
    client_key = bytes(one ^ other for one, other in zip(proof, signature))
    assert hashlib.new(algorithm, client_key).hexdigest() == known.stored_key
    final = hmac.digest(bytes.fromhex(known.server_key), message, algorithm)
    client.prove_server("v=" + base64.b64encode(final).decode())


def test_the_better_mechanism_comes_first() -> None:
    assert MECHANISMS == ("SCRAM-SHA-256", "SCRAM-SHA-1")
