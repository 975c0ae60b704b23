# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runner: the files of the trail on a host."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.audit.lines import Event, Wanted, events, is_old

DIRECTORY = "/var/lib/prosody/audit_trail"


def read(directory: Path, wanted: Wanted, most: int = 0) -> tuple[list[Event], int]:
    """Out: the newest `most` events that are asked for (0 for all), oldest first, and how many there are.

    Raises OSError. A file that expires meanwhile is no fault, and no directory at all is a trail without a line.
    """
    found: deque[Event] = deque(maxlen=most or None)
    number = 0
    for path in sorted(directory.glob("*.jsonl")):
        if is_old(path.name, wanted.since):
            continue
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                for event in events(file, wanted):
                    found.append(event)
                    number += 1
        except FileNotFoundError:
            continue
    # what was counted is written later than it began
    return sorted(found, key=lambda event: event.time), number
