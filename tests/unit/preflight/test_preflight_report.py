# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""plugin_utils/preflight/report.py: one list of what all roles found on all hosts."""

from __future__ import annotations

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.preflight import report


def test_findings_are_what_roles_registered():
    variables = {
        "__xmpp_host_findings": {"findings": ["no Python"]},
        "__prosody_findings": {"findings": ["one", "two"]},
        "__coturn_findings": {"findings": ["two", "three"]},
        "__skipped_findings": {"skipped": True},
        "__odd_findings": "text",
        "my_findings": {"findings": ["not ours"]},
        "__findings_of_mine": {"findings": ["not ours"]},
    }
    assert report.findings_of(variables) == ["two", "three", "one", "no Python"]


def test_the_same_of_several_hosts_is_told_once():
    found = {"a": ["one", "two"], "b": ["two"], "c": ["two", "three"], "d": []}
    assert report.listed(found, 4) == ["- a: one", "- a, b, c: two", "- c: three"]
    assert report.listed({"a": ["one"], "b": ["one"]}, 2) == ["- all hosts: one"]
    assert report.listed({"a": ["one"]}, 1) == ["- a: one"]


def test_the_text():
    assert report.text({"a": [], "b": []}, 2) == ""
    assert report.text({"a": ["one"], "b": []}, 2) == "1 thing stands in the way, and nothing was changed:\n- a: one"
    assert (
        report.text({"a": ["one", "two"]}, 1).splitlines()[0] == "2 things stand in the way, and nothing was changed:"
    )
