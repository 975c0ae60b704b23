# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time on the same servers, of those that would be in each other's way.

Two deployments of an inventory write the same files, and the first run in containers that ends takes the companion
away from all others.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .words import Refusal


@contextlib.contextmanager
def alone(file: Path, what: str, tell: Callable[[str], None]) -> Iterator[None]:
    """Begin when no other run holds the file, and hold it.

    what: this run, for those who wait for it; tell: says whom this one waits for. The kernel lets go of the file with
    the process (flock(2)), so one that was killed is waited for by nobody. Raises Refusal where somebody would not.
    """
    file.parent.mkdir(exist_ok=True)
    with file.open("a+", encoding="utf-8") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(f"Waiting for another run on the same servers to end: {_who(file)}. Ctrl-C ends the waiting.")
            try:
                fcntl.flock(held, fcntl.LOCK_EX)
            except KeyboardInterrupt:
                raise Refusal("nothing was done", f"There was another run on the same servers: {_who(file)}.") from None
        held.truncate(0)
        held.write(f"{what}, since {time.strftime('%H:%M')} (process {os.getpid()})")
        held.flush()
        yield
        held.truncate(0)


def _who(file: Path) -> str:
    """Out: what the one that holds the file wrote into it."""
    return file.read_text(encoding="utf-8") or "one that has just begun"
