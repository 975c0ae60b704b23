# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters that take JIDs apart. Each is documented in a file of its own."""

from __future__ import annotations

from collections.abc import Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import jid


def _filter(part: Callable[[jid.Jid], str]) -> Callable[[str], str]:
    def apply(text: str) -> str:
        try:
            return part(jid.parse(text))
        except jid.InvalidJid as error:
            raise AnsibleFilterError(str(error)) from error

    return apply


class FilterModule:
    """The JID filters."""

    def filters(self) -> dict[str, Callable[[str], str]]:
        """Return filter name → function."""
        return {
            "jid_local": _filter(lambda address: address.local),
            "jid_domain": _filter(lambda address: address.domain),
            "jid_domain_ascii": _filter(lambda address: jid.domain_to_ascii(address.domain)),
            "jid_resource": _filter(lambda address: address.resource),
            "jid_bare": _filter(lambda address: address.bare),
            "jid_normalize": _filter(str),
        }
