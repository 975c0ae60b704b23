# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ports of the services that are loaded: each place is wanted by one of them, and each that is named has one."""

from __future__ import annotations

from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.config import GLOBAL, Table
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.context import Context
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.listening import (
    Listening,
    Service,
    number,
    wanted,
)


def _services(context: Context) -> list[Service]:
    """The services of all modules that are loaded somewhere; of two with one name the first counts."""
    found: dict[str, Service] = {}
    for service, module in context.registry.services:
        if module not in context.everywhere:
            continue
        default = service.default_port
        ports = [port for port in (default if isinstance(default, tuple) else (default,)) if isinstance(port, int)]
        prefix = service.prefix.removesuffix("_")
        found.setdefault(
            service.name, Service(service.name, prefix, tuple(ports), "", service.private, service.encryption)
        )
    return list(found.values())


def check_ports(context: Context) -> None:
    """Two services at one place (core/portmanager.lua opens it for one of them and logs an error for the other)."""
    section = context.config.hosts.get(GLOBAL, {})

    def get(option: str) -> Any:
        value = section.get(option)
        return value.values if isinstance(value, Table) else value

    reported = set()
    for port in wanted(get, Listening(tuple(sorted(_services(context), key=lambda one: one.name)))):
        if not port.problem or number(port.port) is None or (port.service, port.port) in reported:
            continue  # what is no port at all is a wrong value of its option
        reported.add((port.service, port.port))
        option = next(
            (f"{one.prefix}_ports" if one.prefix else "ports") for one in _services(context) if one.name == port.service
        )
        context.error(
            "port-clash",
            f"{port.service} cannot have port {port.port}: {port.problem}",
            f"give each a port of its own; {option} = {{ }} switches {port.service} off",
            option=option,
        )
