# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters over the settings of role prosody (its variables without their prefix). Documented beside this file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import (
    declared_accounts,
    front,
    invitations,
    model,
    own_modules,
    places,
)

Filter = Callable[[Mapping[str, Any]], Any]


def _filter(function: Filter) -> Filter:
    def apply(settings: Mapping[str, Any]) -> Any:
        try:
            return function(settings)
        except XmppError as error:
            raise AnsibleFilterError(str(error)) from error

    return apply


class FilterModule:
    """The filters over the settings of role prosody."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return filter name → function."""
        return {
            "prosody_account_hosts": _filter(declared_accounts.account_hosts),
            "prosody_certificate_names": _filter(model.certificate_names),
            "prosody_config_text": _filter(model.config_text),
            "prosody_declared_accounts": _filter(declared_accounts.declared_accounts),
            "prosody_declared_invitations": _filter(invitations.declared_invitations),
            "prosody_front": _filter(front.front),
            "prosody_generated_files": _filter(declared_accounts.generated_files),
            "prosody_own_modules": _filter(own_modules.own_modules),
            "prosody_leftover_files": _filter(declared_accounts.leftover_files),
            "prosody_places": _filter(places.places),
            "prosody_ports": _filter(model.ports),
            "prosody_problems": _filter(model.problems),
            "prosody_probe_accounts": declared_accounts.usual_probe_accounts,
            "prosody_secret_files": _filter(model.secret_files),
        }
