# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that draws pictures: both kinds, and errors that Ansible shows."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.filter import monitoring


def test_pictures_of_both_kinds() -> None:
    draw = monitoring.FilterModule().filters()["monitoring_pictures"]
    panels = yaml.safe_load((Path(__file__).parents[3] / "roles/monitoring/files/panels/xmpp.yml").read_text())
    names = {page["name"] for page in panels}
    assert set(draw(panels)) == {f"xmpp-{name}.json" for name in names}
    assert set(draw(panels, "console")) == {f"{name}.html" for name in names}
    with pytest.raises(AnsibleFilterError, match="neither grafana nor console"):
        draw(panels, "oil")
    with pytest.raises(AnsibleFilterError):
        draw("nothing to draw")
