# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an ACME server tells everybody: its profiles, and when it would have a certificate renewed (RFC 9773).

The latter is earlier than by its life where it will be revoked; certbot of Debian 13 does not ask.
"""

from __future__ import annotations

import base64
import datetime
import http.client
import json
import ssl
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.settings import Settings
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import Certificate


def identifier(certificate: Certificate) -> str:
    """How the server calls a certificate (RFC 9773 section 4.1), "" where it names no key of its issuer."""
    if not certificate.authority_key_id:
        return ""
    serial = certificate.serial.to_bytes(certificate.serial.bit_length() // 8 + 1, "big")  # as in DER: signed
    parts = (bytes.fromhex(certificate.authority_key_id), serial)
    return ".".join(base64.urlsafe_b64encode(part).decode("ascii").rstrip("=") for part in parts)


def moment(answer: Any, certificate: Certificate) -> float:
    """A moment in the window that the server suggests, the same for the same certificate; 0 for none. Pure.

    Not before the certificate was issued: servers with certificates of an hour suggest windows of days.
    """
    try:
        window = answer["suggestedWindow"]
        start, end = (
            datetime.datetime.fromisoformat(window[name].replace("Z", "+00:00")).timestamp()
            for name in ("start", "end")
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return 0
    # what lies before its issue would have each new one renewed at once, again and again
    start = max(start, certificate.not_before.timestamp())
    share = int(certificate.sha256[:8], 16) / 0x100000000
    return start + (end - start) * share if end > start else 0


def get(url: str, authority: str, timeout: float = 20) -> Any:
    """The JSON at an address with https. Raises OSError, ValueError, HTTPException."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError(f"{url} is no address with https")
    context = ssl.create_default_context(cafile=authority or None)
    connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=context)
    try:
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
        answer = connection.getresponse()
        text = answer.read(1_000_000)
    finally:
        connection.close()
    if answer.status != 200:
        raise ValueError(f"{url}: HTTP {answer.status}")
    return json.loads(text)


def profile_problem(settings: Settings) -> str:
    """What is wrong with the profile that is asked for, "" if the server has it or cannot be asked. Never raises.

    certbot goes on without one that there is not, so that renewals do not end with a profile.
    """
    if not settings.profile:
        return ""
    try:
        has = get(settings.directory, settings.authority).get("meta", {}).get("profiles", {})
        known = ", ".join(sorted(has)) or "none"
    except (OSError, ValueError, AttributeError, TypeError, http.client.HTTPException):
        return ""  # to issue will fail, and say more
    if settings.profile in has:
        return ""
    return f"it has no profile {settings.profile} (certificates_acme_profile), but {known}"


def suggested(settings: Settings, certificate: Certificate) -> float:
    """From when on the server would have it renewed, in seconds since 1970; 0 where it does not say. Never raises."""
    name = identifier(certificate)
    try:
        place = get(settings.directory, settings.authority).get("renewalInfo")
        return moment(get(f"{place.rstrip('/')}/{name}", settings.authority), certificate) if place and name else 0
    except (OSError, ValueError, AttributeError, http.client.HTTPException):
        return 0
