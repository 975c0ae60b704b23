# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: prosody_config_text
short_description: The text of prosody.cfg.lua for the settings of role prosody
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Renders a complete configuration of Prosody 13 in the order a reader expects, with the purpose of each module.
  - No secret is in it. The text refers to the files that P(allthingslinux.xmpp.prosody_secret_files#filter) names.
  - A value that has no place in the configuration is an error that names its path.
options:
  _input:
    description:
      - The variables of role prosody, without the prefix C(prosody_). What is not given stays as Prosody has it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what a server with one host would be told
  ansible.builtin.debug:
    msg: "{{ {'hosts': [{'name': 'example.org'}], 'storage': 'internal'} | allthingslinux.xmpp.prosody_config_text }}"
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import model


def prosody_config_text(settings: Mapping[str, Any]) -> str:
    """Return the text of prosody.cfg.lua."""
    try:
        return model.config_text(settings)
    except XmppError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filter allthingslinux.xmpp.prosody_config_text."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"prosody_config_text": prosody_config_text}
