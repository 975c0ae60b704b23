# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuse for all hosts at once what was found on any. The documentation is in plugins/modules/preflight_verdict.py."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleAction
from ansible.plugins.action import ActionBase
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.preflight import report
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.preflight.shared_ports import claims, collisions


class ActionModule(ActionBase):
    """Action plugin allthingslinux.xmpp.preflight_verdict."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff_mode = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Gather what the roles registered on the hosts of the play, and fail once where that is anything."""
        del tmp
        variables = task_vars or {}
        result: dict[str, Any] = super().run(task_vars=task_vars)
        self.validate_argument_spec(argument_spec={})
        hosts = list(variables.get("ansible_play_hosts_all") or [variables.get("inventory_hostname")])
        held = variables["hostvars"]
        registered = {str(host): held.raw_get(host) for host in hosts}
        findings = {
            host: report.findings_of(variables) + collisions(claims(report.wanted_ports(variables)))
            for host, variables in registered.items()
        }
        if not any(findings.values()):
            findings = {host: report.findings_of(variables, "secondary") for host, variables in registered.items()}
        text = report.text(findings, len(hosts))
        if text:
            # The whole text is the error, which core prints as it is; in the result it would stand a second time.
            heading = text.partition("\n")[0].rstrip(":")
            raise AnsibleAction(
                text, result={"changed": False, "failed": True, "msg": f"{heading}. See the list above."}
            )
        result["changed"] = False
        return result
