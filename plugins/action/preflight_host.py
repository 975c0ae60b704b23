# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gather the facts of a host, or find why it cannot be worked on. The documentation is in
plugins/modules/preflight_host.py."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.preflight import conditions

SETUP = "ansible.builtin.setup"
ARGUMENT_SPEC = {
    "gather_subset": {"type": "list", "elements": "str", "default": ["all"]},
    "root": {"type": "bool", "default": True},
}


class ActionModule(ActionBase):
    """Action plugin allthingslinux.xmpp.preflight_host."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff_mode = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the facts, or a finding."""
        del tmp
        result: dict[str, Any] = super().run(task_vars=task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        result["changed"] = False
        findings: list[str] = []
        try:
            wanted = {"gather_subset": args["gather_subset"]}
            reply = self._execute_module(module_name=SETUP, module_args=wanted, task_vars=task_vars)
        except AnsibleConnectionFailure as error:
            findings += conditions.out_of_reach(str(error))
        except AnsibleError as error:
            # so the connection says that sudo wants a password, or another one
            findings += conditions.failed_on_host({"msg": str(error)}, SETUP)
        else:
            if reply.get("failed"):
                findings += conditions.failed_on_host(reply, SETUP)
            else:
                result["ansible_facts"] = reply["ansible_facts"]
                findings += conditions.not_root(reply["ansible_facts"]) if args["root"] else []
        result["findings"] = findings
        result["usable"] = not findings
        return result
