# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the sources cannot tell: why people write an option that nothing reads, and what they meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

IMPLICIT = frozenset(
    {
        "component_module",
        "defined",
        "enabled",
        "disco_hidden",
        "load_global_modules",
        "modules_disabled",
        "modules_enabled",
        "name",
    }
)
"""Options read off the whole section, not asked for by name (core/hostmanager.lua, core/configmanager.lua)."""

NEVER_READ: dict[str, str] = {
    "account_cleanup": "Prosody does not remove idle accounts by itself: list them with mod_account_activity"
    " (user:list_inactive in the shell); registration_delete_grace_period keeps deleted ones for a while",
    "archive_cleanup": "expiry is archive_expires_after, it runs once a day",
    "archive_compression": "remove it, archives are never compressed",
    "archive_policy": "use default_archive_policy",
    "bosh_hold_timeout": "use bosh_max_wait (how long a request is held)"
    " or bosh_max_inactivity (how long a session survives without one)",
    "bosh_max_requests": "remove it, mod_bosh always holds two requests",
    "bosh_window": "remove it, mod_bosh always holds two requests",
    "bosh_session_timeout": "use bosh_max_inactivity",
    "c2s_max_connections": "Prosody does not count connections: do it in the firewall;"
    " limits = { c2s = { rate = … } } slows each one",
    "c2s_rate_limit": 'use limits = { c2s = { rate = "10kb/s" } }',
    "carbons_enabled": "remove it, mod_carbons in modules_enabled is all there is",
    "csi_enabled": "remove it, mod_csi_simple in modules_enabled is all there is",
    "database_pool_size": "remove it, Prosody keeps one connection per database",
    "group": "use prosody_group; under systemd the unit says it",
    "http_file_share_path": "remove it, the files lie in data_path",
    "http_headers": "remove it, headers are set by the proxy in front; for CORS use http_cors_override",
    "http_max_request_size": "use http_max_content_size",
    "http_upload_allowed_file_types": "use http_file_share_allowed_file_types (mod_http_file_share)",
    "http_upload_expire_after": "use http_file_share_expires_after (mod_http_file_share)",
    "http_upload_file_size_limit": "use http_file_share_size_limit (mod_http_file_share)",
    "http_upload_quota": "use http_file_share_daily_quota or http_file_share_global_quota (mod_http_file_share)",
    "log_level": 'use log = { info = "*syslog" } or another level for a key of log',
    "lua_gc_mode": 'use gc = { mode = "generational" } or gc = { mode = "incremental" }',
    "lua_gc_pause": 'use gc = { mode = "incremental", threshold = 105 }',
    "lua_gc_step_size": 'use gc = { mode = "incremental", speed = 500 }',
    "lua_gc_step_mul": 'use gc = { mode = "incremental", speed = 500 }',
    "lua_gc_speed": 'use gc = { mode = "incremental", speed = 500 }',
    "mam_default_policy": "use default_archive_policy",
    "mam_expires_after": "use archive_expires_after",
    "mam_max_results": "use max_archive_query_results",
    "max_clients": "Prosody does not count connections: LimitNOFILE of its unit is the limit",
    "max_connections": "Prosody does not count connections: LimitNOFILE of its unit is the limit",
    "max_connections_per_ip": "Prosody does not count connections per address: do it in the firewall;"
    " limits = { c2s = { rate = … } } slows each one",
    "max_file_size": "use http_file_share_size_limit",
    "max_stanza_size": "use c2s_stanza_size_limit and s2s_stanza_size_limit",
    "muc_log_compression": "remove it, archives are never compressed",
    "muc_log_store": 'remove it, the store is always called "muc_log"',
    "muc_log_retention": "use muc_log_expires_after",
    "muc_max_history_messages": "use max_history_messages",
    "muc_room_default_log": "use muc_log_by_default",
    "push_max_hibernation": "use push_max_hibernation_timeout",
    "s2s_max_connections": "Prosody does not count connections: do it in the firewall;"
    " limits = { s2sin = { rate = … } } slows each one",
    "s2s_rate_limit": 'use limits = { s2sin = { rate = "30kb/s" } }',
    "sasl_mechanisms": "use disable_sasl_mechanisms:"
    " what is offered follows from the authentication provider, minus that list",
    "smacks_max_hibernation_time": "use smacks_hibernation_time",
    "ssl_profile": "use tls_profile",
    "stanza_size_limit": "use c2s_stanza_size_limit and s2s_stanza_size_limit",
    "tls_channel_binding": "remove it, channel binding is offered wherever TLS and the mechanism allow it;"
    " tls_server_end_point_hash selects the hash where a proxy ends TLS",
    "tls_ciphers": "use tls_profile, or ssl = { ciphers = … }",
    "tls_protocols": "use tls_profile, or ssl = { protocol = … }",
    "upload_file_size_limit": "use http_file_share_size_limit",
    "user": "use prosody_user; under systemd the unit says it",
    "user_account_management": 'it is a module: add "user_account_management" to modules_enabled',
    "websocket_max_frame_size": "use websocket_frame_buffer_limit; a stanza is limited by c2s_stanza_size_limit",
    "websocket_ping_interval": "remove it, smacks or the client's own pings keep the connection alive",
}
"""Options that nothing reads, with what to write instead; the installed sources have the last word."""

