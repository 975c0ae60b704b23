# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What `systemctl show` prints. Pure."""

from __future__ import annotations


def shown(text: str) -> list[dict[str, str]]:
    """Read the output for any number of units, which has a block for each: property → value of each unit, in order."""
    blocks = [block for block in text.strip().split("\n\n") if block.strip()]
    return [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]
