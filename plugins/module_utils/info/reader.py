# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reader: the server's answer to the question in `lua` → what the module returns. Pure."""

from __future__ import annotations

import datetime
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import certificate

_SESSION_KINDS = ("c2s", "c2s_unauthenticated", "s2s_in", "s2s_out")
_MEMORY_KINDS = ("allocated", "used", "lua")


class InfoError(XmppError):
    """The server's answer is not what Prosody 13 gives."""


def stopped() -> dict[str, Any]:
    """Return the result for a server that does not run: the keys of `read`, all of them empty."""
    return {
        "running": False,
        "version": None,
        "started": None,
        "uptime": 0,
        "hosts": {},
        "components": {},
        "modules": {},
        "problems": [],
        "ports": [],
        "certificates": {},
        "sessions": {**dict.fromkeys(_SESSION_KINDS, 0), "hosts": {}},
        "failing_peers": [],
        "memory": dict.fromkeys(_MEMORY_KINDS),
        "paths": {"config": None, "data": None, "source": None, "plugins": []},
        "drift": {"activate": [], "deactivate": [], "load": [], "unload": []},
    }


def read(answer: Any) -> dict[str, Any]:
    """Return the state of the server as plain data, in a stable order.

    answer: the decoded JSON of the chunk in `lua`.
    Raises InfoError: something that every Prosody 13 says is missing.
    """
    try:
        return _read(answer)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InfoError(
            f"Prosody's description of itself cannot be read ({type(error).__name__}: {error}). "
            "This collection reads Prosody 13.0: is it another version that runs?"
        ) from error


def _read(answer: Any) -> dict[str, Any]:
    now = int(answer["time"])
    started = int(answer["started"])
    hosts = {name: _host(entry) for name, entry in sorted(_map(answer["hosts"]).items())}
    return {
        "running": True,
        "version": str(answer["version"]),
        "started": _time(started),
        "uptime": now - started,
        "hosts": {name: host for name, host in hosts.items() if host["type"] == "host"},
        "components": {name: host for name, host in hosts.items() if host["type"] == "component"},
        "modules": {host: sorted(names) for host, names in sorted(_map(answer["modules"]).items())},
        "problems": sorted(_list(answer["problems"]), key=lambda item: (item["host"], item["module"])),
        "ports": sorted(map(_port, _list(answer["ports"])), key=lambda item: (item["port"], item["interface"])),
        "certificates": _certificates(answer, now),
        "sessions": {
            **{kind: int(answer["sessions"][kind]) for kind in _SESSION_KINDS},
            "hosts": dict(sorted(_map(answer["sessions"]["hosts"]).items())),
        },
        "failing_peers": sorted(map(_peer, _list(answer.get("peers"))), key=lambda item: (item["peer"], item["host"])),
        "memory": {kind: answer["memory"].get(kind) for kind in _MEMORY_KINDS},
        "paths": {
            "config": answer["config_file"],
            "data": answer["data_path"],
            "source": answer["source_path"],
            "plugins": [path.rstrip("/") for path in answer["plugin_paths"].split(";") if path],
        },
        "drift": {
            "activate": sorted(_list(answer["drift"]["activate"])),
            "deactivate": sorted(_list(answer["drift"]["deactivate"])),
            "load": _pairs(answer["drift"]["load"]),
            "unload": _pairs(answer["drift"]["unload"]),
        },
    }


def _map(value: Any) -> dict[str, Any]:
    """An object; Prosody writes an empty table as an empty list or an empty object."""
    return dict(value) if value else {}


def _list(value: Any) -> list[Any]:
    return list(value) if value else []


def _pairs(value: Any) -> list[dict[str, str]]:
    return sorted(_list(value), key=lambda item: (item["host"], item["module"]))


def _time(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _host(entry: dict[str, Any]) -> dict[str, Any]:
    storage = _map(entry["storage"])
    default = storage.pop("default", None) or entry.get("default_storage") or "internal"
    host = {
        "type": entry["type"],
        "configured": bool(entry["configured"]),
        "enabled": bool(entry["enabled"]),
        "active": bool(entry["active"]),
        "certificate": entry.get("certificate"),
        "http_host": entry.get("http_host"),
        "http_certificate": entry.get("http_certificate"),
        "storage": {
            "default": default,
            "stores": dict(sorted(storage.items())),
            "drivers": _list(entry.get("drivers")),
        },
    }
    if entry["type"] == "host":
        host["authentication"] = entry.get("authentication")
    else:
        host["component"] = entry.get("component")
        host["external"] = entry.get("component") == "component"
        host["connected"] = entry.get("connected")
    return host


def _peer(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "peer": item["peer"],
        "host": item["host"],
        "direction": item["direction"],
        "since": _time(int(item["since"])),
        "reason": item["reason"],
        "text": " ".join(str(item["text"]).split()),
        "worked": _time(int(item["ok"])) if item.get("ok") else None,
    }


def _port(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "service": item["service"],
        "interface": item["interface"],
        "port": int(item["port"]),
        "direct_tls": bool(item["direct_tls"]),
        "private": bool(item["private"]),
        "certificate": item.get("certificate"),
    }


def _certificates(answer: dict[str, Any], now: int) -> dict[str, Any]:
    """Path of each certificate in use → what it says, and who uses it."""
    result = {}
    for path, pem in sorted(_map(answer["pems"]).items()):
        hosts = _map(answer["hosts"])
        entry: dict[str, Any] = {
            "hosts": sorted(
                name for name, host in hosts.items() if path in (host.get("certificate"), host.get("http_certificate"))
            ),
            "ports": sorted({int(port["port"]) for port in _list(answer["ports"]) if port.get("certificate") == path}),
            "error": None,
        }
        try:
            entry.update(_certificate(path, pem, now))
        except certificate.CertificateError as error:
            entry["error"] = str(error)
        result[path] = entry
    return result


def _certificate(path: str, pem: Any, now: int) -> dict[str, Any]:
    if not pem:
        raise certificate.CertificateError(
            f"Prosody uses {path} but cannot read a certificate from it: look at its permissions and its content"
        )
    found = certificate.parse_pem(pem.encode(), path)[0]
    end = int(found.not_after.timestamp())
    return {
        "subject": found.subject,
        "issuer": found.issuer,
        "names": list(found.names),
        "sha256": found.sha256,
        "not_before": _time(int(found.not_before.timestamp())),
        "not_after": _time(end),
        "seconds_left": max(end - now, 0),
        "expired": end <= now,
    }
