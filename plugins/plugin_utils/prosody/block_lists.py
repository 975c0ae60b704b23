# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists of spammers that servers share, for mod_block_lists: its options, and lists that could never be had."""

from __future__ import annotations

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import InvalidJid, parse
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.document import Option
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.names import domain_name
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError, Settings

KEYS = ("jid", "node")


def options(settings: Settings, allow: list[str], deny: list[str]) -> list[Option]:
    """Return the options of mod_block_lists that prosody_block_lists asks for, none without it.

    allow, deny: domains of other servers (prosody_s2s_allow, prosody_s2s_deny).
    Raises ModelError for what names no list, and for a list whose server is not talked to.
    """
    lists: list[dict[str, str]] = []
    for entry in settings.entries("block_lists"):
        one = _list(entry)
        if one in lists:
            raise ModelError(f"{entry.path}: this list is there twice, write it once")
        _reached(one["jid"].rpartition("@")[2], entry.where("jid"), settings, allow, deny)
        lists.append(one)
    if not lists:
        return []
    path, ours = settings.where("block_lists"), _hosts(settings)
    return [
        Option("block_lists", lists, "Who is on one is kept from rooms and from strangers", path),
        Option("block_lists_host", ours[0], "Asks for them, and keeps them"),
    ]


_SAMPLES = {"jid": "xmppbl.org", "node": "muc_bans_sha256"}


def _list(entry: Settings) -> dict[str, str]:
    """Return a list as Prosody has it."""
    for key in entry.values:
        if key not in KEYS:
            raise ModelError(f"{entry.path}.{key}: a list has {' and '.join(KEYS)} only")
    for key in KEYS:
        if not entry.text(key):
            raise ModelError(f"{entry.where(key)} is needed, such as {_SAMPLES[key]}")
    where = entry.where("jid")
    try:
        service = parse(entry.text("jid"))
    except InvalidJid as error:
        raise ModelError(f"{where}: {error}") from error
    if service.resource:
        raise ModelError(f"{where}: the address of a service has no resource; the name of the list is its node")
    domain = domain_name(service.domain, where)
    return {"jid": f"{service.local}@{domain}" if service.local else domain, "node": entry.text("node")}


def _hosts(settings: Settings) -> list[str]:
    """Return the virtual hosts, then the components of the server that have names of their own."""
    scopes = [*settings.entries("hosts"), *settings.entries("components")]
    return [domain_name(scope.text("name"), scope.where("name")) for scope in scopes]


def _reached(domain: str, where: str, settings: Settings, allow: list[str], deny: list[str]) -> None:
    """Refuse a list that could never be had."""
    if _covers(_hosts(settings), domain):
        return
    if not settings.flag("federation", True):
        raise ModelError(f"{where}: this server talks to no other one (prosody_federation: false)")
    if _covers(deny, domain):
        raise ModelError(f"{where}: this server does not talk to {domain}, which is on prosody_s2s_deny")
    if allow and not _covers(allow, domain):
        raise ModelError(f"{where}: this server does not talk to {domain} unless prosody_s2s_allow has it, too")


def _covers(domains: list[str], domain: str) -> bool:
    return any(domain == one or domain.endswith(f".{one}") for one in domains)
