# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a companion does: nothing, and it ends when nobody has worked in it for some minutes, also after a cut-off run.

companion.py SECONDS. It has the socket of the engine, so it must not stay. /proc/loadavg ends with the number of the
youngest process of the container (proc(5)): while that goes up, somebody works.
"""

from __future__ import annotations

import signal
import sys
import time


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
        if now != youngest:
            youngest, since = now, time.monotonic()
        time.sleep(2)


if __name__ == "__main__":
    main()
