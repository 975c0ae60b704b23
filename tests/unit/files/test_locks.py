# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for one's turn, with real locks."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files import locks


def test_the_second_waits_for_the_first_and_not_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, second = (os.open(path, os.O_RDWR | os.O_CREAT) for _opened in range(2))
    try:
        assert locks.taken(first, 0)
        assert not locks.taken(second, 0)
        leaves = threading.Timer(0.3, os.close, [first])
        leaves.start()
        assert locks.taken(second, 30)
        leaves.join()
    finally:
        os.close(second)
