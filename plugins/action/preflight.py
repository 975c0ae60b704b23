# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuse in one task what a role cannot work with. The checks are in plugin_utils/preflight.py, the documentation in
plugins/modules/preflight.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import preflight

try:  # where a variable was set: core 2.19 knows, and tells nobody officially
    from ansible._internal._datatag._tags import Origin
except ImportError:  # pragma: no cover
    Origin = None

ARGUMENT_SPEC = {
    "spec": {"type": "path", "required": True},
    "role": {"type": "str"},
    "renamed": {"type": "dict", "default": {}},
    "domains": {"type": "raw"},
    "jids": {"type": "raw"},
    "platforms": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "distribution": {"type": "str", "required": True},
            "majors": {"type": "list", "elements": "str", "default": []},
        },
    },
    "ports": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "port": {"type": "int", "required": True},
            "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
            "address": {"type": "str"},
            "service": {"type": "str"},
            "variable": {"type": "str"},
        },
    },
    "owners": {"type": "list", "elements": "str", "default": []},
    "checks": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"that": {"type": "bool", "required": True}, "problem": {"type": "str", "required": True}},
    },
}


def _place(value: Any) -> str:
    """Name the file and line a value comes from, as far as core tells; a value from another source has no place."""
    origin = Origin.get_tag(value) if Origin is not None else None
    path = getattr(origin, "path", None)
    if not path:
        return ""
    line = getattr(origin, "line_num", None)
    return f"{path}:{line}" if line else str(path)


class ActionModule(ActionBase):
    """Action plugin allthingslinux.xmpp.preflight."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff_mode = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Collect every problem, then fail once or say that there is none."""
        del tmp
        variables = task_vars or {}
        result: dict[str, Any] = super().run(task_vars=task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)

        spec_path = Path(args["spec"])
        role = args["role"] or spec_path.resolve().parent.parent.name
        problems = self._variables(spec_path, role, args["renamed"], variables)
        problems += preflight.invalid_domains(args["domains"])
        problems += preflight.invalid_jids(args["jids"])
        if args["platforms"]:
            facts = dict(variables.get("ansible_facts") or {})
            if "distribution" not in facts:
                facts = self._target("ansible.builtin.setup", {"gather_subset": ["all"]}, variables)["ansible_facts"]
                result["ansible_facts"] = facts
                facts = {name.removeprefix("ansible_"): value for name, value in facts.items()}
            problems += preflight.unsupported_platform(facts, args["platforms"], role)
        if args["ports"]:
            wanted = {"ports": sorted({port["port"] for port in args["ports"]})}
            listeners = self._target("allthingslinux.xmpp.listeners_info", wanted, variables)["listeners"]
            problems += preflight.taken_ports(args["ports"], listeners, args["owners"])
        problems += preflight.failed_checks(args["checks"])

        result["changed"] = False
        if problems:
            return {
                "changed": False,
                "failed": True,
                "msg": f"Role {role} stops before it changes anything:\n" + "\n".join(f"- {line}" for line in problems),
            }
        return result

    def _variables(self, spec_path: Path, role: str, renamed: dict[str, str], variables: dict[str, Any]) -> list[str]:
        try:
            known = preflight.options_of(yaml.safe_load(spec_path.read_text(encoding="utf-8")))
        except (OSError, yaml.YAMLError, AttributeError) as error:
            raise AnsibleActionFail(f"Cannot read the specification {spec_path} of role {role}: {error}") from error
        mine = [str(name) for name in variables if str(name).startswith(f"{role}_")]
        old = preflight.renamed_variables(mine, renamed)
        suspects = [name for name in mine if name not in known and name not in renamed]
        origins = {name: place for name in suspects if (place := _place(variables[name]))}
        return old + preflight.unknown_variables(suspects, known, role, origins)

    def _target(self, module: str, module_args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        reply: dict[str, Any] = self._execute_module(module_name=module, module_args=module_args, task_vars=variables)
        if reply.get("failed"):
            raise AnsibleActionFail(f"{module} failed on the host: {reply.get('msg', 'no reason given')}", result=reply)
        return reply
