# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Domains as Prosody has them in its configuration: in Unicode, prepared as addresses are (RFC 6122)."""

from __future__ import annotations

import re

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import (
    InvalidJid,
    domain_to_ascii,
    nameprep,
)
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError

DNS_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\Z", re.IGNORECASE)


def domain_name(name: str, path: str) -> str:
    """Return a domain as Prosody has it. Raises ModelError, which begins with `path`, for what is none in Unicode."""
    try:
        ascii_name = domain_to_ascii(name)
        unicode_name = nameprep(name.rstrip("."))
    except InvalidJid as error:
        raise ModelError(f"{path}: {error}") from error
    if "xn--" in unicode_name:
        readable = ascii_name.encode("ascii").decode("idna")
        raise ModelError(f"{path}: write {readable!r} for {name!r}; Prosody wants names in Unicode")
    if not DNS_NAME.match(ascii_name.rstrip(".")):
        raise ModelError(f"{path}: this is no domain name")
    return unicode_name
