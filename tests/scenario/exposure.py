# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a service could still do, as systemd reckons it."""

from __future__ import annotations

import re
from collections.abc import Callable


def exposure(shell: Callable[[str], str], unit: str) -> float:
    """From 0 (nothing left) to 10. shell: runs a command on the host and returns what it prints."""
    said = shell(f"systemd-analyze security --no-pager {unit} | tail -n 1")
    found = re.search(r"exposure level for .*: ([0-9.]+) ", said)
    assert found, said
    return float(found[1])
