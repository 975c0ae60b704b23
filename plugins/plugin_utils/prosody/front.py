# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a proxy in front of Prosody must know about it, out of the settings of role prosody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import domain_to_ascii
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import own_modules, value_forms
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.hosts import external_url, host_name, hosts_of
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import Settings

# mod_invites_page, mod_invites_register_web, mod_register_apps, mod_http_libjs
_PAGES = ["/invites_page", "/invites_page/", "/register", "/register_apps/", "/share/"]


def front(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a proxy must know of the server that `values` describe. Raises XmppError.

    sites: for each virtual host name (A-labels), address (as users see it), title, url, names (those of TLS
      for clients and servers), upload (A-labels) and rooms (its JID; both "" for none), upload_size (bytes, 0 for no
      limit), upload_at (the name in the URLs of uploads), registration, invite_paths (of Prosody's own pages for
      invitations), websocket, bosh, contacts (URIs), limits (upload_total: MB of one user, upload_days and
      archive_days; 0 for none)
    ports: http, https, and for what is handed on by the PROXY protocol c2s and s2s (TLS from the first byte),
      c2s_starttls and s2s_starttls; 0 where there is none
    """
    settings = Settings(values)
    modules = set(settings.texts("modules_disabled"))
    by_service = {service: port for port, service in own_modules.proxied_services(settings).items()}
    return {
        "sites": [_site(host, settings, modules) for host in settings.entries("hosts")],
        "ports": {
            "http": next(iter(settings.numbers("http_ports")), 0),
            "https": next(iter(settings.numbers("https_ports")), 0),
            "c2s": by_service.get("c2s_direct_tls", 0),
            "s2s": by_service.get("s2s_direct_tls", 0),
            "c2s_starttls": by_service.get("c2s", 0),
            "s2s_starttls": by_service.get("s2s", 0),
        },
    }


def _site(host: Settings, settings: Settings, disabled: set[str]) -> dict[str, Any]:
    name = host_name(host)
    own = Settings({**settings.values, "hosts": [host.values], "components": []})
    components = {entry.module: entry.name for entry in reversed(hosts_of(own)) if entry.module}
    upload = domain_to_ascii(components["http_file_share"]) if "http_file_share" in components else ""
    without = disabled | set(host.texts("modules_disabled"))
    contacts = value_forms.contacts(settings)
    url = external_url(settings, name)
    return {
        "name": domain_to_ascii(name),
        "address": name,
        "title": host.text("title") or settings.text("site_name") or name,
        "url": url or f"https://{domain_to_ascii(name)}/",
        "names": [domain_to_ascii(entry.name) for entry in hosts_of(own)],
        "upload": upload,
        "rooms": components.get("muc", ""),
        "upload_at": (urlsplit(url).hostname or "") if url else upload,
        "upload_size": settings.size("upload_max_size") or 0,
        "registration": host.text("registration") or settings.text("registration", "closed"),
        "invite_paths": [] if settings.flag("proxied") else _PAGES,
        "websocket": "websocket" not in without,
        "bosh": "bosh" not in without,
        "contacts": [uri for kind in ("security", "abuse", "admin") for uri in contacts.get(kind) or []]
        or [f"xmpp:{jid}" for jid in settings.texts("admins")],
        "limits": _limits(settings, "http_file_share" in components),
    }


def _days(settings: Settings, name: str) -> int:
    """A period in whole days, -1 for less than one, 0 for no end."""
    seconds = settings.seconds(name)
    return 0 if seconds is None else seconds // 86400 or -1


def _limits(settings: Settings, uploads: bool) -> dict[str, int]:
    """What one user may keep here: as much as fits into the days that files live, and into the store of all."""
    days = _days(settings, "upload_expires_after") if uploads else 0
    daily, total = settings.size("upload_daily_quota"), settings.size("upload_total_quota")
    bounds = [daily * max(days, 1)] if daily and days else []
    bounds += [total] if total else []
    return {
        "upload_total": (min(bounds) // 1_000_000 or -1) if uploads and bounds else 0,
        "upload_days": days,
        "archive_days": _days(settings, "archive_expires_after"),
    }
