# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an operator is told at the end of a deployment, read off the settings that were deployed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.declared_accounts import account_names
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.hosts import external_url, host_name
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import Settings

_WIDTH = 16


def summary(values: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """Return one line for each thing to know of one server.

    values: settings of role prosody without their prefix. about: `address` and `turn_address` where clients connect,
    `secrets` (the directory), `authority` (a file that clients must trust, or nothing), `web_client` (whether the proxy
    has one), `status_page` (whether the proxy shows the state of everything), `shell` (what stands before a command for
    the server), `container` (that of Prosody, or nothing), `engine` (options of docker that reach it), `tunnel` (the
    command that opens the way to the pictures, or nothing), `undeclared` (JIDs that were declared once, are not any
    more and can sign in), `invitations` (as module prosody_invites returns them), `links` (the directory with their
    links) and `backups` (their repository, or nothing).
    """
    settings = Settings(values)
    names = account_names(values)
    log = f"{about.get('shell') or ''} journalctl -u prosody".strip()
    if about.get("container"):
        log = " ".join(filter(None, ("docker", about.get("engine"), "logs --tail 50", about["container"])))
    lines = [
        ("XMPP domain", ", ".join(host_name(host) for host in settings.entries("hosts"))),
        ("In a browser", _pages(settings) if about.get("web_client") else ""),
        ("Its state", _state_page(settings, about)),
        ("Connect at", f"{about['address']}, {_clients(settings)}"),
        ("Calls", _calls(settings, about)),
        ("Accounts", ", ".join(names) or "none declared"),
        ("Also sign in", _undeclared(list(about.get("undeclared") or []))),
        ("Invitations", _invitations(about)),
        ("Passwords", f"{about['secrets']}/ (one file for each that you did not give, for you only)"),
        ("Trust", f"clients must trust {about['authority']}" if about.get("authority") else ""),
        ("Backups", _backups(about)),
        ("Server log", log),
        (
            "Pictures",
            f"{about['tunnel']}, then http://127.0.0.1:9090/consoles/overview.html" if about.get("tunnel") else "",
        ),
    ]
    return "".join(f"{name:<{_WIDTH}}{text}\n" for name, text in lines if text)


def _pages(settings: Settings) -> str:
    names = [host_name(host) for host in settings.entries("hosts")]
    return ", ".join(filter(None, (external_url(settings, name) for name in names)))


def _state_page(settings: Settings, about: Mapping[str, Any]) -> str:
    page = _pages(settings).partition(",")[0]
    if not about.get("status_page") or not page:
        return ""
    return f"{page}status for the user operator, whose password is in {about['secrets']}/status_password"


def _ports(numbers: Iterable[int], what: str) -> str:
    found = " and ".join(map(str, numbers))
    return f"{found} ({what})" if found else ""


def _clients(settings: Settings) -> str:
    ways = [
        _ports(settings.numbers("c2s_ports"), "STARTTLS"),
        _ports(settings.numbers("c2s_direct_tls_ports"), "direct TLS"),
    ]
    found = " or ".join(filter(None, ways))
    return f"port {found}" if found else "by HTTPS alone"


def _calls(settings: Settings, about: Mapping[str, Any]) -> str:
    if not settings.text("turn_host"):
        return ""
    tls = settings.number("turn_tls_port")
    secured = f", with TLS {tls}" if tls else ""
    return f"TURN at {about['turn_address']}, port {settings.number('turn_port')}{secured}"


def _invitations(about: Mapping[str, Any]) -> str:
    declared = list(about.get("invitations") or [])
    waiting = [f"{one['name']} until {one['expires']}" for one in declared if one["state"] == "pending"]
    spent = [f"{one['name']}: {one['state']}" for one in declared if one["state"] != "pending"]
    links = [f"{', '.join(waiting)}: the links are in {about.get('links')}/ for you only"] if waiting else []
    return "; ".join([*links, *spent])


def _backups(about: Mapping[str, Any]) -> str:
    place = about.get("backups")
    alone = ", which is gone when the host is: docs/backup.md" if place == "/var/backups/xmpp" else ""
    return f"in {place}{alone}; print {about['secrets']}/backup-escrow.txt" if place else ""


def _undeclared(jids: list[str]) -> str:
    shown = ", ".join(jids[:10]) + (f" and {len(jids) - 10} more" if len(jids) > 10 else "")
    advice = "declared before, and no more; state: absent removes them and the files of their passwords"
    return f"{shown}: {advice}" if jids else ""
