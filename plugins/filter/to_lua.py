# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: to_lua
short_description: A value as Lua source
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Writes text, numbers, booleans, lists and mappings as a Lua expression, for files that Lua reads.
  - Nothing that a text holds can end its string. A value that has no form in Lua is an error that names its path.
  - A null inside a mapping means "not set" and is left out. Anywhere else it is an error.
options:
  _input:
    description:
      - The value.
    type: raw
    required: true
  indent:
    description:
      - How many tabs the line is indented on which the expression starts.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: A line of a configuration that the operator keeps
  ansible.builtin.copy:
    content: "modules_enabled { {{ extra_module | allthingslinux.xmpp.to_lua }} }\n"
    dest: /etc/prosody/conf.d/operator.cfg.lua
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The expression.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import lua


def to_lua(value: Any, indent: int = 0) -> str:
    """Return a Lua expression."""
    try:
        return lua.to_lua(value, indent=indent)
    except lua.LuaError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filter allthingslinux.xmpp.to_lua."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"to_lua": to_lua}
