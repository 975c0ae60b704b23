# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages that are missing or have known holes; outputs as dpkg and apt-cache of Debian 13 give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host import packages
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host.packages import Floor
from ansible_collections.allthingslinux.xmpp.plugins.modules import packages_info
from ansible_collections.allthingslinux.xmpp.tests.unit.module_runner import run

FLOORS = yaml.safe_load((Path(__file__).parents[3] / "roles" / "service" / "vars" / "main.yml").read_text())
QUERY = "lua-unbound\tnot-installed\t\nprosody\tinstalled\t{}\nca-certificates\tinstalled\t20250419\n"
POLICY = """prosody:
  Installed: 13.0.1-1
  Candidate: {}
  Version table:
     13.0.1-1+deb131u 500
"""
ORDER = ["13.0.1-1", "13.0.1-1+deb131u", "13.0.6-1~bpo13+1"]
FLOOR = Floor("prosody", "13", "13.0.1-1+deb131u", "memory (CVE-2026-43506)")


class Host:
    """dpkg and apt-cache of a host."""

    def __init__(self, version: str, candidate: str) -> None:
        self.version, self.candidate = version, candidate
        self.asked: list[str] = []

    def run(self, argv: list[str], **_how: Any) -> tuple[int, str, str]:
        self.asked.append(argv[0])
        if argv[0] == "dpkg-query":
            return 1, QUERY.format(self.version), "no packages found matching prosody-modules"
        if argv[0] == "apt-cache":
            return 0, POLICY.format(self.candidate), ""
        assert argv[:2] == ["dpkg", "--compare-versions"]
        return int(ORDER.index(argv[2]) >= ORDER.index(argv[4])), "", ""


@pytest.mark.parametrize(
    ("version", "candidate", "release", "expected"),
    [
        ("13.0.1-1", "13.0.1-1+deb131u", "13", [True]),
        ("13.0.1-1", "13.0.6-1~bpo13+1", "13", [True]),
        ("13.0.1-1", "13.0.1-1", "13", [False]),
        ("13.0.1-1", "(none)", "13", [False]),
        ("13.0.1-1+deb131u", "13.0.1-1+deb131u", "13", []),
        ("13.0.6-1~bpo13+1", "13.0.1-1+deb131u", "13", []),
        ("13.0.1-1", "13.0.1-1+deb131u", "14", []),
    ],
)
def test_below(version: str, candidate: str, release: str, expected: list[bool]) -> None:
    host = Host(version, candidate)
    found = packages.below(packages.installed(["prosody"], host.run), [FLOOR], release, host.run)
    assert [item.raised_by_candidate for item in found] == expected
    assert ("apt-cache" in host.asked) == bool(expected)  # which takes a while
    if expected == [True]:
        assert f"It will be raised to {candidate}." in str(found[0])
    elif expected:
        assert "-security" in str(found[0])
    assert all("CVE-2026-43506" in str(item) for item in found)


@pytest.mark.parametrize("check", [False, True])
def test_the_module(monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    host, warned = Host("13.0.1-1", "13.0.1-1"), []
    monkeypatch.setattr(packages_info.AnsibleModule, "run_command", lambda _self, argv, **how: host.run(argv, **how))
    monkeypatch.setattr(packages_info.AnsibleModule, "warn", lambda _self, text: warned.append(text))
    monkeypatch.setattr(packages, "release_of", lambda _text: "13")
    names = ["prosody", "lua-unbound", "prosody-modules", "ca-certificates"]
    floors = [{"package": "prosody", "release": "13", "version": "13.0.1-1+deb131u", "reason": "memory"}]
    result = run(packages_info, check=check, names=names, floors=floors)
    assert result["changed"] is False
    assert result["missing"] == ["lua-unbound", "prosody-modules"]
    assert result["installed"] == {"prosody": "13.0.1-1", "ca-certificates": "20250419"}
    assert [item["package"] for item in result["below"]] == ["prosody"]
    assert len(warned) == 1
    # a floor of a package that is not ours to install is nobody's business
    assert run(packages_info, names=["ca-certificates"], floors=floors)["below"] == []


def test_the_release() -> None:
    assert packages.release_of('NAME="Debian GNU/Linux"\nVERSION_ID="13"\n') == "13"
    assert packages.release_of("VERSION_ID=24.04\n") == "24"
    assert packages.release_of("NAME=x\n") == ""
    assert packages.installed([], Host("", "").run) == packages.candidates([], Host("", "").run) == {}


def test_the_table_says_why() -> None:
    for floor in FLOORS["__service_floors"]:
        assert "CVE-" in Floor(**floor).reason
