# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values that Prosody would not take, or would take for something else. Pure; each raises ModelError with their path.

The linter knows them too, from the sources on the host; where Prosody is not installed yet it would be asked too late.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.addresses import is_address
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError, Settings
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.types import nearest

LIMITED = ("c2s", "s2s", "s2sin", "s2sout", "component")
"""The kinds of sessions that mod_limits knows; which of them the installed one does is for the linter to say."""

LIMITS = ("rate", "burst", "max_connections_per_ip")
"""What a limit has: mod_limits, the last from 13.0.6 on."""

# parse_rate, parse_burst in mod_limits
_RATE = re.compile(r"[0-9]+ ?[bkmgt][^/]*/s\Z", re.IGNORECASE)
_BURST = re.compile(r"[0-9]+ ?s?\Z")

CONTACTS = ("abuse", "admin", "feedback", "sales", "security", "status", "support")
"""Whom XEP-0157 knows (mod_server_contact_info)."""

# letters of any script, and what RFC 3986 has; the proxy writes them into a file of nginx
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\w\-.~:/?#\[\]@!$&'()*+,;=%]+\Z")

# util/gc.lua
_COLLECTORS = {
    "incremental": ("mode", "threshold", "speed", "step_size"),
    "generational": ("mode", "minor_threshold", "major_threshold"),
}

# openssl list -tls-groups of OpenSSL 3.5, and what it calls some of them besides; their case does not matter to it
_GROUPS = {
    *("prime256v1", "secp256r1", "P-256", "secp384r1", "P-384", "secp521r1", "P-521", "X25519", "X448"),
    *("brainpoolP256r1tls13", "brainpoolP384r1tls13", "brainpoolP512r1tls13"),
    *("ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192"),
    *("MLKEM512", "MLKEM768", "MLKEM1024", "SecP256r1MLKEM768", "X25519MLKEM768", "SecP384r1MLKEM1024"),
}


def limits(settings: Settings) -> dict[str, Any]:
    """Return the limits of sessions by kind."""
    found = settings.mapping("limits")
    for kind, given in found.items():
        path = f"{settings.where('limits')}.{kind}"
        if kind not in LIMITED:
            raise ModelError(f"{path}: there are limits for {', '.join(LIMITED)} only")
        if not isinstance(given, Mapping):
            raise ModelError(f"{path}: a limit is a mapping, such as {{rate: 10kb/s, burst: 2s}}")
        for key, value in given.items():
            if key not in LIMITS:
                raise ModelError(f"{path}.{key}: a limit has {', '.join(LIMITS)} only")
            if key == "rate" and not _RATE.match(str(value)):
                raise ModelError(f"{path}.rate: expected bytes per second, such as 10kb/s")
            if key == "burst" and not _BURST.match(str(value)):
                raise ModelError(f"{path}.burst: expected seconds, such as 2s")
    return found


def contacts(settings: Settings) -> dict[str, list[str]]:
    """Return the URIs of each kind of contact; one alone may be given as a text."""
    found = {}
    for kind, given in settings.mapping("contact_info").items():
        path = f"{settings.where('contact_info')}.{kind}"
        if kind not in CONTACTS:
            raise ModelError(f"{path}: there are {', '.join(CONTACTS)} only")
        uris = [given] if isinstance(given, str) and given else given or []
        if not isinstance(uris, (list, tuple)):
            raise ModelError(f"{path}: expected a list of URIs, such as [mailto:abuse@example.org]")
        for uri in uris:
            if not isinstance(uri, str) or not _URI.match(uri):
                raise ModelError(f"{path}: expected URIs, such as mailto:abuse@example.org or xmpp:abuse@example.org")
        if uris:
            found[kind] = list(uris)
    return found


def collector(settings: Settings) -> dict[str, Any]:
    """Return the settings of Lua's garbage collector."""
    found = settings.mapping("gc")
    mode = found.get("mode", "incremental")
    path = settings.where("gc")
    if mode not in _COLLECTORS:
        raise ModelError(f"{path}.mode: expected {' or '.join(_COLLECTORS)}")
    for key, value in found.items():
        if key not in _COLLECTORS[mode]:
            raise ModelError(f"{path}.{key}: with mode {mode} there are {', '.join(_COLLECTORS[mode])} only")
        if key != "mode" and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise ModelError(f"{path}.{key}: expected a number")
    return found


def groups(settings: Settings) -> list[str]:
    """Return the groups of key exchange, the first is liked best."""
    found = settings.named_texts("tls_groups")
    known = {group.lower() for group in _GROUPS}
    for path, group in found:
        if group.lower() not in known:
            near = nearest(group, _GROUPS)
            raise ModelError(
                f"{path}: OpenSSL has no such group" + (f"; is it {near}?" if near else ": openssl list -tls-groups")
            )
    return [group for _path, group in found]


def interfaces(settings: Settings, name: str) -> list[str]:
    """Return the addresses to listen at."""
    found = settings.named_texts(name)
    for path, interface in found:
        if interface != "*" and not is_address(interface):
            raise ModelError(f"{path}: expected an address of this host, or '*' for all, not the name of a card")
    return [interface for _path, interface in found]
