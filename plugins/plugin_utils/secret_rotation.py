# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets that were made replaced by new ones, with the old ones kept until the new ones are proved.

Of a secret NAME in the directory of secrets there are beside it, in rotation/: NAME.old, which is to come back where
the new one does not work, and NAME.former, which was replaced for good and is still accepted for a while where its
software can accept two. Each step is one rename or link, and each may be done again: where NAME.old is, and is another
than NAME, the new one is there already, whoever died since.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import secret_files
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.secret_files import SecretError

#: what may be asked for, to the names of its secrets
KINDS = {
    "database": r"postgresql_.+",
    "turn": r"turn_secret",
    "metrics": r"status_password",
    "probe": r"probe_.+",
    "components": r"component_.+",
}
#: the own authority, which is no file of one secret: see authority_rotation
AUTHORITY = "authority"
#: what is done unless it is asked for otherwise
USUAL = ("database", "turn", "metrics", "probe")
#: what is asked for and cannot be had, to why
REFUSED = {
    "backup": (
        "what lies in the repository is encrypted with its keys, and with new ones nobody could read it. Where one "
        "got known: move .secrets/backup_key, backup_controller_key and backup-escrow.txt to a safe place, let "
        "backup_repository name a new, empty place, and deploy; the old repository and its keys stay good for each "
        "other"
    ),
    "accounts": (
        "a first password belongs to its user, who changes it: bin/xmpp invite INVENTORY JID --reset makes a link "
        "for that"
    ),
}
#: how long what was handed out by the former secret of TURN is good: turn_external_ttl of Prosody (mod_turn_external)
FORMER_FOR = 86400

_PLACE = "rotation"
# what an operator may give himself, and where: variable, and key of its entries ("" where it is the secret)
_GIVEN = {
    "database": (
        ("prosody_database_password", ""),
        ("postgresql_users", "password"),
        ("postgresql_databases", "password"),
    ),
    "turn": (("prosody_turn_secret", ""), ("coturn_secret", "")),
    "metrics": (("proxy_status_password", ""),),
    "components": (("prosody_components", "secret"), ("prosody_hosts", "secret")),
}


def kinds(asked: str) -> tuple[str, ...]:
    """Return the kinds that a list with commas asks for; the usual ones for "". Raises SecretError for any other."""
    wanted = [name.strip() for name in asked.split(",") if name.strip()]
    for name in wanted:
        if name in REFUSED:
            raise SecretError(f"{name} is not rotated: {REFUSED[name]}.")
        if name not in (*KINDS, AUTHORITY):
            known = ", ".join((*KINDS, AUTHORITY))
            raise SecretError(f"There is no {name} to rotate: --only takes {known}, with commas between them.")
    return tuple(wanted) or USUAL


def there(directory: Path, wanted: Iterable[str]) -> list[str]:
    """Return the names of the secrets of these kinds that were made."""
    patterns = [KINDS[kind] for kind in wanted if kind in KINDS]
    return [name for name in _files(directory) if any(re.fullmatch(pattern, name) for pattern in patterns)]


def unproved(directory: Path) -> list[str]:
    """Return the names of the secrets whose old one is kept because nobody has proved the new one yet."""
    return [name.removesuffix(".old") for name in _files(directory / _PLACE) if name.endswith(".old")]


def given(kind: str, hosts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the variables by which an operator gives secrets of a kind himself. In: host to its raw variables."""
    found = []
    for variable, key in _GIVEN.get(kind, ()):
        for host, variables in sorted(hosts.items()):
            value = variables.get(variable)
            if (_has(value, key) if key else value not in (None, "")) and "xmpp.secret" not in str(value):
                found.append(f"{variable} of {host}")
    return found


def _has(value: Any, key: str) -> bool:
    """Whether a value has such a key anywhere in it."""
    if isinstance(value, Mapping):
        return bool(value.get(key)) or any(_has(item, key) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_has(item, key) for item in value)
    return False


def begin(directory: Path, name: str) -> bool:
    """Replace a secret by a new one, with the old one kept. Return whether that was still to do. Raises SecretError."""
    path, old = directory / secret_files.check_name(name), directory / _PLACE / f"{name}.old"
    present = secret_files.read(path)
    if present is None:
        raise SecretError(f"{path} is not there: there is nothing to rotate.")
    kept = secret_files.read(old)
    if kept is not None and kept != present:
        return False
    try:
        old.parent.mkdir(mode=0o700, exist_ok=True)
        if time.time() - path.stat().st_mtime >= FORMER_FOR:
            # its day is over, and must not begin anew
            old.with_suffix(".former").unlink(missing_ok=True)
        if kept is None:
            old.hardlink_to(path)
        secret_files.replace(path, secret_files.fresh(name))
    except OSError as error:
        raise SecretError(f"{path} cannot be replaced ({error.strerror}): its directory must be yours.") from error
    return True


def back(directory: Path, name: str) -> bool:
    """Put the old secret back. Return whether there was one."""
    old = directory / _PLACE / f"{name}.old"
    if not old.exists():
        return False
    old.replace(directory / name)
    # of two links to one file rename() removes neither
    old.unlink(missing_ok=True)
    return True


def finish(directory: Path, name: str, keep: bool) -> bool:
    """Let go of the old secret, or with keep have it accepted for a while. Return whether there was one."""
    old = directory / _PLACE / f"{name}.old"
    if not old.exists():
        return False
    if keep:
        os.utime(directory / name)  # it counts from here
        old.replace(old.with_suffix(".former"))
    else:
        old.unlink()
        old.with_suffix(".former").unlink(missing_ok=True)
    return True


def former(directory: Path, name: str, seconds: float = FORMER_FOR) -> list[str]:
    """Return what else than the present secret is to be accepted: the old one, and the former one for that long."""
    path, old = directory / secret_files.check_name(name), directory / _PLACE / f"{name}.old"
    found = [secret_files.read(old)]
    if path.exists() and time.time() - path.stat().st_mtime < seconds:
        found.append(secret_files.read(old.with_suffix(".former")))
    present = secret_files.read(path)
    return [secret for secret in found if secret is not None and secret != present]


def _files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if path.is_file()) if directory.is_dir() else []
