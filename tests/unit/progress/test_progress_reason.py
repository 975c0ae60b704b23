# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one line says that a task did."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.progress import reason


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"state": "reloaded"}, "nginx reloaded"),
        ({"state": "restarted"}, "nginx restarted"),
        ({"state": "started"}, "nginx started"),
        ({}, "nginx started"),
    ],
)
def test_a_unit_that_was_reloaded_was_not_started(asked: dict[str, Any], told: str) -> None:
    """Ansible's own module tells what state the unit has afterwards."""
    assert reason({"name": "nginx", "state": "started", "invocation": {"module_args": asked}}) == told


def test_without_what_was_asked_for_it_is_the_state() -> None:
    assert reason({"name": "nginx", "state": "stopped"}) == "nginx stopped"
