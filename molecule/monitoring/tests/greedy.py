# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service that opens nearly all files it may, and after some seconds has much more memory than before.

python3 greedy.py FILES MEBIBYTES SECONDS MORE_MEBIBYTES
"""

from __future__ import annotations

import sys
import time

files, first, seconds, more = map(int, sys.argv[1:])
held = [open("/dev/null", "rb") for _number in range(files)]  # noqa: SIM115
memory = [b"x" * (first << 20)]
time.sleep(seconds)
memory.append(b"y" * (more << 20))
time.sleep(600)
