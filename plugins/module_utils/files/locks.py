# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waiting for one's turn. A process that was killed holds no lock (flock(2))."""

from __future__ import annotations

import fcntl
import time

PAUSE = 0.2  # seconds between two tries


def taken(descriptor: int, patience: float) -> bool:
    """Wait at most `patience` seconds to be the only one with a lock on an open file. Out: whether that came about."""
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(PAUSE)
        else:
            return True
