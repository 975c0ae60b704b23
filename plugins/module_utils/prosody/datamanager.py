# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of files in Prosody's internal storage. Source: util/datamanager.lua. Pure."""

from __future__ import annotations

import re


def encoded(name: str) -> str:
    """Return a name of a host, a user or a key as it stands in paths."""
    return re.sub(rb"[^0-9A-Za-z]", lambda match: b"%%%02x" % match[0][0], name.encode("utf-8")).decode("ascii")
