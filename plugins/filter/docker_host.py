# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters of role containers. Documented beside this file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import docker_host
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.filters import told


class FilterModule:
    """The filters whose names begin with docker_host_."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return filter name → function."""
        return {
            "docker_host_network": told(docker_host.network),
            "docker_host_published": told(docker_host.published),
            "docker_host_taken": told(docker_host.taken),
        }
