# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: prosody_certificate_names
short_description: The DNS names that the certificate of a Prosody server must cover
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Every virtual host and component of the configuration that
    P(allthingslinux.xmpp.prosody_config_text#filter) makes of the same settings.
  - The first name is that of the first virtual host.
options:
  _input:
    description:
      - The variables of role prosody, without the prefix C(prosody_).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Ask for one certificate for all names
  ansible.builtin.include_role:
    name: allthingslinux.xmpp.certificates
  vars:
    certificates_requests:
      - name: example.org
        names: "{{ settings | allthingslinux.xmpp.prosody_certificate_names }}"
"""

RETURN = r"""
_value:
  description: DNS names. A name outside ASCII is in the form that DNS and certificates have (A-labels).
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import model


def prosody_certificate_names(settings: Mapping[str, Any]) -> list[str]:
    """Return DNS names."""
    try:
        return model.certificate_names(settings)
    except XmppError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filter allthingslinux.xmpp.prosody_certificate_names."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"prosody_certificate_names": prosody_certificate_names}
