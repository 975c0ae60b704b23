# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Forms that values must have, beyond their type, for the programs that read them.

No line holds a value: addresses of hooks have keys in them. Numbers are no secret.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.addresses import is_address

_WHOLE = re.compile(r"[+-]?[0-9]+\Z")
# Prometheus, model/time.go: a number with a unit, once or in falling order, and not nothing
_DURATION = re.compile(r"(?=.*[1-9])(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?\Z")
# alecthomas/units, which Prometheus reads sizes with
_SIZE = re.compile(r"[1-9][0-9]*(B|KB|MB|GB|TB|PB|EB)\Z")
# journald.conf(5)
_JOURNAL_SIZE = re.compile(r"[1-9][0-9]*[KMGTPE]?\Z")
_MAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+\Z")
_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})\Z")


@dataclass(frozen=True)
class Form:
    """fits: whether a value is of it; wanted: what is said of one that is not; advice: what to do."""

    fits: Callable[[Any], bool]
    wanted: str
    advice: str


def _between(least: int, most: int | None = None) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        text = str(value).strip()
        # what is no number is told by its type
        return not _WHOLE.match(text) or (least <= int(text) and (most is None or int(text) <= most))

    return fits


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: bool(value) and bool(pattern.match(str(value)))


def _is_network(value: Any) -> bool:
    try:
        ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        return False
    return True


def _is_url(value: Any) -> bool:
    text = str(value)
    try:
        parts = urlsplit(text)
        _port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", text)


def _is_server(value: Any) -> bool:
    found = _SERVER.match(str(value))
    return found is not None and 1 <= int(found[2]) <= 65535


FORMS = {
    "port": Form(_between(1, 65535), "is not a port", "they go from 1 to 65535"),
    "port_or_none": Form(_between(0, 65535), "is not a port", "they go from 1 to 65535, and 0 is for none"),
    "natural": Form(_between(0), "is too small", "it cannot be below 0"),
    "at_least_one": Form(_between(1), "is too small", "it must be 1 or more"),
    # superuser_reserved_connections is 3, and the checks, the exporter and an operator want some too
    "connections": Form(_between(10), "is too small", "it must be 10 or more"),
    "address": Form(
        lambda value: is_address(str(value)), "is not an address", "write one such as 192.0.2.1 or 2001:db8::1"
    ),
    "network": Form(_is_network, "is not an address or a network", "write one such as 192.0.2.1 or 2001:db8::/32"),
    "duration": Form(_matches(_DURATION), "is not a duration", "write one such as 30s, 5m, 4h or 1h30m"),
    "size": Form(_matches(_SIZE), "is not a size", "write one such as 512MB or 2GB"),
    "journal_size": Form(_matches(_JOURNAL_SIZE), "is not a size", "write one such as 500M or 1G"),
    "mail_address": Form(_matches(_MAIL), "is not a mail address", "write one such as ops@example.org"),
    "server": Form(_is_server, "is not a server with its port", "write one such as mail.example.org:587"),
    "url": Form(_is_url, "is not the address of a web server", "write one such as https://example.org/hook"),
}


def problems(form: str, shown: str, value: Any) -> list[str]:
    """Return what is wrong with a value, a line or none. shown: how it is called. Raises KeyError for no such form."""
    wanted = FORMS[form]
    if value is None or value == "" or wanted.fits(value):
        return []
    return [f"{shown} {wanted.wanted}: {wanted.advice}."]
