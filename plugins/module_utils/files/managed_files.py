# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files and directories as desired state: read, plan (pure), apply."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError


@dataclass(frozen=True)
class Wanted:
    """What a path shall be.

    state: file, directory or absent; uid and gid None: they do not exist (yet); validate: a command that must accept a
    new file before it is put in place, with %s for its path.
    """

    path: Path
    state: str = "file"
    content: bytes | None = field(default=None, repr=False)
    mode: int = 0o644
    uid: int | None = 0
    gid: int | None = 0
    validate: tuple[str, ...] = ()


@dataclass(frozen=True)
class Current:
    """What a path is. kind: file, directory, other (a link, a device) or absent."""

    kind: str
    content: bytes = field(default=b"", repr=False)
    mode: int = 0
    uid: int = 0
    gid: int = 0


def plan(current: Current, wanted: Wanted) -> tuple[str, ...]:
    """List what has to be done, in order: remove, create, write, own, mode. Nothing when the path is as it shall be.

    Raises XmppError where that would destroy a directory.
    """
    if wanted.state == "absent":
        return () if current.kind == "absent" else ("remove",)
    if current.kind == "directory" and wanted.state == "file":
        raise XmppError(f"{wanted.path} is a directory, and a file shall be there: move the directory away.")
    if wanted.state == "directory":
        if current.kind not in ("directory", "absent"):
            raise XmppError(f"{wanted.path} is not a directory, and a directory shall be there: move it away.")
        if current.kind == "absent":
            return ("create", "own", "mode")
    elif current.kind != "file" or current.content != wanted.content:
        return ("write",)  # a new file: with its owner and mode from the start
    actions = []
    if (current.uid, current.gid) != (wanted.uid, wanted.gid):
        actions += ["own", "mode"]  # chown clears bits of the mode
    elif current.mode != wanted.mode:
        actions.append("mode")
    return tuple(actions)


def read_state(path: Path) -> Current:
    """Read what is at a path, not following a link."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return Current("absent")
    kind, content = "other", b""
    if stat.S_ISREG(status.st_mode):
        kind, content = "file", path.read_bytes()
    elif stat.S_ISDIR(status.st_mode):
        kind = "directory"
    return Current(kind, content, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)


def user_id(name: str) -> int | None:
    """Look a user up by name or number; None when there is none."""
    try:
        return int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def group_id(name: str) -> int | None:
    """Look a group up by name or number; None when there is none."""
    try:
        return int(name) if name.isdigit() else grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def _validate(wanted: Wanted, name: str) -> None:
    """Run the command of the operator on a new file that is not in place yet."""
    command = [part.replace("%s", name) for part in wanted.validate]
    try:
        # no AnsibleModule here, whose run_command has no time limit
        reply = subprocess.run(  # pylint: disable=ansible-bad-function
            command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise XmppError(f"{wanted.path}: {command[0]} cannot be run to check its new text: {error}.") from error
    if reply.returncode:
        said = (reply.stderr + reply.stdout).replace(name, str(wanted.path)).strip() or "it does not say why"
        raise XmppError(f"{wanted.path} stays as it was: {command[0]} refuses its new text: {said}")


def prepare(wanted: Wanted) -> str:
    """Write a complete file beside its place and have it checked; return its name.

    There is no moment in which it is readable by more than it shall be. Raises XmppError if it is refused.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{wanted.path.name}.", dir=wanted.path.parent)
    try:
        with open(descriptor, "wb") as handle:
            handle.write(wanted.content or b"")
            handle.flush()
            os.fchown(handle.fileno(), wanted.uid or 0, wanted.gid or 0)
            os.fchmod(handle.fileno(), wanted.mode)
            os.fsync(handle.fileno())
        if wanted.validate:
            _validate(wanted, name)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return name


def rehearse(actions: tuple[str, ...], wanted: Wanted) -> None:
    """Have a new file checked as apply() would, as far as its directory, its owner and the command are there by now."""
    there = wanted.path.parent.is_dir() and None not in (wanted.uid, wanted.gid)
    if "write" in actions and wanted.validate and there and shutil.which(wanted.validate[0]):
        Path(prepare(wanted)).unlink()


def apply(actions: tuple[str, ...], wanted: Wanted) -> None:
    """Carry out what plan() listed."""
    if actions and wanted.state != "absent" and (wanted.uid is None or wanted.gid is None):
        raise XmppError(
            f"The owner or group of {wanted.path} does not exist on this host: install what brings it first."
        )
    for action in actions:
        if action == "remove":
            if wanted.path.is_dir() and not wanted.path.is_symlink():
                shutil.rmtree(wanted.path)
            else:
                wanted.path.unlink()
        elif action == "create":
            wanted.path.mkdir(mode=0o700, parents=False)
        elif action == "write":
            Path(prepare(wanted)).replace(wanted.path)
        elif action == "own":
            os.chown(wanted.path, wanted.uid or 0, wanted.gid or 0)
        elif action == "mode":
            wanted.path.chmod(wanted.mode)
