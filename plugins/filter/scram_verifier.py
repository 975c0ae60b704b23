# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter ``scram_verifier``."""

from __future__ import annotations

from collections.abc import Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import scram


def scram_verifier(password: str, salt: str, iterations: int = 10000, hash: str = "SHA-256") -> str:
    """Return the verifier of a password in its text form (RFC 5803)."""
    try:
        if int(iterations) < scram.MIN_ITERATIONS:
            raise scram.ScramError(f"A verifier needs at least {scram.MIN_ITERATIONS} iterations, not {iterations}.")
        return str(scram.verifier(str(password), str(salt), int(iterations), hash))
    except scram.ScramError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filter ``scram_verifier``."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return filter name → function."""
        return {"scram_verifier": scram_verifier}
