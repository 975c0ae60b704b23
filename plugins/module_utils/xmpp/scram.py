# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SCRAM verifiers (RFC 5802, RFC 7677): what a server keeps of a password, as Prosody computes and stores it.

Pure. Text form: RFC 5803, section 3, which PostgreSQL uses too:
``SCRAM-SHA-256$<iterations>:<salt, base64>$<StoredKey, base64>:<ServerKey, base64>``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import stringprep_profiles

#: SCRAM's name of a hash → hashlib's, and the length of its digest in bytes
HASHES = {"SHA-1": ("sha1", 20), "SHA-256": ("sha256", 32)}
#: the fewest iterations that RFC 5802 and RFC 7677 allow
MIN_ITERATIONS = 4096

_TEXT = re.compile(r"SCRAM-(SHA-1|SHA-256)\$([1-9][0-9]{0,8}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)")


class ScramError(XmppError):
    """A password cannot be used, or a verifier cannot be read; the message never repeats either."""


@dataclass(frozen=True)
class Verifier:
    """What proves a password without holding it. Keys are lower-case hex; the salt is text, as Prosody stores it."""

    stored_key: str
    server_key: str
    salt: str
    iterations: int
    hash: str

    def __str__(self) -> str:
        """The text form of RFC 5803."""
        salt = base64.b64encode(self.salt.encode()).decode()
        stored, server = (base64.b64encode(bytes.fromhex(key)).decode() for key in (self.stored_key, self.server_key))
        return f"SCRAM-{self.hash}${self.iterations}:{salt}${stored}:{server}"

    def __repr__(self) -> str:
        return f"<SCRAM-{self.hash} verifier, {self.iterations} iterations>"


def prepare_password(password: str) -> bytes:
    """Normalise a password as RFC 5802 asks (SASLprep). Raises ScramError with the reason."""
    try:
        prepared = stringprep_profiles.saslprep(password)
    except stringprep_profiles.StringprepError as error:
        # the beginning of the reason may name a character of the password, which is nobody's business
        reason = str(error).rpartition(", ")[2] if ", " in str(error) else ""
        raise ScramError(
            "The password cannot be used: SASLprep (RFC 4013) does not allow "
            + (f"one of its characters, {reason}." if reason else "it; mind control characters, length and direction.")
        ) from None
    if not prepared:
        raise ScramError("The password cannot be used: it is empty.")
    return prepared.encode()


def keys(password: str, salt: bytes, iterations: int, algorithm: str) -> tuple[bytes, bytes]:
    """Derive ClientKey and ServerKey (RFC 5802 section 3). Raises ScramError when the password cannot be used.

    algorithm: hashlib's name of the hash
    """
    salted = hashlib.pbkdf2_hmac(algorithm, prepare_password(password), salt, iterations)
    return hmac.digest(salted, b"Client Key", algorithm), hmac.digest(salted, b"Server Key", algorithm)


def verifier(password: str, salt: str, iterations: int, hash: str = "SHA-256") -> Verifier:
    """Compute the verifier of a password.

    Spends its time in ``hashlib.pbkdf2_hmac``, which lets other threads run.

    hash: ``SHA-256`` or ``SHA-1``
    Raises ScramError: the password or a parameter cannot be used.
    """
    if hash not in HASHES:
        raise ScramError(f'There is no SCRAM hash "{hash}"; Prosody knows {", ".join(HASHES)}.')
    if iterations < 1:
        raise ScramError(f"A verifier needs at least one iteration, not {iterations}.")
    if not salt:
        raise ScramError("A verifier needs a salt.")
    client_key, server_key = keys(password, salt.encode(), iterations, HASHES[hash][0])
    stored_key = hashlib.new(HASHES[hash][0], client_key).hexdigest()
    return Verifier(stored_key, server_key.hex(), salt, iterations, hash)


def matches(password: str, known: Verifier) -> bool:
    """Tell whether the verifier is that of the password. Raises ScramError when the password cannot be used at all."""
    computed = verifier(password, known.salt, known.iterations, known.hash)
    return hmac.compare_digest(f"{computed.stored_key}:{computed.server_key}", f"{known.stored_key}:{known.server_key}")


def hash_of(stored_key: str) -> str | None:
    """Tell from the length of a stored key (hex) which hash it was made with; None for neither."""
    return {length * 2: name for name, (_algorithm, length) in HASHES.items()}.get(len(stored_key))


def parse(text: str) -> Verifier:
    """Read the text form of a verifier. Raises ScramError with the reason, without repeating the verifier."""
    found = _TEXT.fullmatch(text.strip())
    if not found:
        raise ScramError(
            "The verifier cannot be read: expected SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey, "
            "as the filter allthingslinux.xmpp.scram_verifier makes it."
        )
    name, iterations, salt, stored_key, server_key = found.groups()
    try:
        salt_bytes, stored, server = (base64.b64decode(part, validate=True) for part in (salt, stored_key, server_key))
    except binascii.Error:
        raise ScramError("The verifier cannot be read: its salt or a key is not base64.") from None
    if len(stored) != HASHES[name][1] or len(server) != HASHES[name][1]:
        raise ScramError(f"The verifier cannot be used: keys of SCRAM-{name} are {HASHES[name][1]} bytes long.")
    if int(iterations) < MIN_ITERATIONS:
        raise ScramError(f"The verifier cannot be used: {iterations} iterations are fewer than {MIN_ITERATIONS}.")
    try:
        salt_text = salt_bytes.decode()
    except UnicodeDecodeError:
        salt_text = "\0"
    if not salt_text or "\0" in salt_text:
        raise ScramError("The verifier cannot be used: Prosody stores the salt as text, and this salt is not text.")
    return Verifier(stored.hex(), server.hex(), salt_text, int(iterations), name)
