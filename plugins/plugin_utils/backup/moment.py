# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The moment that an operator means. Pure, but for the time zone of this machine."""

from __future__ import annotations

from datetime import datetime

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

LATEST = ("", "latest")


def seconds(text: str, now: float) -> float | None:
    """In: a time such as 2026-11-25 09:30, with a zone (+01:00, Z) or in that of this machine; now: seconds since 1970.

    Out: seconds since 1970, None for the newest there is. Raises XmppError for what is no time, or has not come yet.
    """
    text = str(text).strip()
    if text in LATEST:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise XmppError(f"{text} is no time: give one such as '2026-11-25 09:30', or latest.") from None
    if len(text) <= len("2026-11-25"):
        raise XmppError(f"{text} is a whole day: give the time of day as well, such as '{text} 09:30'.")
    # without a zone it is one of this machine
    moment = found.timestamp()
    if moment > now:
        raise XmppError(f"{text} has not come yet: give a time that is past, or latest.")
    return moment
