# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module managed_files with templates: filled in on the controller, and the module gets texts alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.allthingslinux.xmpp.plugins.action import managed_files as action

MODULE = "allthingslinux.xmpp.managed_files"


@pytest.fixture
def role(tmp_path: Path) -> Path:
    """A role with a template in a directory of its own, which takes from another."""
    (tmp_path / "templates" / "units").mkdir(parents=True)
    (tmp_path / "templates" / "shared.j2").write_text("{% macro twice(x) %}\n{{ x }}{{ x }}\n{% endmacro %}\n")
    (tmp_path / "templates" / "units" / "a.service.j2").write_text(
        "{# a word about it #}\n{% from 'shared.j2' import twice with context %}\n# {{ who }}\n{% if site %}\n"
        "X=C:\\{{ site }}\n{% endif %}\n{{ twice('y') -}}\n"
    )
    return tmp_path


def runs(role: Path, check: bool = False, **options: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Run the plugin; return its result and what the module was given."""
    variables = {"who": "me", "site": "", "ansible_search_path": [str(role)]}
    loader, given = DataLoader(), []
    task = MagicMock(args=options, check_mode=check, async_val=0, diff=False)
    templar = Templar(loader, variables=variables)
    made = action.ActionModule(task, MagicMock(), MagicMock(), loader, templar, MagicMock())

    def execute(module_name: str, module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        assert (module_name, task_vars) == (MODULE, variables)
        given.append(module_args)
        return {"changed": True, "changed_paths": ["/x"]}

    made._execute_module = execute
    return made.run(task_vars=variables), given


def test_a_template_becomes_the_text(role):
    result, given = runs(
        role,
        files=[
            {"path": "/x", "template": "units/a.service.j2", "mode": "0640"},
            {"path": "/y", "template": "units/a.service.j2", "template_vars": {"site": "s"}},
            {"path": "/z", "content": "{{ who }}"},
        ],
        secrets=[{"path": "/s", "template": "units/a.service.j2"}],
        undo_dir="/run/u",
    )
    assert result["changed_paths"] == ["/x"]
    assert given == [
        {
            "files": [
                {"path": "/x", "content": "# me\nyy\n", "mode": "0640"},
                {"path": "/y", "content": "# me\nX=C:\\s\nyy\n"},
                {"path": "/z", "content": "{{ who }}"},  # what is given as a text is not looked into
            ],
            "secrets": [{"path": "/s", "content": "# me\nyy\n"}],
            "undo_dir": "/run/u",
        }
    ]


def test_what_shall_not_be_there_needs_no_text(role):
    _result, given = runs(role, files=[{"path": "/x", "state": "absent", "template": "no-such.j2"}])
    assert given == [{"files": [{"path": "/x", "state": "absent"}]}]


@pytest.mark.parametrize("files", ["/x", ["/x"], None])
def test_what_is_no_list_of_files_is_told_by_the_module(role, files):
    assert runs(role, files=files)[1] == [{"files": files}]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"content": "text-of-it"}, "/x: give one of template and content, not both."),
        ({"src": "/y"}, "/x: give one of template and src, not both."),
        (
            {"template": None, "template_vars": {"a": "b"}},
            "/x: template_vars are for a template, and there is none: give",
        ),
        ({"template": ["a"]}, "/x: template must be the name of a file and template_vars a mapping."),
        ({"template_vars": "a"}, "/x: template must be the name of a file and template_vars a mapping."),
    ],
)
def test_refusals(role, entry, message):
    result, given = runs(role, files=[{"path": "/x", "template": "units/a.service.j2", **entry}])
    assert result["failed"]
    assert result["msg"].startswith(message)
    assert "text-of-it" not in result["msg"]
    assert not given


def test_a_template_that_is_not_there_changes_nothing(role):
    with pytest.raises(Exception, match=r"no-such\.j2"):
        runs(role, files=[{"path": "/x", "template": "no-such.j2"}])
