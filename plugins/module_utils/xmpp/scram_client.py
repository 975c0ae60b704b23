# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The client's side of a sign-in with SCRAM, without channel binding (RFC 5802, RFC 7677). Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.scram import HASHES, ScramError, keys

# The mechanisms, the better one first
MECHANISMS = tuple(f"SCRAM-{name}" for name in reversed(HASHES))


class ScramClient:
    """One sign-in: first() is sent, final() answers the challenge, prove_server() looks at the success."""

    def __init__(self, mechanism: str, user: str, password: str, nonce: str = "") -> None:
        self._hash = HASHES[mechanism.removeprefix("SCRAM-")][0]
        self._password = password
        self._nonce = nonce or secrets.token_urlsafe(18)
        self._bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={self._nonce}"
        self._signature = b""

    def first(self) -> str:
        """Out: the first message."""
        return "n,," + self._bare

    def final(self, challenge: str) -> str:
        """In: the server's first message. Out: the answer with the proof. Raises ScramError."""
        fields = dict(part.partition("=")[::2] for part in challenge.split(","))
        try:
            nonce, salt, rounds = fields["r"], base64.b64decode(fields["s"]), int(fields["i"])
        except (KeyError, ValueError) as error:
            raise ScramError(f"a challenge that is no SCRAM challenge: {error}") from error
        if not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise ScramError("the server did not add to the nonce")
        client_key, server_key = keys(self._password, salt, rounds, self._hash)
        without_proof = f"c=biws,r={nonce}"
        message = f"{self._bare},{challenge},{without_proof}".encode()
        signature = hmac.digest(hashlib.new(self._hash, client_key).digest(), message, self._hash)
        proof = bytes(one ^ other for one, other in zip(client_key, signature))
        self._signature = hmac.digest(server_key, message, self._hash)
        return f"{without_proof},p={base64.b64encode(proof).decode()}"

    def prove_server(self, success: str) -> None:
        """In: the server's last message. Raises ScramError unless it knows the account."""
        expected = b"v=" + base64.b64encode(self._signature)
        if not self._signature or not hmac.compare_digest(expected, success.encode()):
            raise ScramError("the server did not prove that it knows the account")
