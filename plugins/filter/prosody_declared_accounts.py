# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: prosody_declared_accounts
short_description: The declared accounts of each virtual host of a Prosody server
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Accounts and probe accounts with their passwords, in the form in which
    M(allthingslinux.xmpp.prosody_accounts) takes them.
  - C(generated) in the settings holds the secrets that P(allthingslinux.xmpp.prosody_generated_files#filter) names.
options:
  _input:
    description:
      - The variables of role prosody, without the prefix C(prosody_).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Declare the accounts of one host
  allthingslinux.xmpp.prosody_accounts:
    host: example.org
    accounts: "{{ (settings | allthingslinux.xmpp.prosody_declared_accounts)['example.org'] }}"
"""

RETURN = r"""
_value:
  description: Virtual host to its accounts.
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import declared_accounts


def prosody_declared_accounts(settings: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Virtual host to its accounts."""
    try:
        return declared_accounts.declared_accounts(settings)
    except XmppError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filter allthingslinux.xmpp.prosody_declared_accounts."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"prosody_declared_accounts": prosody_declared_accounts}
