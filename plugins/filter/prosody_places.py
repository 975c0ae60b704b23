# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: prosody_places
short_description: Where the accounts of each virtual host of a Prosody server are to be
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Reads authentication, hash and storage of each virtual host off the configuration that
    P(allthingslinux.xmpp.prosody_config_text#filter) makes of the same settings, for
    M(allthingslinux.xmpp.prosody_continuity).
options:
  _input:
    description:
      - The variables of role prosody, without the prefix C(prosody_).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Refuse what would lock users out
  allthingslinux.xmpp.prosody_continuity:
    hosts: "{{ settings | allthingslinux.xmpp.prosody_places }}"
"""

RETURN = r"""
_value:
  description: Virtual host to the place of its accounts.
  type: dict
  sample:
    example.org: {authentication: internal_hashed, password_hash: SHA-256, storage: internal}
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import places


def prosody_places(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return virtual host to the place of its accounts."""
    try:
        return places.places(settings)
    except XmppError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filter allthingslinux.xmpp.prosody_places."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"prosody_places": prosody_places}
