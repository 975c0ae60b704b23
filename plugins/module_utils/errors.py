# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The root of all errors of this collection."""

from __future__ import annotations


class XmppError(Exception):
    """An error whose text is meant for the operator: what was attempted, what was seen, what to do."""
