# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package that is older than the security floor is raised, though it is "present"."""

from __future__ import annotations

import json

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook

# as it was released with Debian 13, with a published way to exhaust its memory from afar
OLD = "13.0.1-1"
VERSION = "dpkg-query --show --showformat '${Version}' prosody"


def test_one_with_known_holes_is_raised_and_one_without_is_left_alone(host, tmp_path):
    install = {"name": "allthingslinux.xmpp.service", "tasks_from": "install"}
    told = {"service_name": "prosody", "service_packages": ["prosody"]}
    play = [{"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.include_role": install, "vars": told}]}]
    (tmp_path / "install.yml").write_text(json.dumps(play), encoding="utf-8")
    newest = host.check_output(VERSION)
    if newest == OLD:
        pytest.skip("the archive has none without these holes")
    # what dpkg takes to be there
    host.check_output("sed -i %s /var/lib/dpkg/status", f"/^Package: prosody$/,/^$/s/^Version: .*/Version: {OLD}/")
    assert host.check_output(VERSION) == OLD
    seen = playbook(str(tmp_path / "install.yml"), "--check").assert_ok()
    assert any(seen.changed.values()), "a check does not say it"
    assert host.check_output(VERSION) == OLD
    playbook(str(tmp_path / "install.yml")).assert_ok()
    assert host.check_output(VERSION) == newest
    playbook(str(tmp_path / "install.yml")).assert_unchanged()
