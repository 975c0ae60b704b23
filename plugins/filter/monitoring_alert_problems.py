# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: monitoring_alert_problems
short_description: What stands in the way of changes to alerts
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Looks at the changes that P(allthingslinux.xmpp.monitoring_rules#filter) is to make, and returns what is wrong with
    them as conditions that M(allthingslinux.xmpp.preflight) reports together with its own.
options:
  _input:
    description:
      - The name of an alert to what is different about it, that is some of C(enabled), C(for), C(severity) and C(expr).
    type: dict
    required: true
  rules:
    description: The rules as YAML.
    type: str
    required: true
  variable:
    description: The variable that holds the changes, for the messages.
    type: str
    default: monitoring_alerts
"""

EXAMPLES = r"""
- name: Refuse changes to alerts that do not exist
  allthingslinux.xmpp.preflight:
    spec: "{{ role_path }}/meta/argument_specs.yml"
    checks: "{{ changes | allthingslinux.xmpp.monitoring_alert_problems(rules) }}"
"""

RETURN = r"""
_value:
  description: One condition that failed for each problem. Empty when there is none.
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.monitoring import alert_rules


def monitoring_alert_problems(value: Any, rules: str, variable: str = "monitoring_alerts") -> list[dict[str, Any]]:
    """In: alert → what is different, rules as YAML. Out: one condition that failed for each problem."""
    return [{"that": False, "problem": f"{variable}: {problem}"} for problem in alert_rules.problems(rules, value)]


class FilterModule:
    """Filter allthingslinux.xmpp.monitoring_alert_problems."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"monitoring_alert_problems": monitoring_alert_problems}
