# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: prosody_ports
short_description: The TCP ports that a Prosody server listens on
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Every port of the configuration that P(allthingslinux.xmpp.prosody_config_text#filter) makes of the same settings,
    in the form in which M(allthingslinux.xmpp.preflight) takes them.
options:
  _input:
    description:
      - The variables of role prosody, without the prefix C(prosody_).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Open the firewall for what is reached from outside
  ansible.posix.firewalld:
    port: "{{ item.port }}/{{ item.protocol }}"
    state: enabled
  loop: "{{ settings | allthingslinux.xmpp.prosody_ports | rejectattr('address', 'defined') }}"
"""

RETURN = r"""
_value:
  description: The ports with what they are for and the variable that chooses them.
  type: list
  elements: dict
  sample:
    - {port: 5222, protocol: tcp, service: clients, variable: prosody_c2s_ports}
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import model


def prosody_ports(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The ports with what they are for and the variable that chooses them."""
    try:
        return model.ports(settings)
    except XmppError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filter allthingslinux.xmpp.prosody_ports."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"prosody_ports": prosody_ports}
