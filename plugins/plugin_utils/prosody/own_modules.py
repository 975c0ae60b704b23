# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The modules of Prosody that come with the collection: one table of when each is on, and what follows from it.

Installation, plugin_paths, modules_enabled and what the linter is told in check mode all ask here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import ldap, upload_scan
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import Settings

DIRECTORY = "/usr/local/lib/prosody/xmpp-own-modules"
"""Nobody else writes there: a name that Prosody has as well would take the place of its own module."""

PACKAGE = "allthingslinux.xmpp"
"""What the catalogue says about where such a module comes from."""

_SOURCES = Path(__file__).resolve().parents[3] / "roles" / "prosody" / "files"

SERVER, ROOMS, UPLOADS, REGISTRATION, PUBLIC = "server", "muc", "upload", "registration", "public"


@dataclass(frozen=True)
class OwnModule:
    """A module by its name without mod_, where it is enabled, and whether settings ask for it.

    `options`: those that it alone reads.
    """

    name: str
    place: str
    wanted: Callable[[Settings], object]
    options: tuple[str, ...] = ()


def proxied_services(settings: Settings) -> dict[int, str]:
    """Return port → service for connections that a proxy hands on with the PROXY protocol."""
    if not settings.flag("proxied"):
        return {}
    listed = (
        ("proxied_c2s_port", "c2s_direct_tls", True),
        ("proxied_s2s_port", "s2s_direct_tls", settings.flag("federation", True)),
        ("proxied_c2s_starttls_port", "c2s", True),
        ("proxied_s2s_starttls_port", "s2s", settings.flag("federation", True)),
    )
    return {
        settings.number(port): service
        for port, service, on in listed
        if on and settings.number(port) and settings.numbers(f"{service}_ports")
    }


def proxies_are_here(settings: Settings) -> bool:
    """Whether all proxies are on the host of Prosody."""
    return all(address == "::1" or address.startswith("127.") for address in settings.texts("proxies"))


def _has_proxy_elsewhere(settings: Settings) -> bool:
    return settings.flag("proxied") and settings.flag("log_refused_sign_ins") and not proxies_are_here(settings)


def _has_rooms(settings: Settings) -> bool:
    hosts = settings.entries("hosts")
    return any(
        "muc" in (host if host.has("standard_components") else settings).texts("standard_components") for host in hosts
    )


def _policies(settings: Settings) -> set[str]:
    return {host.text("registration") or settings.text("registration") for host in settings.entries("hosts")}


def _registers(settings: Settings) -> bool:
    return bool(_policies(settings) & {"invite", "public"})


def _is_public(settings: Settings) -> bool:
    return "public" in _policies(settings)


def _waits(settings: Settings) -> bool:
    return _is_public(settings) and settings.number("newcomer_days", 3) > 0


def _has_pages(settings: Settings) -> bool:
    return settings.flag("proxied") and _registers(settings)


def _measures_peers(settings: Settings) -> bool:
    return settings.flag("metrics") and settings.flag("federation", True)


def _chooses_peers(settings: Settings) -> bool:
    named = settings.texts("s2s_allow") or settings.texts("s2s_deny")
    return bool(named) and settings.flag("federation", True)


def _goes_by_dane(settings: Settings) -> bool:
    return settings.flag("dane") and settings.flag("federation", True)


