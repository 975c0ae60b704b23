# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keys of SSH as texts: a private one made, and the public one of it. Source: RFC 8709, PROTOCOL.key of OpenSSH."""

from __future__ import annotations

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError


class KeyUnreadable(XmppError):
    """A text that is no private key, or one that wants a passphrase. The message never holds it."""


def private() -> str:
    """Return a new Ed25519 key as OpenSSH writes it, without a passphrase and without the last line's end."""
    # only who makes a key needs the package
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return (
        Ed25519PrivateKey.generate()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
        .decode()
        .rstrip()
    )


def public(text: str) -> str:
    """In: a private key. Out: its public one as authorized_keys has it, type and key. Raises KeyUnreadable."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    data = text.strip().encode() + b"\n"
    load = serialization.load_ssh_private_key if b"OPENSSH PRIVATE KEY" in data else serialization.load_pem_private_key
    try:
        key = load(data, password=None)
        return (
            key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
        )
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise KeyUnreadable("This is no private key of SSH, or one with a passphrase: give one without.") from None
