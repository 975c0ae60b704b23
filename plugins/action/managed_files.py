# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fill in the templates of files here, then bring the files into their state on the target in one task. Documented in
plugins/modules/managed_files.py.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.templates import filled_in


class ActionModule(ActionBase):
    """Action plugin allthingslinux.xmpp.managed_files."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give the module a text for each template."""
        del tmp
        variables = task_vars or {}
        result: dict[str, Any] = super().run(task_vars=variables)

        def fill_in(name: str, given: dict[str, Any]) -> str:
            lookup = lookup_loader.get("ansible.builtin.template", loader=self._loader, templar=self._templar)
            text: str = lookup.run([name], variables=variables, template_vars=given)[0]
            return text

        args = dict(self._task.args)
        try:
            for key in ("files", "secrets"):
                if key in args:
                    args[key] = filled_in(args[key], fill_in)
        except XmppError as error:
            return {**result, "failed": True, "msg": str(error)}
        result.update(
            self._execute_module(module_name="allthingslinux.xmpp.managed_files", module_args=args, task_vars=variables)
        )
        return result
