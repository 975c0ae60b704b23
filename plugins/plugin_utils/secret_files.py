# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The secrets that nobody gives: their names, their form, their place on the controller and their modes.

A secret is made once, by whoever asks first, and is a file of its own that only its owner can read. Several processes
of one run, and several runs, ask at once: the file appears whole or not at all, and the first one stays.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import string
import tempfile
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import ssh_keys

LENGTH = 32
CHARACTERS = string.ascii_letters + string.digits

#: tells the lookup, as a variable of that name, that this is a look before a run and nothing is made yet
ONLY_LOOKS = "__xmpp_only_looks"

#: every secret there is: the pattern of its name to what it is for
NAMES = {
    r"turn_secret": "what Prosody and the TURN server share",
    r"postgresql_(?P<user>.+)": "the password of a user of the database",
    r"account_(?P<jid>.+@.+)": "the first password of an account",
    r"probe_(?P<name>.+)": "the password of an account with which the service is probed",
    r"component_(?P<domain>.+)": "what Prosody and an external component share",
    r"status_password": "the password of the page of the state of everything",
    r"backup_key": "what backups are encrypted with",
    r"backup_controller_key": "what the controller's own secrets in backups are encrypted with",
    r"backup_sftp_key": "the private key with which a host lets backups in",
}


class SecretError(XmppError):
    """A secret that cannot be had. The text never holds it."""


def check_name(name: str) -> str:
    """Return the name of a secret. Raises SecretError for one that there is not, or that is no name of a file."""
    if not any(re.fullmatch(pattern, name) for pattern in NAMES):
        known = ", ".join(re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda found: found[1].upper(), pattern) for pattern in NAMES)
        raise SecretError(f"There is no secret {name}: the names are {known}.")
    if "/" in name or "\0" in name or len(name.encode()) > 255:
        raise SecretError(f"{name} can be no name of a file: leave out slashes, and take at most 255 bytes.")
    return name


def stand_in(name: str) -> str:
    """Return what stands for a secret that is not made yet: of the right form, always the same, and no secret."""
    return hashlib.sha256(f"stands for {name}".encode()).hexdigest()[:LENGTH]


def read(path: Path) -> str | None:
    """Return the secret in a file, or nothing where there is no file. Raises SecretError where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8").rstrip()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise SecretError(f"{path} is no text: put the secret in it, or remove it to have one made.") from None
    except OSError as error:
        raise SecretError(f"{path} cannot be read ({error.strerror}): it must belong to whoever runs this.") from error
    if not text:
        raise SecretError(f"{path} is empty: put the secret in it, or remove it to have one made.")
    return text


def fresh(name: str) -> str:
    """Return a new secret of the form that its name asks for."""
    if name == "backup_sftp_key":
        return ssh_keys.private()
    return "".join(secrets.choice(CHARACTERS) for _index in range(LENGTH))


def put_down(secret: str, directory: Path) -> Path:
    """Write a secret into a new file of a directory, for its owner alone, and return its place. Raises OSError."""
    handle, name = tempfile.mkstemp(prefix=".new-", dir=directory)  # 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{secret}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def replace(path: Path, text: str, mode: int = 0o600) -> None:
    """Put another text into a file: whole or not at all. Raises OSError."""
    new = put_down(text, path.parent)
    try:
        new.chmod(mode)
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def make(path: Path) -> str:
    """Make the secret of a file, unless somebody was quicker, and return what is in it. Raises SecretError."""
    secret = fresh(path.name)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = put_down(secret, path.parent)
        try:
            with contextlib.suppress(FileExistsError):
                os.link(new, path)
        finally:
            new.unlink()
    except OSError as error:
        place = error.filename2 or error.filename or path
        raise SecretError(
            f"{path} cannot be made ({place}: {error.strerror}): its directory must belong to whoever runs this."
        ) from error
    return read(path) or secret


def obtain(directory: Path, name: str, may_make: bool) -> str:
    """Return the secret `name` of a directory, made where there is none. Raises SecretError.

    Without may_make one that is missing is stood for.
    """
    path = directory / check_name(name)
    found = read(path)
    if found is not None:
        return found
    return make(path) if may_make else stand_in(name)
