# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Modules whose parameters hold secrets inside lists keep them out of the journal of the host."""

from __future__ import annotations


class UnloggedParameters:
    """Mixin for AnsibleModule, to be named before it.

    Ansible logs every call with its parameters. There it masks a secret inside a list only where the secret looks the
    same in Python's notation, which one with a newline, a quote or a backslash does not.
    """

    def _log_invocation(self) -> None:
        self.log("Invoked. Its parameters hold secrets and are not logged.")  # type: ignore[attr-defined]
