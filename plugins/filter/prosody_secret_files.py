# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: prosody_secret_files
short_description: The secrets that a configuration of Prosody refers to
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Returns what must lie beside the text that P(allthingslinux.xmpp.prosody_config_text#filter) makes
    of the same settings.
  - An error names the variable and never shows the value.
options:
  _input:
    description:
      - The variables of role prosody, without the prefix C(prosody_).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Names of the secrets
  ansible.builtin.debug:
    msg: "{{ settings | allthingslinux.xmpp.prosody_secret_files | list }}"
"""

RETURN = r"""
_value:
  description: File name to secret.
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import model


def prosody_secret_files(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return file name to secret."""
    try:
        return model.secret_files(settings)
    except XmppError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filter allthingslinux.xmpp.prosody_secret_files."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"prosody_secret_files": prosody_secret_files}
