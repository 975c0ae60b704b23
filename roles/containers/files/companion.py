# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a companion does: nothing, and it ends when nobody has worked in it for some minutes, also after a cut-off run.

companion.py SECONDS. It has the socket of the engine, so it must not stay. /proc/loadavg ends with the number of the
youngest process of the container (proc(5)): while that goes up, somebody works. So does who is at work for long, as a
restore; what came in by the engine has no parent here (pid_namespaces(7)).
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import processes

#: what is still at work then hangs
LONGEST = 24 * 3600.0


def is_at_work(proc: Path = processes.PROC, now: float | None = None) -> bool:
    """Whether something that came in by the engine runs, and has not run for too long."""
    now = time.clock_gettime(time.CLOCK_BOOTTIME) if now is None else now
    ticks = os.sysconf("SC_CLK_TCK")
    return any(one.pid != 1 and now - one.started / ticks < LONGEST for one in processes.without_parent(proc))


def main() -> None:
    """Wait for silence."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    # as the first process it inherits those that nobody waits for
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    youngest, since = "", time.monotonic()
    while time.monotonic() - since < float(sys.argv[1]):
        with open("/proc/loadavg", encoding="ascii") as file:
            now = file.read().split()[-1]
        if now != youngest or is_at_work():
            youngest, since = now, time.monotonic()
        time.sleep(2)


if __name__ == "__main__":
    main()
