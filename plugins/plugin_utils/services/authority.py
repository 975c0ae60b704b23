# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The authority that issues the certificates of a host, as DNS has to do with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

#: The variables of role certificates that are read here
SETTINGS = ("source", "acme_challenge", "acme_directory")

# the end of the host of an ACME directory → what CAA records may call its authority, the usual name first
_NAMES = {
    "api.letsencrypt.org": ("letsencrypt.org",),
    "zerossl.com": ("sectigo.com", "zerossl.com", "comodoca.com", "comodo.com", "usertrust.com", "trust-provider.com"),
    "api.pki.goog": ("pki.goog",),
    "api.buypass.com": ("buypass.com", "buypass.no"),
    "acme.ssl.com": ("ssl.com",),
}


def names(certificates: Mapping[str, Any]) -> list[str]:
    """Return what CAA records call the ACME server that is to issue; nothing where there is none, or it is not known.

    certificates: variables of role certificates without prefix.
    """
    if certificates.get("source") != "acme":
        return []
    host = (urlsplit(str(certificates.get("acme_directory") or "")).hostname or "").lower()
    ends = {end: found for end, found in _NAMES.items() if host == end or host.endswith((f".{end}", f"-{end}"))}
    return list(next(iter(ends.values()), ()))


def proves_by_http(certificates: Mapping[str, Any]) -> bool:
    """Whether names are proved by HTTP, so that every one of them must have an address."""
    return certificates.get("source") == "acme" and certificates.get("acme_challenge") == "http-01"
