# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters over the data of roles: thin glue, which passes values on and turns errors into Ansible's."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.filter import (
    monitoring_pictures,
    prosody_certificate_names,
    prosody_config_text,
    prosody_declared_accounts,
    prosody_generated_files,
    prosody_places,
    prosody_ports,
    prosody_problems,
    prosody_secret_files,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import declared_accounts, model, places
from ansible_collections.allthingslinux.xmpp.tests.unit.role_settings import role_settings

#: filter, where its work is done, type of the result
GLUE: list[tuple[ModuleType, ModuleType, str, type]] = [
    (prosody_certificate_names, model, "certificate_names", list),
    (prosody_config_text, model, "config_text", str),
    (prosody_declared_accounts, declared_accounts, "declared_accounts", dict),
    (prosody_generated_files, declared_accounts, "generated_files", list),
    (prosody_places, places, "places", dict),
    (prosody_ports, model, "ports", list),
    (prosody_problems, model, "problems", list),
    (prosody_secret_files, model, "secret_files", dict),
]


@pytest.mark.parametrize(("plugin", "where", "function", "kind"), GLUE, ids=[entry[2] for entry in GLUE])
def test_a_filter_passes_on(
    plugin: ModuleType, where: ModuleType, function: str, kind: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = plugin.__name__.rpartition(".")[2]
    offered = plugin.FilterModule().filters()
    assert list(offered) == [name]
    result = offered[name](role_settings(tmp_path))
    assert isinstance(result, kind)

    def fail(_settings: Any) -> None:
        raise XmppError("why not")

    monkeypatch.setattr(where, function, fail)
    with pytest.raises(AnsibleFilterError, match="why not"):
        offered[name]({})


def test_pictures_of_both_kinds() -> None:
    draw = monitoring_pictures.FilterModule().filters()["monitoring_pictures"]
    panels = yaml.safe_load((Path(__file__).parents[2] / "roles/monitoring/files/panels/xmpp.yml").read_text())
    names = {page["name"] for page in panels}
    assert set(draw(panels)) == {f"xmpp-{name}.json" for name in names}
    assert set(draw(panels, "console")) == {f"{name}.html" for name in names}
    with pytest.raises(AnsibleFilterError, match="neither grafana nor console"):
        draw(panels, "oil")
    with pytest.raises(AnsibleFilterError):
        draw("nothing to draw")
