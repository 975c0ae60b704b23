# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters over what a proxy knows of the servers behind it. Documented beside this file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.filters import told
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.proxy import documents, snippets, texts


class FilterModule:
    """The filters over what a proxy knows."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return filter name → function."""
        return {
            "proxy_host_meta": told(documents.host_meta),
            "proxy_page_texts": told(texts.page_texts),
            "proxy_provider_file": told(documents.provider_file),
            "proxy_snippets": told(snippets.snippets),
        }
