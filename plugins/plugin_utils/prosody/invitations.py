# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The invitations that the settings of role prosody declare, as module prosody_invites takes them; what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.invites.declared import INVITATION, wanted_of
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import declared_options
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.hosts import host_name
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.module_choice import registration_modules
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import Settings

# Those that mod_invites is loaded with, by name or by what depends on it
_INVITING = {"invites", "invites_adhoc", "invites_register", "invites_page", "invites_api", "invites_json"}


def declared_invitations(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the lines as the module takes them: to the domain where none says whom or what it is for."""
    settings = Settings(values)
    return [{"jid": settings.text("domain"), **entry.values} for entry in settings.entries("invitations")]


def invitation_problems(values: Mapping[str, Any]) -> list[str]:
    """Return one line for each thing that is wrong with the declared invitations."""
    settings = Settings(values)
    entries = settings.entries("invitations")
    if not entries:
        return []
    hosts = {host_name(host): host for host in settings.entries("hosts")}
    found: list[str] = []
    seen: dict[str, str] = {}
    for entry, line in zip(entries, declared_invitations(values)):
        unfit, options = declared_options.read(entry.path, line, INVITATION)
        found += unfit
        if unfit:
            continue
        try:
            wanted = wanted_of(options)
        except XmppError as error:
            problems = [str(error)]
        else:
            problems = _of_place(wanted.host, hosts, settings)
            if line["name"] in seen:
                problems.append(f"the name {line['name']} is already that of {seen[line['name']]}")
            seen.setdefault(line["name"], entry.path)
        found += [f"{entry.path}: {problem}" for problem in problems]
    return found


def _of_place(name: str, hosts: Mapping[str, Settings], settings: Settings) -> list[str]:
    if name not in hosts:
        return [f"{name} is none of the domains in prosody_hosts ({', '.join(sorted(hosts))})"]
    if not _invites(hosts[name], settings):
        return [
            f"nobody can be invited to {name}, where registration is closed: set xmpp_registration to invite, or add "
            "the module invites"
        ]
    return []


def _invites(host: Settings, settings: Settings) -> bool:
    """Whether mod_invites is loaded on a host."""
    chosen = registration_modules(host if host.has("registration") else settings, settings)
    names = {*chosen, *settings.texts("modules"), *host.texts("modules")}
    return bool(_INVITING & (names - {*settings.texts("modules_disabled"), *host.texts("modules_disabled")}))
