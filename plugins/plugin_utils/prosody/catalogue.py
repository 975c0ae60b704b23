# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Prosody's modules are for: the reader of modules.yml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import plain_yaml

_DATA = Path(__file__).with_name("modules.yml")


@dataclass(frozen=True)
class Module:
    """One module: `name` without mod_, `summary` in one line, `standards` such as XEP-0280, `since` the first Prosody
    version, `package` the Debian package, `scope` out of global, host, component, `depends` what it loads by itself."""

    name: str
    summary: str
    standards: tuple[str, ...]
    since: str
    package: str
    scope: tuple[str, ...]
    depends: tuple[str, ...]

    @property
    def comment(self) -> str:
        """The summary with the standards behind it, for the line that enables the module."""
        return f"{self.summary} ({', '.join(self.standards)})" if self.standards else self.summary


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Module]:
    """Return all known modules by name. The file is part of the collection, so its form is not in doubt."""
    entries = plain_yaml.parsed(_DATA.read_text(encoding="utf-8"))
    return {
        name: Module(
            name=name,
            summary=entry["summary"],
            standards=tuple(entry["standards"]),
            since=entry["since"],
            package=entry["package"],
            scope=tuple(entry["scope"]),
            depends=tuple(entry["depends"]),
        )
        for name, entry in entries.items()
    }


def comment_of(name: str) -> str:
    """Return the comment for the line that enables module `name`, "" for a module we know nothing about."""
    module = catalogue().get(name)
    return module.comment if module else ""


# What Debian's packages of Prosody 13 have besides (13.0.1 to 13.0.7): known by name, and no more is said of them. Rung
# versions keeps the list complete.
_BESIDES = """
    adhoc_blacklist adhoc_oauth2_client admin_web atom auth_ccert auth_cyrus auth_dovecot auth_ha1 auth_insecure
    auth_ldap2 auth_oauthbearer auth_sql blocking bob broadcast c2s_conn_throttle carbons_adhoc carbons_copies
    client_certs debug_reset debug_sql debug_stanzas dnsbl filter_chatstates flags host_guard http_upload
    http_upload_external ipcheck lastlog legacyauth list_inactive migrate_http_upload muc_activity muc_cache_media
    muc_invite_affiliated muc_mav muc_notifications muc_restrict_nick muc_restrict_rooms net_dovecotauth onions
    password_reset pastebin pep_plus pep_simple posix post_msg privacy_lists private_adhoc proctitle pubsub_forgejo
    pubsub_mqtt register_json register_redirect register_web reload_modules s2s_smacks_timeout sasl_oauthbearer
    scansion_record seclabels server_status stanza_debug storage_ldap turncredentials unknown windows
"""


def packaged() -> frozenset[str]:
    """Return the names of all modules in Debian's packages prosody and prosody-modules."""
    return frozenset(_BESIDES.split()) | {name for name, entry in catalogue().items() if entry.package in _PACKAGES}


_PACKAGES = ("prosody", "prosody-modules")
