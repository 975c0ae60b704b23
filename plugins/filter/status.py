# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter xmpp_status. Documented in xmpp_status.yml."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import status


def xmpp_status(seen: Mapping[str, Any], as_data: bool = False, now: float | None = None) -> Any:
    """The state of the service: lines of one screen, or data."""
    moment = time.time() if now is None else now
    found = status.gathered(seen, moment)
    return found if as_data else status.lines(found, moment)


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return filter name → function."""
        return {"xmpp_status": xmpp_status}
