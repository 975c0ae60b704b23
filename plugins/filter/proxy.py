# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters over what a proxy knows of the servers behind it. Documented beside this file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.proxy import documents, snippets


def _filter(function: Callable[..., Any]) -> Callable[..., Any]:
    def apply(*given: Any) -> Any:
        try:
            return function(*given)
        except XmppError as error:
            raise AnsibleFilterError(str(error)) from error

    return apply


class FilterModule:
    """The filters over what a proxy knows."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return filter name → function."""
        return {
            "proxy_host_meta": _filter(documents.host_meta),
            "proxy_provider_file": _filter(documents.provider_file),
            "proxy_snippets": _filter(snippets.snippets),
        }
