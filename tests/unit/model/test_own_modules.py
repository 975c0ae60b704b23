# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of the collection itself: what is on lies on the host, on the plugin path, and nothing else does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import model, own_modules
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.catalogue import catalogue
from ansible_collections.allthingslinux.xmpp.tests.unit.lua_config import read
from ansible_collections.allthingslinux.xmpp.tests.unit.role_settings import role_settings

FILES = Path(__file__).parents[3] / "roles" / "prosody" / "files"
NAMES = {module.name for module in own_modules.OWN}

# Variables of an operator that ask for own modules in every way there is.
INVENTORIES: list[dict[str, Any]] = [
    {},
    {"prosody_metrics": False},
    {"prosody_metrics": False, "prosody_storage": "internal"},
    {"prosody_metrics": False, "prosody_storage": "internal", "prosody_standard_components": ["upload"]},
    {"prosody_log_to": "json"},
    {"prosody_audit_trail": False},
    {"prosody_metrics": False, "prosody_storage": "internal", "prosody_muc_announcers": ["alerts@example.org"]},
    {"prosody_s2s_deny": ["bad.example"]},
    {"prosody_registration": "public"},
    {"prosody_registration": "public", "prosody_newcomer_days": 0},
    {"prosody_hosts": [{"name": "example.org"}, {"name": "open.example.org", "registration": "public"}]},
    {"prosody_block_lists": [{"jid": "lists.example", "node": "spammers"}]},
    {"prosody_upload_scan": True},
    {
        "prosody_upload_scan": True,
        "prosody_standard_components": [],
        "prosody_components": [{"name": "f.example.org", "module": "http_file_share"}],
    },
    {"prosody_authentication": "ldap", "prosody_registration": "closed"},
    {"prosody_federation": False, "prosody_s2s_deny": ["bad.example"]},
    {"prosody_modules_disabled": ["measure_traffic"]},
    {"prosody_metrics": False, "prosody_modules": ["measure_traffic"]},
    {"prosody_components": [{"name": "r.example.org", "module": "muc", "modules": ["muc_announcers"]}]},
    {"prosody_component_settings": {"muc": {"modules": ["muc_announcers"]}}},
    {"prosody_hosts": [{"name": "example.org", "modules": ["measure_traffic"]}], "prosody_metrics": False},
]


def test_each_has_a_file_and_a_line_in_the_catalogue() -> None:
    assert {path.stem.removeprefix("mod_") for path in FILES.glob("mod_*.lua")} == NAMES
    assert {name for name, module in catalogue().items() if module.package == own_modules.PACKAGE} == NAMES


@pytest.mark.parametrize("variables", INVENTORIES, ids=str)
def test_what_is_enabled_lies_on_the_plugin_path(tmp_path: Path, variables: dict[str, Any]) -> None:
    settings = role_settings(tmp_path, variables)
    config = read(model.config_text(settings))
    enabled = {name for options in config.values() for name in options.get("modules_enabled", [])} & NAMES
    written = own_modules.own_modules(settings)["files"]
    there = {Path(entry["path"]).stem.removeprefix("mod_") for entry in written if "content" in entry}
    assert there == enabled
    assert (own_modules.DIRECTORY in config["*"].get("plugin_paths", [])) == bool(enabled)
    gone = {Path(entry["path"]).stem.removeprefix("mod_") for entry in own_modules.own_modules(settings)["leftovers"]}
    assert gone == NAMES - enabled


def test_the_directory_comes_before_its_files_and_is_nobody_elses(tmp_path: Path) -> None:
    written = own_modules.own_modules(role_settings(tmp_path))["files"]
    assert [entry["path"] for entry in written if entry.get("state") == "directory"][-1] == own_modules.DIRECTORY
    assert "state" not in written[-1]
    assert all(str(Path(entry["path"]).parent) == own_modules.DIRECTORY for entry in written if "content" in entry)
    # people keep checkouts of community modules there, whose names are those of Prosody's own modules
    assert own_modules.DIRECTORY != "/usr/local/lib/prosody/modules"


def test_the_linter_is_told_what_it_cannot_know_yet(tmp_path: Path) -> None:
    settings = role_settings(tmp_path, {"prosody_muc_announcers": ["alerts@example.org"]})
    exceptions = own_modules.own_modules(settings)["lint_exceptions"]
    assert {"unknown-module:muc_announcers", "unread-option:muc_announcers"} <= set(exceptions)
    assert "unknown-module" not in exceptions
