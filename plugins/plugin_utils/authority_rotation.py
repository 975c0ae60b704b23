# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The own authority replaced by another in three steps, each by a run of its own.

announce: the new one is trusted beside the old one, and issues nothing yet, so that clients can be told of it. take: it
issues all certificates, and the old one, whose key is gone then, is still trusted. leave: it alone is trusted.

In the directory of the authority are ca.pem, all that are trusted, of which the first one issues with ca.key; next.pem
and next.key, the one that is to; and rotation, which says how far it is. A step that died may be done again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import secret_files
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.secret_files import SecretError

#: what is written down while a step is not proved, and once it is, to the step that comes next
_COMES_NEXT = {
    None: "announce",
    "announcing": "announce",
    "announced": "take",
    "taking": "take",
    "taken": "leave",
    "leaving": "leave",
}
_BEGUN = {"announce": "announcing", "take": "taking", "leave": "leaving"}
_PROVED = {"announcing": "announced", "taking": "taken"}

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def _stage(place: Path) -> str | None:
    """Return how far the rotation is, None where there is none. Raises SecretError."""
    path = place / "rotation"
    if path.is_file() and path.stat().st_size == 0:
        raise SecretError(f"{path} is empty, so how far the rotation is, nobody knows: bring it back from a backup.")
    return secret_files.read(path)


def due(place: Path) -> str:
    """Return the step that comes next: announce, take or leave; "" where there is no authority. Raises SecretError."""
    if not (place / "ca.key").exists():
        return ""
    stage = _stage(place)
    if stage not in _COMES_NEXT:
        raise SecretError(f"{place / 'rotation'} says {stage!r}, which is no step of a rotation: remove it.")
    return _COMES_NEXT[stage]


def unproved(place: Path) -> bool:
    """Return whether a step was begun that no run has proved."""
    return _stage(place) in _BEGUN.values()


def begin(place: Path) -> bool:
    """Do the step that comes next. Return whether there was anything to do. Raises SecretError."""
    step = due(place)
    if not step:
        raise SecretError(f"{place} holds no authority: there is nothing to rotate.")
    trusted = _certificates(place / "ca.pem")
    coming = _certificates(place / "next.pem") if step != "leave" else []
    missing = [name for name in _wants(place, step) if not (place / name).exists()]
    if missing:
        lost = " and ".join(str(place / name) for name in missing)
        raise SecretError(
            f"Of the authority that is to come {lost} is not there. Bring it back from a backup, or begin anew: take "
            f"{place / 'rotation'}, next.pem and next.key there away."
        )
    try:
        # first, so that who dies goes on with this step, and not with the one after it
        secret_files.replace(place / "rotation", _BEGUN[step])
        if step == "take" and (place / "next.key").exists():
            (place / "next.key").replace(place / "ca.key")
        wanted = _ordered(step, trusted, coming)
        if wanted != trusted:
            secret_files.replace(place / "ca.pem", "\n".join(wanted), 0o644)
        if step == "leave":
            (place / "next.pem").unlink(missing_ok=True)
    except OSError as error:
        raise SecretError(f"{place} cannot be written ({error.strerror}): it must be yours.") from error
    return wanted != trusted


def _wants(place: Path, step: str) -> tuple[str, ...]:
    """Return the files that a step needs. Once it began to take the key, the key is where it belongs."""
    if step == "leave":
        return ()
    begun = _stage(place) == _BEGUN["take"]
    return ("next.pem",) if begun else ("next.pem", "next.key")


def finish(place: Path) -> bool:
    """Write down that the step which was begun is proved. Return whether there was one."""
    stage = _stage(place)
    if stage not in _BEGUN.values():
        return False
    if stage in _PROVED:
        secret_files.replace(place / "rotation", _PROVED[stage])
    else:
        (place / "rotation").unlink()
    return True


def _ordered(step: str, trusted: Sequence[str], coming: Sequence[str]) -> list[str]:
    """Return the certificates to trust after a step, first the one that issues."""
    if step == "leave":
        return list(trusted[:1])
    others = [certificate for certificate in trusted if certificate not in coming]
    return [*coming, *others] if step == "take" else [*others, *coming]


def _certificates(path: Path) -> list[str]:
    return _CERTIFICATE.findall(secret_files.read(path) or "")
