# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a function of ours becomes a filter of Ansible."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError


def told(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function so that what it refuses is told by Ansible, in the same words."""

    @wraps(function)
    def apply(*given: Any, **options: Any) -> Any:
        try:
            return function(*given, **options)
        except XmppError as error:
            raise AnsibleFilterError(str(error)) from error

    return apply
