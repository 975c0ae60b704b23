# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters for where hosts are, and for what an operator is told at the end. Documented beside this file."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import reach, summary


def xmpp_summary(settings: Mapping[str, Any], **about: Any) -> str:
    """What to know of one server, a line each."""
    try:
        return summary.summary(settings, about)
    except XmppError as error:
        raise AnsibleFilterError(str(error)) from error


def xmpp_shell_command(host: Mapping[str, Any], name: str) -> str:
    """What stands before a command for the host of that name."""
    return reach.shell_command(name, host)


def xmpp_tunnel_command(host: Mapping[str, Any], name: str, port: int) -> str:
    """The command that opens a port of the host's loopback on that of the operator; nothing where there is none."""
    if not reach.uses_ssh(host):
        return ""
    ssh, *rest = reach.login(name, host)
    return shlex.join([ssh, "-L", f"{port}:127.0.0.1:{port}", *rest])


def xmpp_seen_at(host: Mapping[str, Any], by: Mapping[str, Any]) -> str:
    """The address of a host for another one."""
    return reach.seen_at(host, by)


class FilterModule:
    """The filters for where hosts are, and for what an operator is told at the end."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return filter name → function."""
        return {
            "xmpp_seen_at": xmpp_seen_at,
            "xmpp_shell_command": xmpp_shell_command,
            "xmpp_summary": xmpp_summary,
            "xmpp_tunnel_command": xmpp_tunnel_command,
        }
