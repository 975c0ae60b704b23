# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module prosody_lint: options → what it returns, and when it fails."""

from __future__ import annotations

from functools import partial

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint import NotInstalled, lint_file
from ansible_collections.allthingslinux.xmpp.plugins.modules import prosody_lint
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner
from ansible_collections.allthingslinux.xmpp.tests.unit.lint import lint_support

HOST = 'VirtualHost "example.org" { }\n'
ERRORS = "lettres_size = 5\nletters_size = 5\n" + HOST
WARNINGS = "letters_size = 5\n" + HOST
CLEAN = "letters_size = 500\n" + HOST


def run(monkeypatch, tmp_path, text, check=False, **options):
    path = tmp_path / "prosody.cfg.lua"
    path.write_text(text)

    def stand_in(name, *, run_command, **settings):
        del run_command
        settings.update(installation=lint_support.INSTALLATION, roots=[lint_support.TREE / "modules"], wrap=[])
        return lint_file(name, run_command=lint_support.run_command, **settings)

    monkeypatch.setattr(prosody_lint, "lint_file", stand_in)
    return module_runner.run(prosody_lint, check=check, path=str(path), **options)


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    ("text", "options", "fails"),
    [
        (CLEAN, {"fail_on": "warning"}, False),
        (WARNINGS, {}, False),
        (WARNINGS, {"fail_on": "warning"}, True),
        (ERRORS, {}, True),
        (ERRORS, {"fail_on": "never"}, False),
        (ERRORS, {"ignore": ["lettres_size"]}, False),
        (ERRORS, {"ignore": ["lettres_size"], "fail_on": "warning"}, True),
        (ERRORS, {"ignore": ["unread-option", "out-of-range"], "fail_on": "warning"}, False),
    ],
)
def test_when_it_fails(monkeypatch, tmp_path, text, options, fails, check):
    result = run(monkeypatch, tmp_path, text, check=check, **options)
    assert result.get("failed", False) is fails
    assert result.get("changed", False) is False


def test_findings_as_data_and_as_lines(monkeypatch, tmp_path):
    result = run(monkeypatch, tmp_path, ERRORS)
    assert (result["errors"], result["warnings_found"]) == (1, 1)
    assert [finding["code"] for finding in result["findings"]] == ["unread-option", "out-of-range"]
    assert result["findings"][0]["hint"] == "did you mean letters_size?"
    assert result["lines"][0].startswith("error: prosody.cfg.lua:1: lettres_size")
    assert "1 error(s) and 1 warning(s)" in result["msg"]
    assert all(line in result["msg"] for line in result["lines"])


def test_a_copy_is_read_as_the_file_it_will_be(monkeypatch, tmp_path):
    result = run(monkeypatch, tmp_path, ERRORS, as_path="/etc/prosody/prosody.cfg.lua", fail_on="never")
    assert {finding["file"] for finding in result["findings"]} == {"/etc/prosody/prosody.cfg.lua"}


def test_no_prosody(monkeypatch):
    def absent(*_arguments, **_options):
        raise NotInstalled("No Prosody was found")

    monkeypatch.setattr(prosody_lint, "lint_file", partial(absent))
    result = module_runner.run(prosody_lint)
    assert result["failed"]
    assert result["msg"] == "No Prosody was found"
