# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is an address of IPv4 or IPv6. Pure."""

from __future__ import annotations

import ipaddress


def is_address(text: str) -> bool:
    """Whether a text is an address, without brackets, prefix or port."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
