# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module catalogue: complete for what the role enables, and consistent in itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import model, module_choice
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.catalogue import Module, catalogue, comment_of
from ansible_collections.allthingslinux.xmpp.tests.unit.lua_config import read
from ansible_collections.allthingslinux.xmpp.tests.unit.role_settings import role_settings

MODULES = sorted(catalogue().values(), key=lambda module: module.name)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_an_entry_is_complete(module: Module) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", module.name)
    assert module.summary[0].isupper()
    assert not module.summary.endswith(".")
    assert 10 < len(module.summary) < 80
    assert all(re.fullmatch(r"XEP-\d{4}|RFC \d{4}|UTR \d+", standard) for standard in module.standards)
    assert re.fullmatch(r"0\.\d+|13\.\d", module.since)
    assert module.package in ("prosody", "prosody-modules", "allthingslinux.xmpp")
    assert module.scope
    assert set(module.scope) <= {"global", "host", "component"}
    assert set(module.depends) <= set(catalogue()) | {"flags"}
    assert module.name not in module.depends


def test_what_is_refused_is_not_recommended() -> None:
    offered = set(catalogue()) & set(module_choice.REFUSED)
    assert offered <= {"turn_external", "vcard"}


def test_every_module_of_the_default_configuration_is_explained(tmp_path: Path) -> None:
    world = {"xmpp_registration": "public", "xmpp_admins": ["a@example.org"]}
    variables = {"prosody_motd": "x", "prosody_welcome_message": "x", "prosody_components": [{"name": "irc.x"}]}
    text = model.config_text(role_settings(tmp_path, variables, **world))
    config = read(text)
    assert config["*"]["modules_enabled"]
    for options in config.values():
        for name in options.get("modules_enabled", []):
            assert comment_of(name), name
            assert re.search(rf'^\t+"{name}"; +-- {re.escape(comment_of(name))}$', text, re.MULTILINE), name


def test_modules_are_enabled_where_they_can_be(tmp_path: Path) -> None:
    config = read(model.config_text(role_settings(tmp_path)))
    assert config["*"]["modules_enabled"]
    for host, options in config.items():
        where = "component" if options.get("#kind") == "Component" else "host"
        for name in options.get("modules_enabled", []):
            assert {where, "global"} & set(catalogue()[name].scope), f"{name} on {host}"


def test_a_module_that_brings_another_is_listed_after_it_or_alone(tmp_path: Path) -> None:
    """Prosody loads what is needed by itself; a list that says otherwise would mislead."""
    enabled = read(model.config_text(role_settings(tmp_path)))["*"]["modules_enabled"]
    assert not {"http", "adhoc", "csi", "tokenauth", "presence", "message", "iq", "c2s", "s2s"} & set(enabled)


def test_unknown_modules_have_no_comment() -> None:
    assert comment_of("my_own_module") == ""


def test_the_comment_names_the_standards() -> None:
    assert comment_of("carbons").endswith("(XEP-0280)")
    assert "(" not in comment_of("tombstones")
