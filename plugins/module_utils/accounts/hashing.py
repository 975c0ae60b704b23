# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hashing on all cores: results as they come, so that storing can go on meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# as many at a time per thread: few enough that results flow, many enough that handing over costs nothing
_CHUNK = 16


def cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def unordered(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[tuple[Item, Result]]:
    """Apply a function that releases the interpreter's lock to all items, on all cores; yield results as they come.

    An exception of the function is raised here.
    """

    def run(chunk: Sequence[Item]) -> list[tuple[Item, Result]]:
        return [(item, function(item)) for item in chunk]

    workers = cores()
    chunks = (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
    with ThreadPoolExecutor(workers, "hash") as pool:
        running: set[Future[list[tuple[Item, Result]]]] = set()
        try:
            for chunk in chunks:
                running.add(pool.submit(run, chunk))
                # keep a few waiting, so that no thread idles while the results are stored
                if len(running) >= 4 * workers:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield from future.result()
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield from future.result()
        finally:
            for future in running:
                future.cancel()
