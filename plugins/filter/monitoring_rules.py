# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: monitoring_rules
short_description: Rules of Prometheus with single alerts changed
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Leaves alerts out, or gives them another expression, time or severity, and another page to read on.
options:
  _input:
    description:
      - Rules as YAML, as in C(files/rules/xmpp.yml) of role C(monitoring).
    type: str
    required: true
  alerts:
    description:
      - The name of an alert to what is different about it, that is some of C(enabled), C(for), C(severity) and C(expr).
    type: dict
    default: {}
  usual_for:
    description: For how long something must fail, in alerts that are kept with 3 minutes.
    type: str
    default: 3m
  runbook_url:
    description: The page with one section for each alert.
    type: str
    default: https://github.com/allthingslinux/xmpp/blob/main/docs/runbook.md
seealso:
  - plugin: allthingslinux.xmpp.monitoring_alert_problems
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the rules without one alert
  ansible.builtin.debug:
    msg: "{{ rules | allthingslinux.xmpp.monitoring_rules({'XmppRegistrations': {'enabled': false}}) }}"
"""

RETURN = r"""
_value:
  description: The rules as YAML.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.monitoring import alert_rules


def monitoring_rules(
    value: str,
    alerts: Mapping[str, Any] | None = None,
    usual_for: str = alert_rules.USUAL_FOR,
    runbook_url: str = alert_rules.RUNBOOK,
) -> str:
    """In: rules as YAML, alert → what is different. Out: rules as YAML. Raises AnsibleFilterError."""
    try:
        return alert_rules.adapted(value, alerts or {}, usual_for, runbook_url)
    except XmppError as error:
        raise AnsibleFilterError(f"monitoring_rules: {error}") from error


class FilterModule:
    """Filter allthingslinux.xmpp.monitoring_rules."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"monitoring_rules": monitoring_rules}
