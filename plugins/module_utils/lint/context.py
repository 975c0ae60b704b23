# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the rules share: the configuration, the registry, and which module is loaded where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.config import (
    GLOBAL,
    Config,
    Opaque,
    Place,
    Secret,
    Table,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.findings import ERROR, WARNING, Finding
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.knowledge import SECRET_NAME
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.registry import Registry


def strings(value: Any) -> list[str]:
    """The texts of a list option as Prosody takes it: a table, or one value alone."""
    if isinstance(value, Table):
        return [item for item in value.values if isinstance(item, str)]
    return [value] if isinstance(value, str) else []


def enabled_modules(config: Config, registry: Registry, host: str) -> set[str]:
    """Modules that Prosody loads on a host by itself, without what they depend on.

    Source: core/modulemanager.lua, get_modules_for_host.
    """
    component = config.component(host)
    base = {*registry.loading.automatic, *strings(config.hosts.get(GLOBAL, {}).get("modules_enabled"))}
    base -= set(strings(config.hosts.get(GLOBAL, {}).get("modules_disabled")))
    if component:
        base &= registry.inherited(component)
    own = config.hosts.get(host, {})
    found = (base | set(strings(own.get("modules_enabled")))) - set(strings(own.get("modules_disabled")))
    return found | {component} if component else found


def authentication(config: Config, registry: Registry, host: str) -> str:
    """Name of the authentication provider of a host (core/usermanager.lua)."""
    if config.get(host, "anonymous_login"):
        return "anonymous"
    return str(config.get(host, "authentication", registry.authentication))


def providers(config: Config, registry: Registry, host: str) -> set[str]:
    """Modules that follow from authentication, authorization and storage of a host."""
    found = {f"authz_{config.get(host, 'authorization', 'internal')}"}
    if not config.component(host):
        found.add(f"auth_{authentication(config, registry, host)}")
    found |= {f"storage_{driver}" for driver in drivers(config, host)}
    return found


def drivers(config: Config, host: str) -> set[str]:
    """Storage drivers that a host uses (core/storagemanager.lua, get_driver)."""
    found = {config.get(host, "default_storage", "internal")}
    storage = config.get(host, "storage")
    if isinstance(storage, str):
        found = {storage}
    elif isinstance(storage, Table):
        found |= set(storage.named.values())
    return {driver for driver in found if isinstance(driver, str)}


@dataclass
class Context:
    """Everything a rule looks at, and the list it adds to."""

    config: Config
    registry: Registry
    findings: list[Finding] = field(default_factory=list)
    loaded: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for host in self.config.hosts:
            if host != GLOBAL:
                named = providers(self.config, self.registry, host)
                if any(name.startswith("auth_") and name not in self.registry.modules for name in named):
                    named.add(
                        "auth_internal_hashed"
                    )  # a provider that does not exist is reported; its options need not be too
                self.loaded[host] = self._closure(enabled_modules(self.config, self.registry, host) | named)
        section = self.config.hosts.get(GLOBAL, {})
        wanted = set(strings(section.get("modules_enabled"))) - set(strings(section.get("modules_disabled")))
        self.everywhere = set().union(*self.loaded.values(), self._closure(wanted))
        self.global_modules = {name for name in self.everywhere if self.is_global(name)}

    def is_global(self, name: str) -> bool:
        module = self.registry.modules.get(name)
        return bool(module and module.facts.sets_global)

    def _closure(self, names: Iterable[str]) -> set[str]:
        found: set[str] = set()
        todo = list(names)
        while todo:
            name = todo.pop()
            if name in found:
                continue
            found.add(name)
            module = self.registry.modules.get(name)
            if module:
                todo += [*module.facts.depends, *module.facts.soft_depends]
        return found

    # -- reporting
    def report(
        self,
        severity: str,
        code: str,
        message: str,
        hint: str = "",
        *,
        host: str = GLOBAL,
        option: str = "",
        keys: tuple[Any, ...] = (),
        subject: str = "",
    ) -> None:
        """Add a finding at an option of a host, or a key inside it; `subject`: what it is about, if not that."""
        base = option.split(".")[0].split("[")[0] if keys else option
        place = self.config.place(host, base, *keys)
        where = _where(place.file, place.line, host)
        self.findings.append(
            Finding(severity, code, where, message, hint, host, subject or option, place.file, place.line)
        )

    def error(self, code: str, message: str, hint: str = "", **where: Any) -> None:
        self.report(ERROR, code, message, hint, **where)

    def warning(self, code: str, message: str, hint: str = "", **where: Any) -> None:
        self.report(WARNING, code, message, hint, **where)

    def at(
        self, severity: str, code: str, message: str, hint: str, place: Place, subject: str = "", host: str = GLOBAL
    ) -> None:
        """Add a finding about a place that is no option."""
        where = _where(place.file, place.line, host)
        self.findings.append(Finding(severity, code, where, message, hint, host, subject, place.file, place.line))


def _where(file: str, line: int, host: str) -> str:
    return Path(file).name + (f":{line}" if line else "") + ("" if host == GLOBAL else f" (host {host})")


def shown(name: str, value: Any) -> str:
    """A value as a message may show it: secrets stay out, long ones are cut."""
    if isinstance(value, Secret) or SECRET_NAME.search(name):
        return "a value that is not shown"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value[:40]}…"' if len(value) > 41 else f'"{value}"'
    if isinstance(value, Table):
        return "a list" if value.items else "a table"
    if isinstance(value, Opaque):
        return f"a {value.kind}"
    return str(value)
