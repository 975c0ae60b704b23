# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection knows of Prosody, against each version that it may meet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.rules_knowledge import unknown
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.rules_modules import store_owners
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import model, module_choice, option_names
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.catalogue import catalogue, packaged
from ansible_collections.allthingslinux.xmpp.tests.unit.role_settings import role_settings
from ansible_collections.allthingslinux.xmpp.tests.versions.version import TREES, VERSIONS, Version

HOST = 'VirtualHost "example.org" { }\n'
SECRETS = "/etc/prosody/secrets"
LIMITS = 'modules_enabled = { "limits" }\n'


@pytest.fixture(params=VERSIONS, scope="module")
def version(request: pytest.FixtureRequest) -> Version:
    """Each test runs on each version."""
    found: Version = request.param
    return found


def test_the_supported_release_is_among_them() -> None:
    assert (TREES / "trixie" / "packages").is_file()


def test_everything_that_rules_need_is_found_in_the_sources(version: Version) -> None:
    registry = version.registry
    assert unknown(registry) == []
    assert registry.version == ".".join(map(str, version.number))
    assert len(registry.options) > 600
    assert len(registry.modules) > 190
    assert all({"modern", "intermediate", "legacy"} <= set(names) for names in registry.tls_profiles.values())
    assert registry.tls_profile_version in registry.tls_profiles
    assert registry.levels == ("debug", "info", "warn", "error")
    assert registry.sinks >= {"console", "file", "syslog"}
    assert "http_file_share_size_limit" in registry.options
    assert {name for name in registry.keys if name.startswith(("ssl", "unbound"))} == {"ssl", "unbound"}


def test_what_loads_by_itself(version: Version) -> None:
    loading = version.registry.loading
    assert loading.automatic == module_choice.AUTOMATIC
    assert {"tls", "s2s", "iq"} <= loading.inheritable


# What operators choose that changes which modules and options there are
CHOICES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything": {
        "prosody_log_to": "json",
        "prosody_registration": "public",
        "prosody_motd": "hello",
        "prosody_welcome_message": "hello",
        "prosody_muc_announcers": ["bot@example.org"],
        "prosody_tls_profile": "modern",
        "prosody_gc": {"mode": "incremental", "threshold": 110},
        "prosody_stores": {"archive": "internal"},
        "prosody_archive_policy": "roster",
        "prosody_dane": True,
        "prosody_c2s_stanza_size_limit": "256 KiB",
        "prosody_s2s_insecure_domains": ["old.example"],
        "prosody_s2s_allow": ["example"],
        "prosody_s2s_deny": ["bad.example"],
        "prosody_block_lists": [{"jid": "lists.example", "node": "muc_bans_sha256"}],
        "prosody_contact_info": {"abuse": ["mailto:abuse@example.org"]},
    },
    "little": {
        "prosody_federation": False,
        "prosody_registration": "closed",
        "prosody_storage": "sqlite",
        "prosody_turn_host": "",
        "prosody_metrics": False,
    },
    "ldap": {
        "prosody_authentication": "ldap",
        "prosody_registration": "closed",
        "prosody_ldap": {"server": "l", "base": "dc=example", "bind_dn": "cn=p", "bind_password": "looks-only"},
    },
}


@pytest.mark.parametrize("chosen", CHOICES.values(), ids=CHOICES)
def test_a_configuration_of_the_role_has_no_finding(version: Version, tmp_path: Path, chosen: dict[str, Any]) -> None:
    settings = {**role_settings(tmp_path, chosen), "generated": {}}
    pending = [f"{SECRETS}/{name}" for name in model.secret_files(settings)]
    text = model.config_text(settings)
    found = version.lint(tmp_path, text, pending)
    assert [str(finding) for finding in found if finding.code != "include-missing"] == []


def test_modules_of_the_catalogue_are_where_it_says(version: Version) -> None:
    """Those that are said to be Prosody's own are there."""
    known = catalogue().items()
    assert [name for name, entry in known if entry.package == "prosody" and name not in version.registry.modules] == []


