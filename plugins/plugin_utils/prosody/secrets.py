# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets of a configuration: each in a file of its own, the text only refers to it.

Source: FileLine() of core/configmanager.lua, which reads the first line of a file, for the server and prosodyctl alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import domain_to_ascii
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.lua import Call
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError, Settings

DIRECTORY = "/etc/prosody/secrets"
# What PostgreSQL stores as it is: get_password_type() in src/backend/libpq/crypt.c
_HASH = re.compile(r"md5[0-9a-f]{32}\Z|SCRAM-SHA-256\$")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}\Z")

TURN = "turn"
DATABASE = "database"
LDAP = "ldap_bind"


def component(name: str) -> str:
    """Return the file name of the secret of external component `name`; only ASCII, as in DNS."""
    return f"component_{domain_to_ascii(name)}"


def reference(name: str) -> Call:
    """Return the Lua call that reads secret `name` on the target."""
    return Call("FileLine", f"{DIRECTORY}/{name}")


def check(name: str, value: Any, path: str) -> str:
    """Return `value` if it can be a secret. Raises ModelError, which never shows the value."""
    if not _NAME.match(name):
        place = path.removesuffix(f".{name}")
        raise ModelError(f"{place}: a name in it can be no file name; use letters, digits, '.', '_' and '-'")
    if not isinstance(value, str) or not value:
        raise ModelError(f"{path}: the secret must be a text that is not empty; put a number between quotes")
    if any(character in value for character in "\n\r\0"):
        raise ModelError(f"{path}: the secret has more than one line, and only the first would be read")
    if name == DATABASE and _HASH.match(value):
        raise ModelError(f"{path}: PostgreSQL would take it for the hash of a password; give the password itself")
    return value


def resolve(value: Any, settings: Settings, path: str) -> Any:
    """Return `value` with each {from_secret: NAME} in it replaced by the call that reads secret NAME.

    Raises ModelError naming the path where NAME is not in prosody_secrets.
    """
    if isinstance(value, Mapping):
        if "from_secret" in value:
            name = value["from_secret"]
            if set(value) != {"from_secret"} or not isinstance(name, str):
                raise ModelError(f"{path}: from_secret stands alone and names one entry of prosody_secrets")
            if name not in settings.mapping("secrets"):
                raise ModelError(
                    f"{path}: from_secret names an entry of prosody_secrets, and there is none of that name"
                )
            return reference(name)
        return {key: resolve(item, settings, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolve(item, settings, f"{path}[{index}]") for index, item in enumerate(value)]
    return value
