# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of role prosody as a run would have them: its defaults, templated by Ansible itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

DEFAULTS = Path(__file__).parents[2] / "roles" / "prosody" / "defaults" / "main.yml"


def role_settings(secrets_dir: Path, overrides: dict[str, Any] | None = None, **world: Any) -> dict[str, Any]:
    """Return the variables prosody_* without their prefix.

    `overrides`: variables an operator sets; `world`: what the inventory and the host say (groups, xmpp_admins …).
    """
    loader = DataLoader()
    variables: dict[str, Any] = {
        **loader.load_from_file(str(DEFAULTS), trusted_as_template=True),
        "xmpp_domain": "example.org",
        "xmpp_secrets_dir": str(secrets_dir),
        "inventory_dir": str(secrets_dir),
        "inventory_hostname": "one",
        "groups": {"prosody": ["one"], "postgresql": ["one"], "coturn": ["one"]},
        "group_names": ["prosody", "postgresql", "coturn"],
        "hostvars": {"one": {}, "two": {"ansible_host": "192.0.2.2"}},
        # what the role looks up and makes when there is none
        "prosody_turn_secret": "turn-secret",
        "prosody_database_password": "database-password",
        "ansible_facts": {"lo": {"ipv4": {}, "ipv6": []}},
        **world,
        **(overrides or {}),
    }
    templar = Templar(loader=loader, variables=variables)
    names = [name for name in variables if name.startswith("prosody_")]
    return {name.removeprefix("prosody_"): templar.template(variables[name]) for name in names}
