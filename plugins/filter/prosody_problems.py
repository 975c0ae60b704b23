# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: prosody_problems
short_description: What stands in the way of a configuration of Prosody
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Tries what P(allthingslinux.xmpp.prosody_config_text#filter) and its like do, and returns their errors as
    conditions that M(allthingslinux.xmpp.preflight) reports together with its own.
options:
  _input:
    description:
      - The variables of role prosody, without the prefix C(prosody_).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Refuse settings that no configuration can be made of
  allthingslinux.xmpp.preflight:
    spec: "{{ role_path }}/meta/argument_specs.yml"
    checks: "{{ settings | allthingslinux.xmpp.prosody_problems }}"
"""

RETURN = r"""
_value:
  description: One condition that failed for each problem. Empty when there is none.
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import model


def prosody_problems(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One condition that failed for each problem. Empty when there is none."""
    try:
        return model.problems(settings)
    except XmppError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filter allthingslinux.xmpp.prosody_problems."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"prosody_problems": prosody_problems}
