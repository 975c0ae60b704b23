# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: prosody_generated_files
short_description: Names of the secrets that are made because nobody gives them
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Accounts, probe accounts and external components without a secret of their own each have one, in a file of this name
    in the directory for secrets on the controller.
options:
  _input:
    description:
      - The variables of role prosody, without the prefix C(prosody_).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Names of the files
  ansible.builtin.debug:
    msg: "{{ settings | allthingslinux.xmpp.prosody_generated_files }}"
"""

RETURN = r"""
_value:
  description: The names of the files.
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import declared_accounts


def prosody_generated_files(settings: Mapping[str, Any]) -> list[str]:
    """The names of the files."""
    try:
        return declared_accounts.generated_files(settings)
    except XmppError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filter allthingslinux.xmpp.prosody_generated_files."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"prosody_generated_files": prosody_generated_files}
