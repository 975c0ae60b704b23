# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's own secrets as one encrypted text, which lies in the backups of the hosts.

It is what ansible-vault writes, so that ansible-vault alone opens it; in it is a tar archive as base64. The same files
give the same text: the salt is worked out of them and the key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import tarfile
from pathlib import Path

from ansible.parsing.vault import AnsibleVaultError, VaultLib, VaultSecret
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

ESCROW = "backup-escrow.txt"
"""Is not kept: it has what opens it, and is written anew."""


class SecretsSealed(XmppError):
    """Secrets that cannot be put together, or not be opened. The message never holds one."""


def packed(directory: Path) -> bytes:
    """Out: the files of a directory as a tar archive, of which nothing but names and contents matters.

    Raises SecretsSealed.
    """
    target = io.BytesIO()
    try:
        with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for path in sorted(directory.rglob("*")):
                # .new-: of a secret that somebody makes right now
                if path.is_symlink() or not path.is_file() or path.name == ESCROW or path.name.startswith(".new-"):
                    continue
                content = path.read_bytes()
                entry = tarfile.TarInfo(str(path.relative_to(directory)))
                entry.size, entry.mode = len(content), 0o600
                archive.addfile(entry, io.BytesIO(content))
    except OSError as error:
        raise SecretsSealed(f"{error.filename} cannot be read ({error.strerror}), and is to be in backups.") from error
    return target.getvalue()


def _vault(key: str) -> VaultLib:
    return VaultLib([("default", VaultSecret(key.encode()))])


def seal(data: bytes, key: str) -> str:
    """In: what is to be kept; the key. Out: the encrypted text, always the same for the same."""
    salt = hmac.new(key.encode(), data, hashlib.sha256).hexdigest()
    text: bytes = _vault(key).encrypt(base64.encodebytes(data), VaultSecret(key.encode()), salt=salt)
    return text.decode()


def opened(text: str, key: str) -> str:
    """In: the encrypted text; the key. Out: the archive as base64. Raises SecretsSealed."""
    try:
        return str(_vault(key).decrypt(text).decode())
    except (AnsibleVaultError, ValueError):
        raise SecretsSealed(
            "The controller's secrets in the backup were encrypted with another key: put the one of the printed page "
            "into .secrets/backup_controller_key, or remove that file to go on without them."
        ) from None
