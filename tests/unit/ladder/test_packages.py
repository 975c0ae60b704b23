# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages in the images of the scenarios: all that roles may install, and what they stand on."""

from __future__ import annotations

import re
from collections.abc import Set

import pytest
import yaml
from image.ready.foundations import without
from ladder.packages import ROOT, given, main, of_playbook, of_variables

ROLES = sorted(ROOT.glob("roles/*/tasks/*.yml"))


def test_a_list_and_every_branch_of_an_expression() -> None:
    assert of_variables(
        {
            "__a_version": "17",
            "__a_packages": ["postgresql-{{ __a_version }}", "bb"],
            "__b_packages": "{{ ['cc'] + ({'x': ['dd']}[y] | default([])) + (['ee'] if z == 'other' else []) }}",
            "__found_packages": "{{ others }}",
        },
        {"__a_packages", "__b_packages"},
    ) == {"postgresql-17", "bb", "cc", "dd", "ee"}


@pytest.mark.parametrize("value", [[], "{{ names }}", "{{ [name] }}", ["Not A Name"], "{{ ['a b'] }}"])
def test_what_cannot_be_read_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="names"):
        of_variables({"__a_packages": value}, {"__a_packages"})


def test_what_is_given_to_role_service_is_a_list_of_packages() -> None:
    text = 'service_packages: "{{ __a_packages }}"\n  service_packages: "{{ __b_packages }}"\nservice_packages: []'
    assert given(text) == {"__a_packages", "__b_packages"}


def test_those_of_the_roles_and_scenarios_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    """As bin/lib/scenario_images does: what it cannot read keeps every scenario from running."""
    main()
    names = capsys.readouterr().out.split()
    assert {
        "prosody",
        "coturn",
        "postgresql-17",
        "prometheus",
        "lua-ldap",
        "syslog-ng-core",
        "python3-idna",
        "luarocks",
    } <= set(names)
    assert len(set(names)) == len(names)


def test_tasks_are_found_wherever_they_are() -> None:
    task = {"ansible.builtin.apt": {"name": ["a", "b"]}}
    play = {"hosts": "all", "tasks": [task, {"block": [{"ansible.builtin.apt": {"name": "c"}}]}]}
    assert of_playbook([play, {"ansible.builtin.apt": {"update_cache": True}}]) == {"a", "b", "c"}


def test_roles_name_packages_where_they_are_read() -> None:
    """What a task names itself would have to be fetched in every scenario."""
    named = [
        line for file in ROLES for line in file.read_text(encoding="utf-8").splitlines() if "service_packages:" in line
    ]
    assert len(named) > 5
    assert [line for line in named if not re.search(r': "\{\{ (?:__\w+_packages|service_packages) \}\}"$', line)] == []
    installed = {name for file in ROLES for name in of_playbook(yaml.safe_load(file.read_text(encoding="utf-8")))}
    assert [name for name in installed if not name.startswith("{{ ")] == []


@pytest.mark.parametrize(
    ("held", "needs", "left"),
    [
        (set(), {"a": [], "b": [{"a"}]}, ["a", "b"]),
        ({"a"}, {"a": [], "b": [{"a"}], "c": [{"b"}], "d": []}, ["d"]),
        ({"a"}, {"a": [{"d"}], "b": [{"a", "d"}], "d": []}, ["b", "d"]),
        ({"a"}, {"a": [], "b": [set()]}, ["b"]),
        ({"elsewhere"}, {"b": [{"elsewhere"}]}, []),
    ],
)  # fmt: skip
def test_nothing_that_needs_a_service_is_installed(
    held: Set[str], needs: dict[str, list[set[str]]], left: list[str]
) -> None:
    assert without(held, needs) == left
