# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a host is; outputs as systemctl and apt-cache of Debian 13 give them."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host import condition
from ansible_collections.allthingslinux.xmpp.plugins.modules import host_condition_info
from ansible_collections.allthingslinux.xmpp.tests.unit.module_runner import run

UNITS = """Id=prosody.service
LoadState=loaded
ActiveState=active
SubState=running

Id=nope.service
LoadState=not-found
ActiveState=inactive
SubState=dead

Id=postgresql@17-main.service
LoadState=loaded
ActiveState=failed
SubState=failed
"""
POLICY = """prosody:
  Installed: 13.0.1-1
  Candidate: 13.0.1-1+deb131u
  Version table:
     13.0.1-1+deb131u 500
        500 http://archive.example/debian-security trixie-security/main amd64 Packages
 *** 13.0.1-1 500
        500 http://archive.example/debian trixie/main amd64 Packages
        100 /var/lib/dpkg/status
nginx:
  Installed: 1.26.3-3+deb13u11
  Candidate: 1.26.3-3+deb13u11
  Version table:
 *** 1.26.3-3+deb13u11 500
        500 http://archive.example/debian-security trixie-security/main amd64 Packages
        100 /var/lib/dpkg/status
     1.26.3-3 500
        500 http://archive.example/debian trixie/main amd64 Packages
coturn:
  Installed: 4.6.1-1
  Candidate: 4.6.1-2
  Version table:
     4.6.1-2 500
        500 http://archive.example/debian trixie/main amd64 Packages
 *** 4.6.1-1 100
        100 /var/lib/dpkg/status
"""
ORDER = ["1.26.3-3+deb13u11", "4.6.1-1", "4.6.1-2", "13.0.1-1", "13.0.1-1+deb131u"]
INSTALLED = "prosody\tinstalled\t13.0.1-1\nnginx\tinstalled\t1.26.3-3+deb13u11\ncoturn\tinstalled\t4.6.1-1\n"


def tools(words: list[str], **_more: object) -> tuple[int, str, str]:
    """dpkg, apt-cache and systemctl of a host."""
    if words[0] == "systemctl":
        return 0, UNITS, ""
    if words[0] == "dpkg-query":
        return 1, INSTALLED, ""
    if words[0] == "apt-cache":
        return 0, POLICY, ""
    return int(ORDER.index(words[2]) >= ORDER.index(words[4])), "", ""


def test_units_that_are_installed():
    assert condition.units(["prosody"], tools) == {"prosody": "active", "postgresql@17-main": "failed"}
    assert condition.units([], tools) == {}


def test_a_container_that_fails_its_health_check_is_not_well():
    said = "Id=prosody.service\nLoadState=loaded\nActiveState=active\nSubState=unhealthy\n"
    assert condition.parse_units(said) == {"prosody": "unhealthy"}


def test_what_is_newer_and_what_mends_holes():
    assert condition.versions(["prosody", "nginx", "coturn"], tools) == {
        "prosody": {"installed": "13.0.1-1", "newer": "13.0.1-1+deb131u", "security": True},
        "nginx": {"installed": "1.26.3-3+deb13u11", "newer": "", "security": False},
        "coturn": {"installed": "4.6.1-1", "newer": "4.6.1-2", "security": False},
    }
    assert condition.versions([], tools) == {}


def test_which_versions_archives_of_security_updates_have():
    assert condition.parse_security(POLICY) == {"prosody": ["13.0.1-1+deb131u"], "nginx": ["1.26.3-3+deb13u11"]}


def test_the_age_of_package_lists(tmp_path):
    assert condition.lists_age(1000, tmp_path) is None
    for name, moment in (("mirror.example.org_dists_trixie_InRelease", 400), ("other_list", 700), ("lock", 990)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (moment, moment))
    assert condition.lists_age(1000, tmp_path) == 300


def test_the_age_of_what_is_installed(tmp_path):
    assert condition.installed_age(1000, tmp_path / "status") is None
    (tmp_path / "status").touch()
    os.utime(tmp_path / "status", (940, 940))
    assert condition.installed_age(1000, tmp_path / "status") == 60


def test_each_file_system_once():
    sizes = {"/": (100, 40), "/var/lib/postgresql": (100, 40), "/srv": (10, 1)}

    def stat(path: str) -> os.statvfs_result:
        if path not in sizes:
            raise FileNotFoundError(path)
        blocks, free = sizes[path]
        return SimpleNamespace(f_blocks=blocks, f_bavail=free, f_frsize=4096)  # type: ignore[return-value]

    assert condition.disks([*sizes, "/nowhere"], stat) == [
        {"path": "/", "size": 409600, "free": 163840},
        {"path": "/srv", "size": 40960, "free": 4096},
    ]


def test_the_module(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(AnsibleModule, "run_command", lambda _self, words, **more: tools(words, **more))
    result = run(host_condition_info, units=["prosody"], packages=["prosody"], paths=["/"])
    assert result["changed"] is False
    assert result["units"]["prosody"] == "active"
    assert result["packages"]["prosody"]["security"] is True
    assert result["disks"][0]["path"] == "/"


def test_the_module_knows_the_packages_of_the_service(monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []

    def spy(_self: object, words: list[str], **more: object) -> tuple[int, str, str]:
        asked.extend(words)
        return tools(words, **more)

    monkeypatch.setattr(AnsibleModule, "run_command", spy)
    assert run(host_condition_info)["packages"]
    assert set(condition.OF_THE_SERVICE) <= set(asked)
    asked.clear()
    assert run(host_condition_info, packages=[])["packages"] == {}
    assert not asked
