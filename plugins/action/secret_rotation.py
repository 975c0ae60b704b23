# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replace secrets that were made. The documentation is in plugins/modules/secret_rotation.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import authority_rotation, secret_rotation

_SPEC = {
    "directory": {"type": "path", "required": True},
    "only": {"type": "str", "default": ""},
    "state": {"type": "str", "choices": ["planned", "begun", "back", "finished"], "required": True},
    "names": {"type": "list", "elements": "str", "default": []},
    "keep": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(ActionBase):
    """Action plugin allthingslinux.xmpp.secret_rotation."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff_mode = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Do one step of a rotation on the controller."""
        del tmp
        variables = task_vars or {}
        result: dict[str, Any] = super().run(task_vars=task_vars)
        _validated, asked = self.validate_argument_spec(argument_spec=_SPEC)
        directory = Path(asked["directory"])
        try:
            if asked["state"] == "planned":
                result.update(self._plan(directory, asked["only"], variables))
            else:
                names = asked["names"] if not self._task.check_mode else []
                done = [name for name in names if self._step(directory, name, asked)]
                result.update({"changed": bool(done), "names": done})
        except XmppError as error:
            raise AnsibleActionFail(str(error)) from error
        return result

    def _plan(self, directory: Path, only: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Return what there is to do, without doing it."""
        wanted = secret_rotation.kinds(only)
        held = variables["hostvars"]
        hosts = {str(host): held.raw_get(host) for host in held}
        given = {kind: secret_rotation.given(kind, hosts) for kind in wanted}
        # components are many, and of each that is given there is no file
        names = secret_rotation.there(directory, [kind for kind in wanted if not given[kind] or kind == "components"])
        authority = directory / "ca"
        step = ""
        if secret_rotation.AUTHORITY in wanted or authority_rotation.unproved(authority):
            step = authority_rotation.due(authority)
        return {
            "changed": False,
            # what a run that died has begun is brought to its end as well
            "names": sorted({*names, *secret_rotation.unproved(directory)}),
            "authority": step,
            "given": [one for found in given.values() for one in found],
            "left": [] if "components" in wanted or only else secret_rotation.there(directory, ["components"]),
        }

    def _step(self, directory: Path, name: str, asked: dict[str, Any]) -> bool:
        """Do one step for one secret. Return whether that changed anything."""
        if name == secret_rotation.AUTHORITY:
            act = authority_rotation.begin if asked["state"] == "begun" else authority_rotation.finish
            return act(directory / "ca")
        if asked["state"] == "begun":
            return secret_rotation.begin(directory, name)
        if asked["state"] == "back":
            return secret_rotation.back(directory, name)
        return secret_rotation.finish(directory, name, name in asked["keep"])
