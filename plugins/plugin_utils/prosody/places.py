# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where accounts, rooms and all other data are to be, read off the configuration that the settings make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import model
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.document import Modules, Option

_SQL = ("driver", "database", "host", "port")


def places(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return virtual host or component to where its data is to be: the keys of module prosody_continuity's hosts.

    Raises ModelError for settings that make no configuration.
    """
    document = model.build(values)
    server = _options(entry for section in document.sections for entry in section.entries)
    result = {}
    for host in document.hosts:
        own = {**server, **_options(host.entries)}
        storage = own.get("storage")
        stores = dict(storage) if isinstance(storage, Mapping) else {}
        place: dict[str, Any] = {
            "storage": (None if stores else storage) or own.get("default_storage", "internal"),
            **({"stores": stores} if stores else {}),
        }
        if host.module is None:
            place["authentication"] = own.get("authentication", "internal_hashed")
            place["password_hash"] = own.get("password_hash", "SHA-1")
        else:
            place["module"] = host.module or "component"
        if "sql" in (place["storage"], *stores.values()):
            place["sql"] = {name: own["sql"][name] for name in _SQL if name in own.get("sql", {})}
        if "data_path" in own:
            place["data_path"] = own["data_path"]
        result[host.name] = place
    return result


def _options(entries: Iterable[Option | Modules]) -> dict[str, Any]:
    return {entry.name: entry.value for entry in entries if isinstance(entry, Option)}
