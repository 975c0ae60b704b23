# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The root of all errors of this collection."""

from __future__ import annotations


class XmppError(Exception):
    """An error whose text is meant for the operator: what was attempted, what was seen, what to do."""


def printable(text: str) -> str:
    """A text that came from elsewhere, for a line that is shown: without control characters.

    coturn pads reasons with NUL and counts them as text; an escape sequence of a stranger is none for a terminal here.
    White space becomes one blank.
    """
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
