# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All that is wrong with the settings of role prosody, at once.

What makes a configuration of them stops at the first thing that it cannot use. Here that is told, left out, and all is
made once more, until nothing is wrong with the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import paths
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import (
    front,
    model,
    module_choice,
    option_names,
    places,
    server,
)
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.declared_accounts import (
    declared_accounts,
    probe_pairs,
)
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.document import Document, Section, render
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.hosts import hosts_of
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.invitations import invitation_problems
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.passwords import password_problems
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.rooms import room_problems
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import Settings

_PREFIX = "prosody_"
# Who is served: what is made of these cannot be known where one of them is wrong
_NAMES = ("domain", "hosts", "components", "standard_components", "component_settings")
# Where data lie
_PLACES = ("authentication", "data_path", "password_hash", "storage")

_ONE_PORT = (
    *("database_port", "turn_port", "turn_tls_port"),
    *("proxied_c2s_port", "proxied_https_port", "proxied_s2s_port"),
)


@dataclass
class Examined:
    """lines: what is wrong; values: the settings without it; gone: the parts that were left out, as preflight names
    them."""

    values: Mapping[str, Any]
    lines: list[str] = field(default_factory=list)
    gone: list[paths.Steps] = field(default_factory=list)

    def tell(self, line: str) -> None:
        """Take a line on, unless it only follows from what was left out."""
        if line not in self.lines and not paths.follows(line, self.gone, _prefixed(self.values)):
            self.lines.append(line)

    def leave_out(self, line: str) -> bool:
        """Leave out what a line is about. Out: whether there was anything left of it."""
        given = _prefixed(self.values)
        steps = paths.begins_with(line, given)
        found = paths.present(given, steps)
        if not found:
            return False
        self.gone += [steps] if steps == found else [steps, found]
        left = paths.without(given, found)
        self.values = {name.removeprefix(_PREFIX): value for name, value in left.items()}
        return True

    def sound(self, *names: str) -> bool:
        """Whether nothing of these settings was left out."""
        wanted = {f"{_PREFIX}{name}" for name in names}
        return not any(part[0] in wanted for part in self.gone)


def _prefixed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{_PREFIX}{name}": value for name, value in values.items()}


def _over(function: Callable[[Settings], Any]) -> Callable[[Mapping[str, Any]], Any]:
    return lambda values: function(Settings(values))


def _written(build: Callable[[Settings], server.Entries]) -> Callable[[Mapping[str, Any]], Any]:
    """A section by itself, so that what is wrong in one hides nothing of another."""
    return lambda values: render(Document("", [Section("", build(Settings(values)))], []))


def _one_port(name: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda values: Settings(values).port(name)


def _makers() -> list[Callable[[Mapping[str, Any]], Any]]:
    sections = [_written(build) for _title, _intro, build in server.builders("")]
    misspelt, unpackaged = _over(module_choice.refuse_misspelt), _over(module_choice.refuse_unpackaged)
    return [
        _over(hosts_of),
        lambda values: render(Document("", [], hosts_of(Settings(values)))),
        *sections,
        *map(_one_port, _ONE_PORT),
        model.config_text,
        model.secret_files,
        declared_accounts,
        probe_pairs,
        model.served_names,
        model.ports_once,
        misspelt,
        unpackaged,
        _over(option_names.refuse_unread),
        _over(option_names.refuse_unopened),
    ]


def examine(values: Mapping[str, Any]) -> Examined:
    """Return all that is wrong with the settings, and what is left of them without it."""
    state = Examined(dict(values))
    for make in _makers():
        _try(make, state)
    for look in (password_problems, room_problems, invitation_problems):
        for line in _try(look, state) or []:
            state.tell(line)
    return state


def _try(make: Callable[[Mapping[str, Any]], Any], state: Examined) -> Any:
    """Return what can be made of what is not wrong, or nothing where a thing is wrong that cannot be left out."""
    while True:
        try:
            return make(state.values)
        except XmppError as error:
            line = str(error)
            state.tell(line)
            if not state.leave_out(line):
                return None


def problems(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what stands in the way of a configuration, as conditions that failed in the form of action preflight."""
    return [{"that": False, "problem": line} for line in examine(values).lines]


def known_ports(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the ports that are not in doubt, as model.ports does."""
    return list(_try(model.ports, examine(values)) or [])


def known_certificate_names(values: Mapping[str, Any]) -> list[str]:
    """Return the names that the certificate must cover, or none where it is in doubt who is served."""
    state = examine(values)
    return model.certificate_names(state.values) if state.sound(*_NAMES) else []


def known_front(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a proxy must know, as front.front does, without what is in doubt."""
    return _try(front.front, examine(values)) or {"sites": [], "ports": {}}


def known_places(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return where data are to be, as places.places does, or nothing where that is in doubt."""
    state = examine(values)
    database = [name for name in values if name.startswith("database_")]
    return places.places(state.values) if state.sound(*_NAMES, *_PLACES, *database) else {}
