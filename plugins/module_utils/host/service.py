# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The service of a program, as systemd runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host import systemctl


class ServiceError(XmppError):
    """systemd refused, or the service did not come up."""


@dataclass(frozen=True)
class ServiceState:
    """active: running now. enabled: starts at boot. status: systemd's word; pid: main process, 0 when none."""

    active: bool
    enabled: bool
    status: str
    pid: int


class Service:
    """One service of the machine the module runs on, by systemctl."""

    def __init__(self, run_command: Callable[..., tuple[int, str, str]], name: str = "prosody") -> None:
        self.name = name
        self._run_command = run_command
        self._unit = name if "." in name else f"{name}.service"

    def state(self) -> ServiceState:
        """Ask for the properties (systemctl show never fails for an unknown unit)."""
        rc, out, err = self._run_command(
            ["systemctl", "show", "--property=ActiveState,SubState,UnitFileState,LoadState,MainPID", self._unit]
        )
        if rc != 0:
            raise ServiceError(f"systemd cannot be asked about {self._unit}: {err.strip() or out.strip()}")
        return parse_show(out)

    def is_active(self) -> bool:
        """Is it running?"""
        return self.state().active

    def is_enabled(self) -> bool:
        """Does it start at boot?"""
        return self.state().enabled

    def start(self) -> None:
        """Start it, also after repeated failures."""
        self._forget_failures()
        self._do("start")

    def stop(self) -> None:
        """Stop it."""
        self._do("stop")

    def restart(self) -> None:
        """Stop and start it."""
        self._forget_failures()
        self._do("restart")

    def reload(self) -> None:
        """Make it read its configuration again."""
        self._do("reload")

    def _do(self, verb: str) -> None:
        """start, stop, restart or reload; raises ServiceError with systemd's words."""
        rc, out, err = self._run_command(["systemctl", verb, self._unit])
        if rc != 0:
            raise ServiceError(f"systemctl {verb} {self._unit} failed: {err.strip() or out.strip()}")

    def environment(self) -> str:
        """What the unit sets in the environment of the service, as NAME=value separated by spaces."""
        _rc, out, _err = self._run_command(["systemctl", "show", "--property=Environment", "--value", self._unit])
        return out.strip()

    def _forget_failures(self) -> None:
        """Let a unit that failed too often start again."""
        self._run_command(["systemctl", "reset-failed", self._unit])


def parse_show(text: str) -> ServiceState:
    """The output of systemctl show → state."""
    values = next(iter(systemctl.shown(text)), {})
    active = values.get("ActiveState") in ("active", "reloading")
    pid = values.get("MainPID", "0")
    return ServiceState(
        active,
        values.get("UnitFileState") in ("enabled", "enabled-runtime"),
        f"{values.get('ActiveState', 'unknown')} ({values.get('SubState', 'unknown')})",
        int(pid) if pid.isdigit() else 0,
    )
