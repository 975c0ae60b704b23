# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocklists in DNS: where they are asked, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import model
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError
from ansible_collections.allthingslinux.xmpp.tests.unit.lua_config import read
from ansible_collections.allthingslinux.xmpp.tests.unit.role_settings import role_settings

LISTS = "prosody_registration_dns_blocklists"
TWO = [{"name": "example.org"}, {"name": "open.example", "registration": "public"}]


def config(tmp_path: Path, **variables: Any) -> dict[str, dict[str, Any]]:
    return read(model.config_text(role_settings(tmp_path, variables)))


def test_they_are_asked_where_everybody_registers(tmp_path: Path) -> None:
    found = config(tmp_path, prosody_hosts=TWO, **{LISTS: ["bl.example", "Bl.example", "zen.b\u00fccher.example"]})
    assert found["*"]["registration_dns_blocklists"] == ["bl.example", "zen.xn--bcher-kva.example"]
    enabled = {name for name, scope in found.items() if "register_dns_lists" in scope.get("modules_enabled", [])}
    assert enabled == {"open.example"}
    assert "register_dns_lists" not in str(config(tmp_path, prosody_hosts=TWO))


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"prosody_registration": "invite", LISTS: ["bl.example"]}, "set prosody_registration to public, or leave it"),
        ({"prosody_registration": "public", LISTS: ["http://bl.example/"]}, rf"^{LISTS}\[0\]"),
    ],
)
def test_what_would_never_be_asked_is_refused(tmp_path: Path, variables: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        config(tmp_path, **variables)
