# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables that Prosody itself writes into are no difference, and what an operator changes in them is one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.difference import compare
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import Model

ROLE = {"name": "org:helper", "priority": 40, "inherits": ["prosody:member"]}
# as a running 13.0.1 holds it: the inherited role itself, and a table of permissions
SINK = {"to": "console", "levels": {"min": "info"}}
RUNNING_ROLE = {**ROLE, "inherits": [{"name": "prosody:member", "priority": 35}], "permissions": {}}


@pytest.mark.parametrize(
    ("option", "running", "wanted", "differs"),
    [
        ("unbound", {"resolvconf": True, "async": True, "hoststxt": False}, {"resolvconf": True}, False),
        ("unbound", {"resolvconf": True, "async": True}, {"resolvconf": False}, True),
        ("unbound", {"async": True}, {"resolvconf": True}, True),
        ("log", [{**SINK, "timestamps": False, "source_width": 20}], [SINK], False),
        ("log", [{**SINK, "timestamps": False, "source_width": 40}], [SINK], True),
        ("log", [{**SINK, "timestamps": False}], [{**SINK, "timestamps": True}], True),
        ("log", [{"to": "file", "timestamps": False}], [{"to": "file"}], True),
        ("log", [SINK, SINK], [SINK], True),
        ("password_policy", {"length": 8, "exclude_username": True}, {"length": 8}, False),
        ("password_policy", {"length": 8, "exclude_username": True, "mine": 1}, {"length": 8}, True),
        ("password_policy", {"length": 8, "exclude_username": True}, {"length": 9}, True),
        ("custom_roles", [RUNNING_ROLE], [ROLE], False),
        ("custom_roles", [RUNNING_ROLE], [{**ROLE, "priority": 41}], True),
        ("custom_roles", [RUNNING_ROLE], [{**ROLE, "inherits": []}], True),
        ("custom_roles", [{**RUNNING_ROLE, "allow": ["x"]}], [ROLE], True),
        ("custom_roles", [RUNNING_ROLE, RUNNING_ROLE], [ROLE], True),
        ("limits", {"c2s": {"rate": "1kb/s"}, "s2sin": {}}, {"c2s": {"rate": "1kb/s"}}, True),
    ],
)
def test_filled_in(option: str, running: Any, wanted: Any, differs: bool) -> None:
    found = compare(Model({"*": {option: running}}), Model({"*": {option: wanted}}))
    assert bool(found) == differs
