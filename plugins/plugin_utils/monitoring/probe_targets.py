# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the probes of monitoring look at: the services of a deployment in the form of their configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.declared_accounts import probe_file

# port of a service → the probes that look at it (module_utils/monitor/probe.py)
PROBES = {
    "c2s": ("c2s",),
    "c2s_tls": ("c2s_tls",),
    "s2s": ("s2s",),
    "s2s_tls": ("s2s_tls",),
    "https": ("https",),
    "turn_tls": ("turn_tls",),
    "turn": ("stun_udp", "stun_tcp"),
}
_ADDRESSES = ("address", "http_name", "tls_address", "starttls_address", "turn_name", "turn_address")


def password_files(offers: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names of the files with the passwords of the probe accounts. In: results of lookup services."""
    return [probe_file(jid) for one in offers for service in one["services"] for jid in service["accounts"]]


def probe_targets(offers: Iterable[Mapping[str, Any]], passwords: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return one target for each domain. passwords: by the names of password_files().

    What a service goes without has no port, and so no probe, no figure and no alert.
    """
    return [
        {
            "domain": service["domain"],
            **{name: service[name] for name in _ADDRESSES},
            "http_address": service["http_address"] or service["http_name"],
            "ports": {
                probe: service["ports"][name]
                for name, probes in PROBES.items()
                if name in service["ports"]
                for probe in probes
            },
            "archive": service["archive"],
            "accounts": [{"jid": jid, "password": passwords[probe_file(jid)]} for jid in service["accounts"]],
        }
        for one in offers
        for service in one["services"]
    ]
