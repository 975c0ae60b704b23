# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait on a condition, never on a clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TypeVar

Value = TypeVar("Value")


def wait_until(what: Callable[[], Value], seconds: float, every: float = 1.0) -> Value:
    """Out: the first true value of `what`, asked every so many seconds.

    Raises AssertionError with the last value where none is true in time.
    """
    end = time.monotonic() + seconds
    while not (last := what()):
        assert time.monotonic() < end, f"not within {seconds} s: {last!r}"
        time.sleep(every)
    return last


def wait_until_empty(what: Callable[[], Collection[object]], seconds: float, every: float = 1.0) -> None:
    """Returns when `what` finds nothing any more.

    Raises AssertionError that names what is left where that is not so in time.
    """
    end = time.monotonic() + seconds
    while left := what():
        assert time.monotonic() < end, f"after {seconds} s there are still: {left!r}"
        time.sleep(every)
