# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rung that runs: its processes, its log, and what it used of the processors."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from .rung import ROOT, Rung

# every process of a rung has this variable with a value of its own, also those that leave its group
MARK = "XMPP_TEST_RUNG"


class Child:
    """One rung at work in a lane. Its group of processes is its own, so that a signal reaches it as a whole."""

    def __init__(self, rung: Rung, lane: int, log: Path, environment: Mapping[str, str]) -> None:
        self.rung, self.lane, self.log = rung, lane, log
        self.mark = f"{os.getpid()}-{rung.label}"
        self.started = time.monotonic()
        self.seconds = 0.0
        self.cpu = 0.0
        self.status: int | None = None
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                rung.command,
                cwd=ROOT,
                env={**environment, **rung.environment, MARK: self.mark},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def elapsed(self) -> float:
        """Out: seconds since it started, or those it took."""
        return self.seconds if self.status is not None else time.monotonic() - self.started

    def ended(self) -> bool:
        """Whether it has ended; `status`, `seconds` and `cpu` (with all processes it waited for) are known then."""
        if self.status is None:
            # not Popen.poll: only wait4 says what the process and its children used
            pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                self.seconds = time.monotonic() - self.started
                self.cpu = usage.ru_utime + usage.ru_stime
                self.status = self._process.returncode = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def end(self, seconds: float) -> None:
        """End all its processes; those that have not heard within so many seconds are killed."""
        self._signal(signal.SIGTERM)
        limit = time.monotonic() + seconds
        while (not self.ended() or any(marked(self.mark))) and time.monotonic() < limit:
            time.sleep(0.1)
        self._signal(signal.SIGKILL)
        while not self.ended():
            time.sleep(0.05)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        for pid in marked(self.mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def marked(mark: str) -> Iterator[int]:
    """Yields the processes that have the mark of a rung; none where the system does not show environments."""
    wanted = f"{MARK}={mark}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (process / "environ").read_bytes().split(b"\0"):
                yield int(process.name)
