# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An invitation, and its link as a picture on the controller. Documented in plugins/modules/prosody_invite.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import qr


class ActionModule(ActionBase):
    """Action plugin allthingslinux.xmpp.prosody_invite."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Have the invitation made on the target; write its picture here."""
        del tmp
        result: dict[str, Any] = super().run(task_vars=task_vars)
        given = dict(self._task.args)
        path = given.pop("qr_file", None)
        try:
            if path:
                qr.kind_of(str(path))  # before there is an invitation that nobody gets
            result.update(
                self._execute_module(
                    module_name="allthingslinux.xmpp.prosody_invite", module_args=given, task_vars=task_vars
                )
            )
            if path and result.get("link") and not result.get("failed") and not self._task.check_mode:
                qr.write(str(path), str(result["link"]))
        except XmppError as error:
            return {**result, "failed": True, "msg": str(error)}
        return result
