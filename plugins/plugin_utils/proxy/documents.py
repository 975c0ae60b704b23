# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documents below /.well-known/ of a virtual host, as `prosody.front` describes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.addresses import is_address

# What clients may keep host-meta.json for: an address that moves is found within the hour
_TTL = 3600


def provider_file(
    site: Mapping[str, Any], sites: Sequence[Mapping[str, Any]], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return xmpp-provider-v2.json (https://providers.xmpp.net/provider-file-generator/).

    site: the host. sites: all of them, of which the others that take new people are its alternatives.
    given: what no model knows; what is not in it is said as unknown, as the specification has it.
    """
    limits = site.get("limits") or {}
    organization = str(given.get("organization") or "")
    return {
        "website": _by_language(given.get("website")),
        "alternativeJids": [
            other["address"] for other in sites if other["name"] != site["name"] and other["registration"] != "closed"
        ],
        "busFactor": int(given.get("bus_factor") or -1),
        "organization": organization,
        "passwordReset": _by_language(given.get("password_reset")),
        "serverTesting": bool(given.get("server_testing")),
        "maximumHttpFileUploadTotalSize": limits.get("upload_total", 0),
        "maximumHttpFileUploadStorageTime": limits.get("upload_days", 0),
        "maximumMessageArchiveManagementStorageTime": limits.get("archive_days", 0),
        "professionalHosting": bool(given.get("professional_hosting")),
        "freeOfCharge": bool(given.get("free_of_charge")),
        "legalNotice": _by_language(given.get("legal_notice")),
        "serverLocations": [str(place).lower() for place in given.get("server_locations") or []],
        "since": str(given.get("since") or ""),
    }


def host_meta(site: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return host-meta.json with the fields of XEP-0487 besides those of XEP-0156. Raises XmppError.

    options: addresses (public ones of the proxy; clients connect to nothing else), port (as they see it), direct_tls.
    Who reads "xmpp" asks DNS no more, so there is none without addresses.
    """
    addresses, port = _addresses(options.get("addresses") or []), int(options.get("port") or 443)
    name, suffix = site["name"], "" if port == 443 else f":{port}"
    more = {"ips": addresses, "priority": 10, "weight": 50, "sni": name} if addresses else {}
    links: list[dict[str, Any]] = []
    if site.get("websocket"):
        links.append(
            {"rel": "urn:xmpp:alt-connections:websocket", "href": f"wss://{name}{suffix}/xmpp-websocket"}
            | more
            | ({"priority": 15} if more else {})
        )
    if site.get("bosh"):
        links.append({"rel": "urn:xmpp:alt-connections:xbosh", "href": f"https://{name}{suffix}/http-bind"})
    if more and options.get("direct_tls"):
        ports = site.get("ports") or {}
        for relation, kind in (("tls", "c2s"), ("s2s-tls", "s2s")):
            if ports.get(kind):
                links.append({"rel": f"urn:xmpp:alt-connections:{relation}", "port": port} | more)
    return ({"xmpp": {"ttl": _TTL}} if more else {}) | {"links": links}


def _addresses(given: Sequence[Any]) -> list[str]:
    for address in given:
        if not is_address(str(address)):
            raise XmppError(f"{address} is no address of the proxy: give addresses without a prefix or a port.")
    return [str(address) for address in given]


def _by_language(given: Any) -> dict[str, str]:
    """A page for each language; a single one is in English."""
    if isinstance(given, Mapping):
        return {str(language): str(page) for language, page in given.items()}
    return {"en": str(given)} if given else {}
