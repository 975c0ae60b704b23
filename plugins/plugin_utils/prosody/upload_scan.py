# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who looks at uploads, for mod_scan_uploads: its options, and the clamd that the role runs where no other is named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.document import Option
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError, Settings

MODULE, SHARING = "scan_uploads", "http_file_share"
SOCKET = "/run/clamav/clamd.ctl"
"""That of Debian's clamd."""

_ELSEWHERE = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):(?P<port>\d{1,5})\Z")
_MIB = 1024 * 1024
# Prosody's own (mod_http_file_share), where an operator takes the limit away
_USUAL_SIZE = 10 * _MIB


def wanted(settings: Settings) -> bool:
    """Return whether uploads are to be looked at."""
    return settings.flag("upload_scan")


def options(settings: Settings) -> list[Option]:
    """Return the options of mod_scan_uploads, none without prosody_upload_scan.

    Raises ModelError for what is no place of a clamd, and where there is nothing to look at.
    """
    if not wanted(settings):
        return []
    if not _shares(settings):
        where = settings.where("upload_scan")
        raise ModelError(f"{where}: no host has the component upload, so nothing is uploaded")
    unavailable = settings.choice("upload_scan_unavailable", ("refuse", "accept"), "refuse")
    timeout, kept = (settings.period(name) for name in ("upload_scan_timeout", "upload_quarantine_expires_after"))
    if timeout == "never":
        raise ModelError(f"{settings.where('upload_scan_timeout')}: whoever uploads waits; write 30 seconds")
    return [
        Option("scan_uploads_socket", _place(settings), "clamd", settings.where("upload_scan_socket")),
        Option("scan_uploads_unavailable", unavailable, "Where it does not answer"),
        Option("scan_uploads_timeout", timeout or "30 seconds", path=settings.where("upload_scan_timeout")),
        Option("scan_uploads_keep", kept or "4 weeks", "So long in quarantine"),
    ]


def scanner(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what role prosody is to do about clamd.

    here: whether it runs one; remote: whether one is reached over the network; limits: what is set in its
    configuration, as name and value, so that it looks at all that may be uploaded.
    """
    settings = Settings(values)
    here = wanted(settings) and not settings.text("upload_scan_socket")
    largest = settings.size("upload_max_size") or _USUAL_SIZE
    # in whole ones, as the scripts of Debian's package read and write them
    size = -(-largest // _MIB) + 1
    limits = {
        "StreamMaxLength": f"{size}M",
        # what is larger counts as clean
        "MaxFileSize": f"{size}M",
        # with what is packed in it
        "MaxScanSize": f"{4 * size}M",
        # many at once, as after a picture of all of a party
        "MaxConnectionQueueLength": "200",
    }
    return {
        "here": here,
        "remote": bool(_ELSEWHERE.match(settings.text("upload_scan_socket"))),
        "limits": [{"name": name, "value": value} for name, value in limits.items()],
    }


def _shares(settings: Settings) -> bool:
    """Return whether any host shares files."""
    for host in settings.entries("hosts"):
        chosen = host if host.has("standard_components") else settings
        if "upload" in chosen.texts("standard_components"):
            return True
    scopes = [*settings.entries("hosts"), settings]
    return any(one.text("module") == SHARING for scope in scopes for one in scope.entries("components"))


def _place(settings: Settings) -> str:
    place = settings.text("upload_scan_socket")
    found = _ELSEWHERE.match(place)
    if place and not place.startswith("/") and not (found and 0 < int(found["port"]) < 65536):
        where = settings.where("upload_scan_socket")
        raise ModelError(f"{where}: write the path of clamd's socket, or scanner.example:3310 for one on another host")
    return place or SOCKET
