# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in the container: notes command line and environment of every process it sees, until the file STOP exists.

watch.py OUTPUT STOP
"""

import sys
from pathlib import Path

OUTPUT, STOP = sys.argv[1:3]
seen = set()
rounds = 0
while not Path(STOP).exists():
    rounds += 1
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            for kind in ("cmdline", "environ"):
                try:
                    seen.add((process / kind).read_bytes())
                except OSError:
                    continue
    if rounds == 1:
        print("watching", flush=True)
Path(OUTPUT).write_bytes(b"\n".join(seen))
print(rounds, "rounds,", len(seen), "different")