OWN = (
    OwnModule(
        "block_lists",
        SERVER,
        lambda settings: settings.sequence("block_lists"),
        ("block_lists", "block_lists_host", "block_lists_refresh", "block_lists_retry"),
    ),
    OwnModule("log_ndjson", SERVER, lambda settings: settings.text("log_to") == "json"),
    OwnModule("log_refused_sign_ins", SERVER, lambda settings: settings.flag("log_refused_sign_ins")),
    OwnModule("front_refusals", SERVER, _has_proxy_elsewhere),
    OwnModule(
        "audit_trail",
        SERVER,
        lambda settings: settings.flag("audit_trail"),
        ("audit_trail_addresses", "audit_trail_keep", "audit_trail_quiet"),
    ),
    OwnModule("handshake_deadline", SERVER, lambda _settings: True, ("tls_handshake_deadline",)),
    OwnModule(
        "stanza_shape",
        SERVER,
        lambda _settings: True,
        ("stanza_shape_levels", "stanza_shape_elements_clients", "stanza_shape_elements_servers"),
    ),
    OwnModule(
        "stanza_pace",
        SERVER,
        lambda _settings: True,
        (
            "stanza_pace_clients",
            "stanza_pace_clients_at_once",
            "stanza_pace_clients_percent",
            "stanza_pace_servers",
            "stanza_pace_servers_at_once",
            "stanza_pace_servers_percent",
        ),
    ),
    OwnModule("guesses", SERVER, lambda _settings: True, ("guesses_at_once", "guesses_period")),
    OwnModule("sql_reconnect", SERVER, lambda settings: settings.text("storage") == "postgresql"),
    OwnModule("ldap_guard", SERVER, ldap.hosts, ("ldap_guard_pause",)),
    OwnModule("measure_traffic", SERVER, lambda settings: settings.flag("metrics")),
    OwnModule("measure_peers", SERVER, _measures_peers),
    OwnModule("dane_incoming", SERVER, _goes_by_dane),
    OwnModule("peers_allowed", SERVER, _chooses_peers, ("s2s_allow", "s2s_deny")),
    OwnModule("taken_names", REGISTRATION, _registers),
    OwnModule("invites_json", REGISTRATION, _has_pages),
    OwnModule("register_networks", PUBLIC, _is_public),
    OwnModule(
        "register_dns_lists",
        PUBLIC,
        lambda settings: _is_public(settings) and settings.texts("registration_dns_blocklists"),
        ("registration_dns_blocklists", "registration_dns_patience"),
    ),
    OwnModule("newcomers", PUBLIC, _waits, ("newcomer_days", "newcomer_strangers")),
    OwnModule("proxy_direct_tls", SERVER, proxied_services, ("proxy_direct_tls_mappings", "proxy_direct_tls_trusted")),
    OwnModule("turn_per_user", SERVER, lambda settings: settings.text("turn_host")),
    OwnModule("muc_unconfigured", ROOMS, _has_rooms),
    OwnModule(
        "muc_floods",
        ROOMS,
        _has_rooms,
        ("muc_flood_ban", "muc_flood_lines", "muc_flood_period", "muc_flood_refusals"),
    ),
    OwnModule(
        upload_scan.MODULE,
        UPLOADS,
        upload_scan.wanted,
        ("scan_uploads_keep", "scan_uploads_socket", "scan_uploads_timeout", "scan_uploads_unavailable"),
    ),
    OwnModule("muc_announcers", ROOMS, lambda settings: settings.texts("muc_announcers"), ("muc_announcers",)),
)


def wanted(settings: Settings, place: str) -> list[str]:
    """Return the modules that `settings` ask for in `place`.

    SERVER is all hosts, ROOMS the rooms of each host, UPLOADS where its people share files, REGISTRATION the hosts
    where people register, PUBLIC those where everybody may.
    """
    return [module.name for module in OWN if module.place == place and module.wanted(settings)]


def needed(settings: Settings) -> list[OwnModule]:
    """Return the modules that must lie on the host: those that are wanted, and those that an operator names."""
    disabled = set(settings.texts("modules_disabled"))
    names = {module.name for module in OWN if module.wanted(settings)} - disabled
    names |= {name for _path, name in settings.named_modules()}
    return [module for module in OWN if module.name in names]


def own_modules(values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return what follows from `values` for the host.

    files: the directory and the modules that are needed, as module managed_files takes them
    leftovers: the files of the others, likewise, to be removed
    lint_exceptions: what the linter would say only because the needed ones are not on the host yet
    """
    modules = needed(Settings(values))
    directories = [{"path": path, "state": "directory"} for path in (str(Path(DIRECTORY).parent), DIRECTORY)]
    return {
        "files": directories + [{"path": _path(module), "content": _source(module)} for module in modules],
        "leftovers": [{"path": _path(module), "state": "absent"} for module in OWN if module not in modules],
        "lint_exceptions": [
            *(f"unknown-module:{module.name}" for module in modules),
            *(f"unread-option:{option}" for module in modules for option in module.options),
        ],
    }


def _source(module: OwnModule) -> str:
    return (_SOURCES / Path(_path(module)).name).read_text(encoding="utf-8")


def _path(module: OwnModule) -> str:
    return f"{DIRECTORY}/mod_{module.name}.lua"