NEVER_READ_KEYS: dict[str, dict[str, str]] = {
    "sql": {
        "pool_size": "remove it, Prosody keeps one connection per database",
        "pool_overflow": "remove it, Prosody keeps one connection per database",
        "pool_timeout": "remove it, Prosody keeps one connection per database",
        "max_connections": "remove it, Prosody keeps one connection per database",
        "user": "use username",
        "dbname": "use database",
        "ssl": "remove it; for PostgreSQL set PGSSLMODE in the environment of the unit",
        "sslmode": "remove it; for PostgreSQL set PGSSLMODE in the environment of the unit",
    },
    "limits": {
        "s2s": "use s2sin for what other servers send, s2sout for what we send",
        "http_upload": "remove it; HTTP is limited by http_max_content_size or by a proxy",
        "http": "remove it; HTTP is limited by http_max_content_size or by a proxy",
    },
    "limits.*": {
        "stanza_size": "use the option c2s_stanza_size_limit or s2s_stanza_size_limit",
        "max_stanza_size": "use the option c2s_stanza_size_limit or s2s_stanza_size_limit",
    },
    "storage": {
        "carbons": "remove it, carbons are copies in flight: nothing is stored",
        "archives": 'the store is called "archive"',
        "mam": 'the store is called "archive"',
        "muc": 'rooms are in "persistent", "config" and "state"; their archive is "muc_log"',
        "http_file_share": 'the stores are called "uploads" and "upload_stats"',
        "push": 'the store is called "cloud_notify"',
        "smacks": 'the store is called "smacks_h"',
    },
}

REPLACED_MODULES: dict[str, str] = {
    "admin_telnet": "admin_shell",
    "blocking": "blocklist",
    "bookmarks2": "bookmarks",
    "carbons_copies": "carbons",
    "extdisco": "external_services",
    "http_upload": "http_file_share",
    "lastlog": "account_activity",
    "lastlog2": "account_activity",
    "legacyauth": "saslauth",
    "limits_exception": "limits",
    "list_inactive": "account_activity",
    "mam_muc": "muc_mam",
    "pep_plus": "pep",
    "pep_simple": "pep",
    "pep_vcard_avatar": "vcard_legacy",
    "posix": "",
    "privacy_lists": "blocklist",
    "profile": "vcard_legacy",
    "prometheus": "http_openmetrics",
    "http_prometheus": "http_openmetrics",
    "storage_appendmap": "",
    "turncredentials": "turn_external",
    "vcard_muc": "",
    "windows": "",
}
"""Community modules and old core modules whose work a core module does now ("" : nothing is needed any more)."""

BOOLEAN_WORDS = {
    "False": "false",
    "FALSE": "false",
    "True": "true",
    "TRUE": "true",
    "None": "nil",
    "null": "nil",
    "NULL": "nil",
    "Nil": "nil",
    "yes": "true",
    "Yes": "true",
    "on": "true",
    "On": "true",
    "no": "false",
    "No": "false",
    "off": "false",
    "Off": "false",
}

SECRET_NAME = re.compile(r"secret|password|passwd|token|_key$|^key$|credential", re.IGNORECASE)
"""Options whose value is never shown in a message."""


def nearest(name: str, known: Iterable[str], cutoff: float = 0.75) -> str:
    """The known name a person most likely meant, "" when none is near."""
    candidates = list(known)
    lowered = {
        candidate.lower(): candidate for candidate in sorted(candidates)
    }  # of two spellings the one in lower case
    simple = name.lower().replace("-", "_")
    if simple in lowered and lowered[simple] != name:
        return lowered[simple]
    words = sorted(simple.split("_"))
    if len(words) > 1:
        for candidate in sorted(candidates):
            if candidate != name and sorted(candidate.lower().split("_")) == words:
                return candidate
    for close in difflib.get_close_matches(simple, lowered, n=5, cutoff=cutoff):
        if _same_words_but_for_typos(simple, close):
            return lowered[close]
    return ""


def _same_words_but_for_typos(name: str, candidate: str) -> bool:
    """Words that only one of the two has are misspellings of each other, or only one of them has any."""
    mine, other = name.split("_"), candidate.split("_")
    extra = [word for word in mine if word not in other]
    missing = [word for word in other if word not in mine]
    if not extra or not missing:
        return True
    return all(difflib.get_close_matches(word, missing, n=1, cutoff=0.6) for word in extra)
