# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: xmpp_check_lines
short_description: The lines of the checks of several domains
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Puts together what M(allthingslinux.xmpp.xmpp_check) says of each domain and whether its message lies in the
    database. Where there are several domains, each line names its own.
options:
  _input:
    description: The results of M(allthingslinux.xmpp.xmpp_check) in a loop over mappings with C(domain).
    type: list
    elements: dict
    required: true
  stored:
    description:
      - The results of a query for the messages in a loop over the results of the checks. C(1) on standard output is a
        message that was found.
    type: list
    elements: dict
    default: []
  database:
    description: The host that was asked.
    type: str
    default: ""
seealso:
  - module: allthingslinux.xmpp.xmpp_check
"""

EXAMPLES = r"""
- name: Tell what failed
  ansible.builtin.debug:
    msg: "{{ checks.results | allthingslinux.xmpp.xmpp_check_lines | select('match', 'FAILED') }}"
"""

RETURN = r"""
_value:
  description: The lines. Each begins with C(ok), C(FAILED), C(untried) or C(absent).
  type: list
  elements: str
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.services.check_lines import check_lines


def xmpp_check_lines(
    checks: Sequence[Mapping[str, Any]], stored: Sequence[Mapping[str, Any]] = (), database: str = ""
) -> list[str]:
    """The lines of all checks."""
    return check_lines(checks, stored, database)


class FilterModule:
    """Filter allthingslinux.xmpp.xmpp_check_lines."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"xmpp_check_lines": xmpp_check_lines}
