# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters that make rules, pictures and the configuration of the probes. Each is documented beside this file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.monitoring import (
    alert_rules,
    dashboards,
    probe_targets,
)


def monitoring_alert_problems(value: Any, rules: str, variable: str = "monitoring_alerts") -> list[dict[str, Any]]:
    """In: alert → what is different, rules as YAML. Out: one condition that failed for each problem."""
    return [{"that": False, "problem": f"{variable}: {problem}"} for problem in alert_rules.problems(rules, value)]


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


def monitoring_pictures(value: Any, kind: str = "grafana", source: str = "") -> dict[str, str]:
    """In: dashboards; what to draw; the uid of a data source. Out: file name → text. Raises AnsibleFilterError."""
    try:
        wanted = dashboards.checked(value)
    except XmppError as error:
        raise AnsibleFilterError(f"monitoring_pictures: {error}") from error
    if kind == "console":
        return {f"{one['name']}.html": dashboards.console(one, wanted) for one in wanted}
    if kind == "grafana":
        drawn = {one["name"]: dashboards.grafana(one, source) for one in wanted}
        return {f"xmpp-{name}.json": json.dumps(one, indent=2) + "\n" for name, one in drawn.items()}
    raise AnsibleFilterError(f"monitoring_pictures: {kind} is neither grafana nor console")


class FilterModule:
    """The filters for what watches."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return filter name → function."""
        return {
            "monitoring_alert_problems": monitoring_alert_problems,
            "monitoring_pictures": monitoring_pictures,
            "monitoring_probe_passwords": probe_targets.password_files,
            "monitoring_probe_targets": probe_targets.probe_targets,
            "monitoring_rules": monitoring_rules,
        }
