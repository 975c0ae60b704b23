# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters over the settings of role prosody (its variables without their prefix). Documented beside this file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.filters import told
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import (
    declared_accounts,
    findings,
    firewall_scripts,
    front,
    invitations,
    ldap,
    model,
    own_modules,
    places,
    upload_scan,
)


class FilterModule:
    """The filters over the settings of role prosody."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return filter name → function."""
        return {
            "prosody_account_hosts": told(declared_accounts.account_hosts),
            "prosody_certificate_names": told(model.certificate_names),
            "prosody_config_text": told(model.config_text),
            "prosody_declared_accounts": told(declared_accounts.declared_accounts),
            "prosody_declared_invitations": told(invitations.declared_invitations),
            "prosody_front": told(front.front),
            "prosody_known_front": told(findings.known_front),
            "prosody_firewall_files": told(firewall_scripts.firewall_files),
            "prosody_firewall_refusals": told(firewall_scripts.firewall_refusals),
            "prosody_generated_files": told(declared_accounts.generated_files),
            "prosody_own_modules": told(own_modules.own_modules),
            "prosody_known_certificate_names": told(findings.known_certificate_names),
            "prosody_known_places": told(findings.known_places),
            "prosody_known_ports": told(findings.known_ports),
            "prosody_ldap_environment": told(ldap.environment),
            "prosody_leftover_files": told(declared_accounts.leftover_files),
            "prosody_places": told(places.places),
            "prosody_ports": told(model.ports),
            "prosody_problems": told(findings.problems),
            "prosody_probe_accounts": declared_accounts.usual_probe_accounts,
            "prosody_secret_files": told(model.secret_files),
            "prosody_upload_scanner": told(upload_scan.scanner),
        }
