# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an operator is advised to type, as it is typed where services are in containers. Pure.

Checks and findings name the commands of a host with systemd, in whatever sentence; here they become those of the
Docker host. A text that holds none stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import reach

_COMPANION = "-companion"
# what timers start is run by the keeper, which says what it did
_KEEPER = "keeper"
_ONE = r"(?:'[^']+'|[A-Za-z0-9_][\w@.*-]*[\w*])"
_JOURNAL = re.compile(rf"journalctl((?: -[ut] {_ONE})+)(?: -n (\d+))?(?: --no-pager)?")
# not where it was done already
_STATE = re.compile(rf"(?<!-{_KEEPER} )systemctl (status|start|restart) ({_ONE})")
_PROSODYCTL = re.compile(rf"(?<![\w/-])(?<!-{_KEEPER} )prosodyctl (?=(check|shell)\b)")


def containers(host: Mapping[str, Any]) -> str:
    """Return how the names of a host's containers begin, as Ansible is told; "" for another host.

    Also where that is not known, since a variable was not worked out.
    """
    if host.get("xmpp_backend") != "container":
        return ""
    name = str(host.get("ansible_host") or "").removesuffix(_COMPANION)
    return "" if "{" in name else name


def for_host(text: str, host: Mapping[str, Any]) -> str:
    """Return a text with the commands in it as they are typed for a host (its variables)."""
    name = containers(host)
    return on_docker_host(text, name, " ".join(reach.engine_command(host))) if name else text


def commands(text: str, host: Mapping[str, Any]) -> list[str]:
    """Return the commands that a text names and a host (its variables) does not know, as they are typed for it."""
    if not containers(host):
        return []
    found = [match[0] for kind in (_STATE, _JOURNAL) for match in kind.finditer(text)]
    return list(dict.fromkeys(for_host(one, host) for one in found))


def on_docker_host(text: str, name: str, docker: str = "docker") -> str:
    """Return a text with the commands of systemd in it as those of the engine. name: how its containers are called."""

    def service(unit: str) -> str:
        plain = unit.strip("'").removesuffix(".service").removesuffix(".timer").partition("@")[0]
        return _KEEPER if plain.startswith("xmpp-") else "postgresql" if plain == "postgres" else plain

    def journal(found: re.Match[str]) -> str:
        units = dict.fromkeys(service(unit) for unit in re.findall(_ONE, re.sub(r" -[ut] ", " ", found[1])))
        tail = f"--tail {found[2]} " if found[2] else ""
        return "; ".join(f"{docker} logs {tail}{name}-{unit}" for unit in units)

    def state(found: re.Match[str]) -> str:
        unit = service(found[2])
        if found[1] == "status":
            return f"{docker} ps --all --filter name={name}-{unit}"
        if unit == _KEEPER:
            return f"{docker} exec {name}-{_KEEPER} systemctl {found[1]} {found[2]}"
        return f"{docker} {found[1]} {name}-{unit}"

    text = _STATE.sub(state, _JOURNAL.sub(journal, text))
    return _PROSODYCTL.sub(f"{docker} exec {name}-{_KEEPER} prosodyctl ", text)
