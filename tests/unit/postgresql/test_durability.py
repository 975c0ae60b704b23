# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Prosody waits for the disk: a word of the operator, and the setting of its user that follows."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

DEFAULTS = Path(__file__).parents[3] / "roles" / "postgresql" / "defaults" / "main.yml"


@pytest.mark.parametrize(("word", "setting"), [("strict", "on"), ("relaxed", "off")])
def test_who_may_lose_half_a_second_does_not_wait(word: str, setting: str) -> None:
    loader = DataLoader()
    defaults = loader.load_from_file(str(DEFAULTS), trusted_as_template=True)
    assert defaults["postgresql_durability"] == "strict"
    world = {"inventory_hostname": "one", "groups": {"prosody": ["one"]}, "hostvars": {"one": {}}}
    variables = {**defaults, **world, "postgresql_client_addresses": [], "postgresql_durability": word}
    (user,) = Templar(loader=loader, variables=variables).template(variables["postgresql_users"])
    assert user["settings"]["synchronous_commit"] == setting
