# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the accounts of each virtual host are to be, read off the configuration that the settings make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import model
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.document import Modules, Option

_SQL = ("driver", "database", "host", "port")


def places(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return virtual host to authentication, password_hash, storage (driver of accounts) and sql without its password.

    In the form that module prosody_continuity takes them. Raises ModelError for settings that make no configuration.
    """
    document = model.build(values)
    server = _options(entry for section in document.sections for entry in section.entries)
    result = {}
    for host in document.hosts:
        if host.module is not None:
            continue
        own = {**server, **_options(host.entries)}
        storage = own.get("storage")
        driver = storage.get("accounts") if isinstance(storage, Mapping) else storage
        place = {
            "authentication": own.get("authentication", "internal_hashed"),
            "password_hash": own.get("password_hash", "SHA-1"),
            "storage": driver or own.get("default_storage", "internal"),
        }
        if place["storage"] == "sql":
            place["sql"] = {name: own["sql"][name] for name in _SQL if name in own.get("sql", {})}
        result[host.name] = place
    return result


def _options(entries: Iterable[Option | Modules]) -> dict[str, Any]:
    return {entry.name: entry.value for entry in entries if isinstance(entry, Option)}
