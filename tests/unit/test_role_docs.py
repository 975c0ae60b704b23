# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role's specification says of defaults is what its defaults are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import role_docs

ROLES = sorted(spec.parents[1] for spec in role_docs.ROOT.glob("roles/*/meta/argument_specs.yml"))


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_specification_and_defaults_of_each_role_agree(role: Path) -> None:
    assert role_docs.differences_of(role) == ""


@pytest.mark.parametrize(
    ("option", "default", "told"),
    [
        ({"default": 5}, {"a": 5}, ""),
        ({"default": "{{ b\n  or c }}"}, {"a": "{{ b or c }}"}, ""),
        # the type is no text, so the specification cannot hold the template
        ({"type": "int"}, {"a": "{{ b | default(5) }}"}, ""),
        ({}, {}, ""),
        ({"default": 5}, {"a": 6}, "a has one default in the specification and another one"),
        ({"default": 5}, {"a": "5"}, "a has one default in the specification and another one"),
        ({"default": [1, 2]}, {"a": [2, 1]}, "a has one default in the specification and another one"),
        ({"default": False}, {}, "a has a default in the specification and none"),
        ({}, {"a": ""}, "a has a default in defaults/main.yml and none"),
        ({}, {"b": 1}, "b has a default and is no variable"),
    ],
)
def test_a_difference_is_told(option: dict[str, Any], default: dict[str, Any], told: str) -> None:
    found = role_docs.differences({"a": option}, default)
    assert len(found) == bool(told)
    assert all(line.startswith(told) for line in found)