def test_the_names_of_all_packaged_modules_are_known(version: Version) -> None:
    """A name that is not known, and near to one that is, is taken for a mistake."""
    directory = version.core / "modules"
    found = {name for name, module in version.registry.modules.items() if directory in module.path.parents}
    assert found - packaged() == set()


def test_the_names_of_all_options_are_known(version: Version) -> None:
    """One that is not known is refused before Prosody is installed."""
    registry = version.registry
    assert {*registry.options, *registry.obsolete, *registry.deprecated} - option_names.known() == set()


def test_the_names_of_all_stores_are_known(version: Version) -> None:
    """Likewise; which module opens one is what the linter looks up as well."""
    opened = store_owners(version.registry)
    assert {"archive", "muc_log", "pep_data"} <= set(opened)
    assert set(opened) - option_names.stores() == set()


# code, what it is about, faulty text
FAULTS: list[tuple[str, str, str]] = [
    ("unread-option", "max_conections", "max_conections = 5\n"),
    ("unread-option", "archive_compression", "archive_compression = true\n"),
    ("wrong-value", "tls_profile", 'tls_profile = "unheard-of"\n'),
    ("unknown-provider", "statistics", 'statistics = "internl"\n'),
    ("unread-key", "limits.http", LIMITS + 'limits = { http = { rate = "1kb/s" } }\n'),
    ("unread-key", "limits.c2s.speed", LIMITS + 'limits = { c2s = { rate = "1kb/s", speed = 1 } }\n'),
    ("unread-key", "sql.pool_size", 'storage = "sql"\nsql = { driver = "SQLite3", pool_size = 5 }\n'),
    ("unread-key", "gc.speeed", 'gc = { mode = "incremental", speeed = 5 }\n'),
    ("unread-key", "network_settings.read_timeot", "network_settings = { read_timeot = 5 }\n"),
    ("unread-key", "ssl.protocl", 'ssl = { protocl = "tlsv1_2" }\n'),
    ("unread-store", "storage.carbons", 'storage = { carbons = "internal" }\n'),
    ("wrong-value", "log", 'log = { info = "*sylog" }\n'),
    ("wrong-value", "network_backend", 'network_backend = "epol"\n'),
    ("unknown-module", "caarbons", 'modules_enabled = { "caarbons" }\n'),
    ("unknown-provider", "authentication", 'authentication = "internal"\n'),
    ("out-of-range", "c2s_ports", "c2s_ports = { 99999 }\n"),
    ("port-clash", "s2s_ports", "s2s_ports = { 5222 }\n"),
    ("obsolete-option", "dns_timeout", "dns_timeout = 5\n"),
    ("deprecated-option", "cross_domain_bosh", 'modules_enabled = { "bosh" }\ncross_domain_bosh = true\n'),
    ("wrong-host-type", "muc", 'modules_enabled = { "muc" }\n'),
]


@pytest.mark.parametrize(("code", "subject", "text"), FAULTS, ids=[f"{fault[0]}-{fault[1]}" for fault in FAULTS])
def test_each_fault_is_found(version: Version, tmp_path: Path, code: str, subject: str, text: str) -> None:
    found = version.lint(tmp_path, text + HOST)
    assert (code, subject) in [(finding.code, finding.option) for finding in found], [str(one) for one in found]
    assert all(finding.code != "nothing-to-check" for finding in found)


def since(*number: int) -> Callable[[Version], bool]:
    return lambda version: version.number >= number


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (LIMITS + 'limits = { s2s = { rate = "30kb/s" } }\n', since(13, 0, 6)),
        (LIMITS + 'limits = { c2s = { rate = "30kb/s", max_connections_per_ip = 5 } }\n', since(13, 0, 6)),
        ('tls_profile_version = "5.8"\n', since(13, 0, 7)),
        ('tls_profile_version = "latest"\ntls_profile = "old"\n', lambda _version: False),
        ('tls_profile = "old"\n', since(13, 0, 1)),
    ],
)
def test_what_only_some_versions_know(
    version: Version, tmp_path: Path, text: str, known: Callable[[Version], bool]
) -> None:
    found = [str(finding) for finding in version.lint(tmp_path, text + HOST) if finding.severity == "error"]
    assert (found == []) == known(version), found
